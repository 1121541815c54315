"""Allow one controller in a folder: a lock, and a heartbeat that other login nodes can read."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deepfake.core import partial_files

HEARTBEAT_SECONDS = 30.0  # seconds between two writes of the heartbeat
STALE_SECONDS = 300.0  # age in seconds after which a heartbeat of another machine is ignored


class FolderBusy(RuntimeError):
    """A folder in which no run can start: another run is active, or it cannot be written."""


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold a folder while a run or a resume is active in it.

    The lock works on one machine, and on file systems that share locks; the heartbeat works on
    every shared file system.

    Raises:
        FolderBusy: another controller holds it, or it cannot be written.
    """
    state = folder / ".snakemake"
    heartbeat = state / "controller.json"
    with _open_lock_file(state) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderBusy(
                "another run or resume is active in this folder; wait until it ends"
            ) from None
        if where := _running_host(heartbeat):
            raise FolderBusy(f"a run of this folder is active on {where}; wait until it ends")
        _write_heartbeat(heartbeat)
        stop = threading.Event()
        thread = threading.Thread(target=_write_heartbeats, args=(heartbeat, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            heartbeat.unlink(missing_ok=True)


def _open_lock_file(state: Path) -> IO[str]:
    """Open the lock file; create its folder."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        return (state / "controller.lock").open("w")
    except OSError as error:
        raise FolderBusy(
            f"{state.absolute()} cannot be written ({error.strerror}): run in a folder of your own "
            "on the shared file system, with space left"
        ) from None


def _write_heartbeats(heartbeat: Path, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        _write_heartbeat(heartbeat)


def _write_heartbeat(heartbeat: Path) -> None:
    """Write the heartbeat file."""
    content = {"host": socket.gethostname(), "pid": os.getpid()}
    part = partial_files.path_for(heartbeat)
    with contextlib.suppress(OSError):  # a full disk must not end the run
        part.write_text(json.dumps(content), encoding="utf-8")
        part.replace(heartbeat)


def _running_host(heartbeat: Path) -> str:
    """The machine whose controller wrote a recent heartbeat, or "".

    Its age is the difference of two file times of the file server: host clocks differ.
    """
    try:
        content = json.loads(heartbeat.read_text(encoding="utf-8"))
        host, pid = content["host"], int(content["pid"])
        now = partial_files.path_for(heartbeat)
        now.write_text("", encoding="utf-8")
        age = now.stat().st_mtime - heartbeat.stat().st_mtime
        now.unlink()
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if host == socket.gethostname():
        return host if Path(f"/proc/{pid}").exists() and pid != os.getpid() else ""
    return host if age < STALE_SECONDS else ""
