"""Names of files while they are written, and removal of incomplete files of killed jobs.

A name carries host and process, so two copies of a job never write to the same file.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import shutil
import socket
from pathlib import Path
from typing import IO

log = logging.getLogger("deepfake")

NAME = re.compile(r"\.part\.(?:(?P<host>[A-Za-z0-9-]+)-(?P<process>\d+)\.)?")
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # of some file systems


class BusyError(OSError):
    """Another copy of this job uses the folder; the message says which."""


def path_for(place: str | Path) -> Path:
    """Where to write a file or folder until it is renamed to its place."""
    place = Path(place)
    return place.with_name(f".part.{_host()}-{os.getpid()}.{place.name}")


def remove_abandoned(folder: Path, *, jobs_may_run: bool) -> list[Path]:
    """Remove incomplete files below a folder that no process writes to any more.

    Args:
        folder: need not be there.
        jobs_may_run: on other hosts; then only files of dead processes of this host are removed.

    Returns:
        What was removed.
    """
    removed = []
    for place, folders, files in os.walk(folder):
        for name in sorted([*folders, *files]):
            if (found := NAME.match(name)) and _is_abandoned(found, jobs_may_run):
                path = Path(place, name)
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(True)
                removed.append(path)
        folders[:] = [name for name in folders if not NAME.match(name)]
    return removed


def lock(folder: Path) -> IO[str]:
    """Lock a folder until the result is closed or this process ends, on any host.

    Raises:
        BusyError: another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            log.warning("%s: this file system has no locks: %s", folder, error.strerror)
            return file
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise BusyError(f"{folder}: another copy of this job uses it ({owner})") from None
    file.truncate(0)
    file.write(f"process {os.getpid()} of {_host()}")
    file.flush()
    return file


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname().partition(".")[0])[:40]


def _is_abandoned(found: re.Match, jobs_may_run: bool) -> bool:
    if found["host"] == _host():
        return not _is_running(int(found["process"]))
    return not jobs_may_run


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
