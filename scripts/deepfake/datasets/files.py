"""Listing the video files of a folder, in sorted order. Not opening them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

EXTENSIONS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv"}


def videos_in(folder: Path) -> Iterator[Path]:
    """Every video file below a folder, by its extension, sorted.

    Links to folders are not followed; what is hidden is skipped.
    """
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in EXTENSIONS and not name.startswith("."):
                yield Path(here) / name
