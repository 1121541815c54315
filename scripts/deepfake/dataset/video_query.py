"""Find the videos to classify: a path, a pattern, or a list of paths; and why one cannot be read.

The Snakefile calls this, so nothing heavy is imported here.
"""

from __future__ import annotations

import glob
import os
from hashlib import sha256
from pathlib import Path

from deepfake.core import filenames
from deepfake.dataset.sheet import Video


class QueryError(ValueError):
    """A query without a video."""


def expand(words: str | list[str]) -> tuple[list[Video], list[tuple[str, str]]]:
    """The videos that are there, and the others with a reason; both sorted by path.

    Args:
        words: a path, a pattern like `clips/*.mp4`, or `@list.txt` with a path a line; or several.
            `~` is the home folder. In a list, blanks around a path and lines that start with `#`
            are ignored; a file named like that is written `./#name`.

    Raises:
        QueryError: nothing is named, or a list cannot be read.
    """
    paths: set[str] = set()
    for word in [words] if isinstance(words, str) else words:
        paths.update(_named(str(word)))
    if not paths:
        raise QueryError(f"videos: {words!r} names no video")
    videos, others = [], []
    for path in sorted(paths):
        if reason := filenames.unwritable(path):
            others.append((filenames.shown(path), f"its name {reason}; rename it"))
        elif reason := filenames.absent(path):
            others.append((path, reason))
        else:
            videos.append({"video_id": path, "path": path, "label": "", "group_id": ""})
    return videos, others


def _named(word: str) -> list[str]:
    if word.startswith("@"):
        try:
            text = Path(_home(word[1:])).read_text(encoding="utf-8-sig", errors="surrogateescape")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise QueryError(f"videos: the list {word[1:]} cannot be read: {error}") from None
        if "\0" in text:
            raise QueryError(f"videos: the list {word[1:]} is no text")
        lines = [line for line in text.split("\n") if line.strip()]
        return [_listed(line) for line in lines if not line.lstrip().startswith("#")]
    word = _home(word)
    if os.path.lexists(word) or not glob.has_magic(word):
        return [word]  # a name may hold brackets
    return glob.glob(word, recursive=True)


def _listed(line: str) -> str:
    """The path of a line: as it is where that is a file's name, else without blanks around it."""
    return line if os.path.lexists(line) else _home(line.strip(" \t"))


def _home(path: str) -> str:
    """A path with `~` replaced, but where that is a file's name."""
    return path if os.path.lexists(path) else os.path.expanduser(path)


def deal(videos: list[Video], videos_per_job: int, salt: str) -> None:
    """Set `batch` in place: so many videos a batch, named by what is in it and the `salt`.

    The same files with the same model are the same batch, so a repeated query runs no job.
    """
    for first in range(0, len(videos), videos_per_job):
        members = videos[first : first + videos_per_job]
        digest = sha256(salt.encode())
        for video in members:
            facts = os.stat(video["path"])
            line = f"{video['path']}\n{facts.st_size} {facts.st_mtime_ns}\n"
            digest.update(line.encode(errors="surrogateescape"))
        for video in members:
            video["batch"] = f"q{digest.hexdigest()[:16]}"
