"""Python programs that start with Snakemake imported: forks of one process that waits for them.

Importing Snakemake takes as long as planning a run. A fork is like a process of its own in all but
that, and the seed of hashes: forks of one server have the same. So what is compared between two
starts, such as the parameters of jobs, is made by a process that is no fork.
"""

from __future__ import annotations

import functools
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile

SOCKET = 3  # number of the server's connection, after its standard streams


def run(
    command: list,
    *,
    cwd: str | os.PathLike,
    env: dict[str, str] | None = None,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    text: bool = True,
) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` for `python -m MODULE ...` and `python SCRIPT ...`, output captured as text.

    Its standard input is empty. `stderr` may be `subprocess.STDOUT`.
    """
    python, *words = map(str, command)
    assert python == sys.executable
    assert stdout == subprocess.PIPE
    assert text
    request = {"words": words, "cwd": str(cwd), "env": dict(os.environ if env is None else env)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        streams = [out.fileno(), (out if stderr == subprocess.STDOUT else error).fileno()]
        connection = _connection()
        socket.send_fds(connection, [json.dumps(request).encode()], streams)
        status = json.loads(connection.recv(100))
        out.seek(0), error.seek(0)
        read = out.read().decode(), error.read().decode()
    return subprocess.CompletedProcess(command, status, *read)


@functools.cache
def _connection() -> socket.socket:
    """To the server of this process, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.dup2(theirs.fileno(), SOCKET),
        close_fds=False,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # it must have no thread when it forks
    )
    theirs.close()
    return ours


def _next_request(connection: socket.socket) -> dict:
    """Fork for each request; only the forks return, each with its own."""
    while True:
        data, streams, _, _ = socket.recv_fds(connection, 2**20, 2)
        if not data:
            sys.exit()
        if child := os.fork():
            for stream in streams:
                os.close(stream)
            _, status = os.waitpid(child, 0)
            connection.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())
        else:
            for number, stream in enumerate(streams, 1):
                os.dup2(stream, number)
            os.closerange(SOCKET, max(streams) + 1)
            return json.loads(data)


def main() -> None:
    import snakemake.cli

    snakemake.cli.get_argument_parser()  # imports plugins, and what they need
    threads = len(os.listdir("/proc/self/task"))
    assert threads == 1, f"{threads} threads"
    request = _next_request(socket.socket(fileno=SOCKET))
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[:1] = ["", *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    first, *words = request["words"]
    if first == "-m":
        sys.path[0], sys.argv = request["cwd"], words
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0], sys.argv = os.path.dirname(os.path.realpath(first)), [first, *words]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    main()
