"""What stands for `python` in a run: a server of `forked` forks for the script, and this waits.

It imports next to nothing. Arguments: the server's abstract socket, and those of python.
"""

import array
import json
import os
import socket
import sys

server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.connect(f"\0{sys.argv[1]}")
request = json.dumps({"words": sys.argv[2:], "cwd": os.getcwd(), "env": dict(os.environ)})
streams = array.array("i", [1, 2])
server.sendmsg([request.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
status = int(server.recv(100))
sys.exit(status if status >= 0 else 128 - status)
