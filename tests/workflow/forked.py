"""Python programs that start with Snakemake imported: forks of one process that waits for them.

Importing Snakemake takes as long as planning a run, and importing what a job's script needs longer
than most jobs of a test. A fork is like a process of its own in all but that, and the seed of
hashes: forks of one server have the same. So runs and plans have a server each, and a plan that
follows from the order of a set is not that of the run. The library itself is imported by each fork.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

SOCKET = 3  # number of the server's connection, after its standard streams
NEEDED_BY_JOBS = (
    "PIL.Image", "cv2", "jinja2", "scipy.linalg", "scipy.optimize", "scipy.special",
    "sklearn.covariance", "sklearn.model_selection", "sklearn.svm", "snakemake.script",
)  # fmt: skip


def run(
    command: list,
    *,
    cwd: str | os.PathLike,
    env: dict[str, str] | None = None,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    text: bool = True,
    with_jobs: bool = False,
) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` for `python -m MODULE ...` and `python SCRIPT ...`, output captured as text.

    Its standard input is empty. `stderr` may be `subprocess.STDOUT`. `with_jobs`: the scripts that
    Snakemake starts are forks too.
    """
    python, *words = map(str, command)
    assert python == sys.executable
    assert stdout == subprocess.PIPE
    assert text
    request = {"words": words, "cwd": str(cwd), "env": dict(os.environ if env is None else env)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        streams = [out.fileno(), (out if stderr == subprocess.STDOUT else error).fileno()]
        connection = _connection(with_jobs)
        socket.send_fds(connection, [json.dumps(request).encode()], streams)
        status = json.loads(connection.recv(100))
        out.seek(0), error.seek(0)
        read = out.read().decode(), error.read().decode()
    return subprocess.CompletedProcess(command, status, *read)


def run_with_jobs(command: list, **how) -> subprocess.CompletedProcess[str]:
    """The same of a run whose scripts are forks, too."""
    return run(command, with_jobs=True, **how)


@functools.cache
def _connection(with_jobs: bool) -> socket.socket:
    """To a server of this process, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    subprocess.Popen(
        [sys.executable, __file__, *(["--with-jobs"] if with_jobs else [])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.dup2(theirs.fileno(), SOCKET),
        close_fds=False,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # it must have no thread when it forks
    )
    theirs.close()
    return ours


def _next_request(connection: socket.socket, listener: socket.socket) -> dict:
    """Fork for each request, of the tests or of a job; only the forks return, each with its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks that wait
    while True:
        ready, _, _ = select.select([connection, listener], [], [])
        client = connection if connection in ready else listener.accept()[0]
        data, streams, _, _ = socket.recv_fds(client, 2**20, 2)
        if not data and client is connection:
            sys.exit()
        forked = bool(data) and not os.fork()
        if forked:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if child := os.fork():
                _, status = os.waitpid(child, 0)
                with contextlib.suppress(BrokenPipeError):  # the client was killed
                    client.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())
                os._exit(0)
            for number, stream in enumerate(streams, 1):
                os.dup2(stream, number)
            connection.close(), listener.close()
        for stream in streams:
            os.close(stream)
        if client is not connection:
            client.close()
        if forked:
            return json.loads(data)


def main() -> None:
    import snakemake.cli

    snakemake.cli.get_argument_parser()  # imports plugins, and what they need
    with_jobs = "--with-jobs" in sys.argv
    for name in NEEDED_BY_JOBS if with_jobs else ():
        importlib.import_module(name)
    threads = len(os.listdir("/proc/self/task"))
    assert threads == 1, f"{threads} threads"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(place := f"\0{uuid.uuid4()}")
    listener.listen(100)
    request = _next_request(socket.socket(fileno=SOCKET), listener)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[:1] = ["", *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    first, *words = request["words"]
    if first == "-m":
        if with_jobs:
            client = Path(__file__).with_name("fork_client.py")
            sys.executable = f"{sys.executable} -IS {client} {place[1:]}"
        sys.path[0], sys.argv = request["cwd"], words
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0], sys.argv = os.path.dirname(os.path.realpath(first)), [first, *words]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    main()
