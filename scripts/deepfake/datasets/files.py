"""What readers of trees share: video files in sorted order, lists, notes. Not opening videos."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepfake.sheet import SheetError

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


def read_text(path: Path) -> str:
    """The text of a list that comes with a dataset.

    Raises:
        SheetError: one line, where it is no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetError(f"{path}: is not UTF-8 text (byte {error.start})") from None


def read_json(path: Path, what: str) -> Any:
    """What a JSON file of a dataset holds.

    Args:
        path: the file. what: it should be, for the message.

    Raises:
        SheetError: one line, where it is no JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, SheetError):
            raise
        raise SheetError(f"{path}: is no JSON {what}") from None


def partial(place: Path | str, found: int, whole: int, what: str) -> list[str]:
    """A note where a part of a tree holds other than the dataset's count, or none."""
    if found == whole:
        return []
    return [f"{'partial' if found < whole else 'too many'}: {place}: {found} of {whole} {what}"]
