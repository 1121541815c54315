"""Detect whether an error comes from a full disk, and which folder."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def missing(error: BaseException, files: Iterable[str]) -> str:
    """Which folder has no space left and what to do, or ""; call it before files are removed.

    Args:
        error: that ended a job. files: that the job was writing.
    """
    if not isinstance(error, OSError):
        return ""
    folders = sorted({str(Path(file).parent) for file in files})
    full = [folder for folder in folders if _is_full(folder)]  # NumPy's error has no number
    if not full and error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return ""
    if not full and _is_full(temporary := os.environ.get("TMPDIR", "/tmp")):
        full = [f"{temporary}, the folder for temporary files (TMPDIR)"]
    if full:
        what = f"no space left on the device of {full[0]}"
    else:  # a quota, or another process freed space meanwhile
        places = str(error.filename or ", ".join(folders) or "place unknown")
        what = f"{os.strerror(error.errno)}: {places}"
    return f"{what}; free space there and start the same run again"


def _is_full(folder: str) -> bool:
    return os.path.isdir(folder) and shutil.disk_usage(folder).free < 2**20
