"""Links between videos beyond the IDs of a sheet: tables of common sources, equal content."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from deepfake.core.filenames import shown
from deepfake.dataset.sheet import LINKS, SheetError, Video

BLOCK = 2**20  # bytes read at once


def read(path: Path, dataset: str) -> list[tuple[str, ...]]:
    """Names of a table that come from one source, as FaceForensics++ clips of one recording.

    Args:
        path: lines of two or more names, with tabs, or spaces where there is no tab; `#` starts a
            comment. Or a JSON object that maps a clip to its source and a number, as the
            `conversion_dict.json` of FaceForensics++ does ("331": "SOURCE 0").
        dataset: what a name without one (no ":" or "/" in it) belongs to.

    Raises:
        SheetError: one line with the file, and the line where there is one.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise SheetError(f"{path}: {reason}") from None
    found = _clips_by_source(path, text) if text.lstrip().startswith("{") else _lines(path, text)
    return [
        tuple(name if {":", "/"} & set(name) else f"{dataset}:{name}" for name in names)
        for names in found
    ]


def _lines(path: Path, text: str) -> list[list[str]]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.split("#")[0].strip()
        names = [name.strip() for name in line.split("\t" if "\t" in line else None)]
        if len(names) == 1:
            raise SheetError(f"{path}: line {number}: {line[:80]!r} is one name, not two or more")
        if names:
            found.append(names)
    return found


def _clips_by_source(path: Path, text: str) -> list[list[str]]:
    try:
        all_names = json.loads(text)
        clips = defaultdict(list)
        for clip, source in all_names.items():
            clips[source.split()[0]].append(clip)
    except (ValueError, AttributeError, IndexError):
        raise SheetError(f"{path}: is no JSON object of clips and their sources") from None
    return [sorted(names) for _, names in sorted(clips.items()) if len(names) > 1]


def unknown(same: Iterable[Iterable[str]], videos: list[Video]) -> tuple[int, int]:
    """How many names of such a table are in no row, and how many there are."""
    columns = ("video_id", *LINKS)
    known = {video.get(column, "") for video in videos for column in columns}
    all_names = {name for names in same for name in names}
    return len(all_names - known), len(all_names)


def equal_files(videos: list[Video]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Ids of videos whose files have equal bytes, and notes.

    Only files of equal size are read. An empty file has no content to be equal, and one that
    cannot be read is left to the job that decodes it.
    """
    by_size = defaultdict(list)
    for video in videos:
        try:
            size = os.stat(video["path"]).st_size
        except (OSError, ValueError):
            continue
        if size:
            by_size[size].append(video)
    by_content = defaultdict(list)
    for size, alike in by_size.items():
        for video in alike if len(alike) > 1 else []:
            if digest := _digest(video["path"]):
                by_content[size, digest].append(video)
    found, notes, more = [], [], 0
    for alike in by_content.values():
        if len(alike) < 2:
            continue
        ids = sorted(video["video_id"] for video in alike)
        found.append(tuple(ids))
        more += len(ids) - 1
        if len({video["label"] for video in alike}) > 1:
            notes.append(
                f"equal content, two labels: {shown(', '.join(ids[:5]))}; one label is wrong"
            )
    if more:
        notes.append(f"{more} videos have the content of another one and join its group")
    return sorted(found), sorted(notes)


def _digest(path: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()
