"""One controller a folder, on whatever login node: a lock, and a heartbeat that others can read."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

BEAT = 30.0  # seconds between signs of life
FRESH = 300.0  # seconds after which a sign of life from another machine counts for nothing


class Taken(RuntimeError):
    """Another controller is at work in this folder; says where."""


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder while a run or a resume is at work in it.

    The lock holds on one machine, and on file systems that pass it on to others; the heartbeat
    holds on every shared file system.

    Raises:
        Taken: another controller holds it.
    """
    home = folder / ".snakemake"
    home.mkdir(parents=True, exist_ok=True)
    heart = home / "controller.json"
    with (home / "controller.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Taken("another run or resume is at work in this folder; wait for it") from None
        if where := _alive(heart):
            raise Taken(f"a run of this folder is going on on {where}; wait for it")
        _sign(heart)
        stop = threading.Event()
        beating = threading.Thread(target=_beat, args=(heart, stop), daemon=True)
        beating.start()
        try:
            yield
        finally:
            stop.set()
            beating.join()
            heart.unlink(missing_ok=True)


def _beat(heart: Path, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        _sign(heart)


def _sign(heart: Path) -> None:
    """Leave a sign of life."""
    sign = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}
    beside = heart.with_suffix(".part")
    with contextlib.suppress(OSError):  # a full disk must not end the run
        beside.write_text(json.dumps(sign), encoding="utf-8")
        beside.replace(heart)


def _alive(heart: Path) -> str:
    """The machine whose controller gave a fresh sign of life, or ""."""
    try:
        sign = json.loads(heart.read_text(encoding="utf-8"))
        host, pid, age = sign["host"], int(sign["pid"]), time.time() - float(sign["time"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if host == socket.gethostname():
        return host if Path(f"/proc/{pid}").exists() and pid != os.getpid() else ""
    return host if age < FRESH else ""
