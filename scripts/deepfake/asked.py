"""Which videos somebody asks about: a path, a pattern, or a list of paths; and why one cannot be
looked at. Not what is in them.

The Snakefile calls this, so nothing heavy is imported here.
"""

from __future__ import annotations

import glob
import os
from hashlib import sha256
from pathlib import Path

from deepfake import names
from deepfake.sheet import Video


class AskedError(ValueError):
    """A question that names no video."""


def expand(words: str | list[str]) -> tuple[list[Video], list[tuple[str, str]]]:
    """The videos that are there, and the others with a reason; both sorted by path.

    Args:
        words: a path, a pattern like `clips/*.mp4`, or `@list.txt` with a path a line; or several.

    Raises:
        AskedError: nothing is named, or a list cannot be read.
    """
    paths: set[str] = set()
    for word in [words] if isinstance(words, str) else words:
        paths.update(_named(str(word)))
    if not paths:
        raise AskedError(f"videos: {words!r} names no video")
    videos, others = [], []
    for path in sorted(paths):
        if reason := names.unwritable(path):
            others.append((names.shown(path), f"its name {reason}; rename it"))
        elif reason := names.absent(path):
            others.append((path, reason))
        else:
            videos.append({"video_id": path, "path": path, "label": "", "group_id": ""})
    return videos, others


def _named(word: str) -> list[str]:
    if word.startswith("@"):
        try:
            text = Path(word[1:]).read_text(encoding="utf-8-sig", errors="surrogateescape")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise AskedError(f"videos: the list {word[1:]} cannot be read: {error}") from None
        if "\0" in text:
            raise AskedError(f"videos: the list {word[1:]} is no text")
        return [line for line in text.split("\n") if line.strip()]
    if os.path.lexists(word) or not glob.has_magic(word):
        return [word]  # a name may hold brackets
    return glob.glob(word, recursive=True)


def deal(videos: list[Video], videos_per_job: int, salt: str) -> None:
    """Set `batch` in place: so many videos a batch, named by what is in it and the `salt`.

    The same files with the same model are the same batch, so asking again costs nothing.
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
