"""Python programs that start with Snakemake imported: forks of one process that waits for them.

Importing Snakemake takes as long as planning a run, and importing what a job's script needs longer
than most jobs of a test. A fork is like a process of its own in all but that, and the seed of
hashes: forks of one server have the same. So runs and plans have a server each, and a plan that
follows from the order of a set is not that of the run. For the same reason a run that must equal
another one has a server of its own. The library itself is imported by each fork.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

SOCKET = 3  # number of the server's connection, after its standard streams
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
NEEDED_BY_JOBS = (
    "PIL.Image", "cv2", "jinja2", "keras", "matplotlib.backends.backend_svg", "matplotlib.figure",
    "mtcnn.stages", "scipy.linalg", "scipy.optimize", "scipy.special", "sklearn.covariance",
    "sklearn.model_selection", "sklearn.svm", "snakemake.script",
)  # fmt: skip


def run(
    command: list,
    *,
    cwd: str | os.PathLike,
    env: dict[str, str] | None = None,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    text: bool = True,
    server: str = "plans",
) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` for `python -m MODULE ...` and `python SCRIPT ...`, output captured as text.

    Its standard input is empty. `stderr` may be `subprocess.STDOUT`. Of all servers but that of
    plans the programs of `sys.executable` that it starts are forks, too, with no input either.
    """
    python, *words = map(str, command)
    assert python == sys.executable
    assert stdout == subprocess.PIPE
    assert text
    request = {"words": words, "cwd": str(cwd), "env": dict(os.environ if env is None else env)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        streams = [out.fileno(), (out if stderr == subprocess.STDOUT else error).fileno()]
        connection = _connection(server)
        socket.send_fds(connection, [json.dumps(request).encode()], streams)
        status = json.loads(connection.recv(100))
        out.seek(0), error.seek(0)
        read = out.read().decode(), error.read().decode()
    return subprocess.CompletedProcess(command, status, *read)


def run_with_jobs(command: list, **how) -> subprocess.CompletedProcess[str]:
    """The same of a run whose scripts are forks, too."""
    return run(command, server="jobs", **how)


def run_again(command: list, **how) -> subprocess.CompletedProcess[str]:
    """The same with another seed of hashes: for a run that must equal one of `run_with_jobs`."""
    return run(command, server="jobs again", **how)


@functools.cache
def _connection(server: str) -> socket.socket:
    """To a server of this process, which ends with it."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    python, address = folder / "python", f"deepfake-{uuid.uuid4()}"
    client = Path(__file__).with_name("fork_client.py")
    words = shlex.join([sys.executable, "-IS", str(client), address])
    python.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    python.chmod(0o755)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    subprocess.Popen(
        [sys.executable, __file__, address, *([] if server == "plans" else [python])],
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
    waiting: dict[int, tuple[int, socket.socket]] = {}  # by file of a fork: its number, its client
    while True:
        ready, _, _ = select.select([connection, listener, *waiting], [], [])
        for ended in waiting.keys() & ready:
            number, client = waiting.pop(ended)
            _, status = os.waitpid(number, 0)
            with contextlib.suppress(BrokenPipeError):  # the client was killed
                client.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())
            os.close(ended)
        asking = [connection] if connection in ready else []
        asking += [listener.accept()[0]] if listener in ready else []
        for client in asking:
            data, streams, _, _ = socket.recv_fds(client, 2**20, 2)
            if not data and client is connection:
                sys.exit()
            if data and not (number := os.fork()):
                for stream, ours in enumerate(streams, 1):
                    os.dup2(ours, stream)
                for file in (*streams, *waiting):
                    os.close(file)
                for one in (connection, listener, client, *(one for _, one in waiting.values())):
                    one.close()
                return json.loads(data) | {"of_tests": client is connection}
            for stream in streams:
                os.close(stream)
            if data:
                waiting[os.pidfd_open(number)] = number, client


def import_for_jobs() -> None:
    """What jobs import, TensorFlow as they do; of the library nothing is kept."""
    sys.path.insert(0, str(SCRIPTS))
    from deepfake.core import tensorflow_setup

    tensorflow_setup.tensorflow(threads=1)
    sys.path.remove(str(SCRIPTS))
    for name in [*sys.modules]:
        if name.split(".")[0] == "deepfake":
            del sys.modules[name]
    for name in NEEDED_BY_JOBS:
        importlib.import_module(name)


def end_after(program: Callable[[], object]) -> NoReturn:
    """Run it and end as Python would, but take down nothing: that takes longer than most jobs."""
    status: object = 0
    try:
        program()
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    if not isinstance(status, int):
        print(status, file=sys.stderr)
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(status & 0xFF)


def main() -> None:
    import snakemake.cli

    snakemake.cli.get_argument_parser()  # imports plugins, and what they need
    importlib.import_module("smart_open")  # each plan needs it
    address, *client = sys.argv[1:]
    if client:
        import_for_jobs()
    threads = len(os.listdir("/proc/self/task"))
    assert threads == 1, f"{threads} threads"
    gc.collect(), gc.freeze()  # a fork copies each page that it touches
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"\0{address}")
    listener.listen(100)
    request = _next_request(socket.socket(fileno=SOCKET), listener)
    # those of the server know of its streams whether they can seek
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[:1] = ["", *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    first, *words = request["words"]
    if client and (request["of_tests"] or first == "-m"):  # not the jobs themselves
        (sys.executable,) = client
    if first == "-m":
        sys.path[0], sys.argv = request["cwd"], words
        end_after(lambda: runpy.run_module(words[0], run_name="__main__", alter_sys=True))
    else:
        sys.path[0], sys.argv = os.path.dirname(os.path.realpath(first)), [first, *words]
        end_after(lambda: runpy.run_path(first, run_name="__main__"))


if __name__ == "__main__":
    main()
