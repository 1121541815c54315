"""What readers of trees share: video files in sorted order, what was left out, lists, notes. Not
opening videos."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from deepfake.core import filenames
from deepfake.dataset.sheet import SheetError

# Endings of the containers that the decoder opens, by FFmpeg's name of each (container.CONTAINERS).
# Not in it: those of their sound, subtitles and pictures (.m4a, .mks, .heic).
ENDINGS = {
    "avi": "avi divx",
    "mov": "mp4 m4v mov qt 3gp 3g2 3gpp 3gp2 f4v mj2 mp4v ism ismv psp",
    "matroska": "mkv webm mk3d",
    "flv": "flv",
    "mpegts": "ts mts m2ts m2t tp trp tod",
    "mpeg": "mpg mpeg mpe vob m2p mod evo",
    "asf": "wmv asf dvr-ms",
    "ogg": "ogv ogg ogm ogx",
    "mxf": "mxf",
    "nut": "nut",
    "rm": "rm rmvb",
    "ivf": "ivf",
    "dv": "dv dif",
    "gif": "gif",
    "yuv4mpegpipe": "y4m",
    "mpegvideo": "m1v m2v mpv",
    "m4v": "m4v",
    "h264": "h264 264 avc h26l",
    "hevc": "hevc h265 265",
}
EXTENSIONS = frozenset(f".{ending}" for endings in ENDINGS.values() for ending in endings.split())
LISTED = 10  # endings of a note that are named; the others are counted
LEAST_SIMILARITY = 0.8  # similarity from which a name counts as a misspelling of another


def videos_in(
    folder: Path, deep: bool = True, lists: Iterable[str] = ()
) -> tuple[list[Path], list[str]]:
    """Every video file of a folder, by its ending, sorted; and notes of what was left out.

    Links to folders are not followed. What is hidden (a dot in front) is skipped without a note.

    Args:
        folder: where to look; it need not exist.
        deep: whether to look into its folders, too.
        lists: names of files that belong to the dataset and are no videos.
    """
    found, notes = [], []
    endings: Counter[str] = Counter()
    for here, folders, files in _walk(folder, notes):
        for name in folders:
            if deep and os.path.islink(path := os.path.join(here, name)):
                what = "a link to a folder, and such links are not followed"
                notes.append(f"skipped: {filenames.shown(path)}: {what}")
        if not deep:
            folders.clear()
        for name in files:
            if _is_video(name):
                found.append(Path(here, name))
            elif name not in lists:
                endings[os.path.splitext(name)[1].lower() or "without an ending"] += 1
    if endings:
        counts = [f"{filenames.shown(name)}: {count}" for name, count in sorted(endings.items())]
        more = [f"{len(counts) - LISTED} other endings"] if len(counts) > LISTED else []
        what = f"{endings.total()} files that are no videos by their ending"
        notes.append(f"skipped: {folder}: {what} ({', '.join(counts[:LISTED] + more)})")
    return found, notes


def elsewhere(root: Path, read: Iterable[Path], deep: bool = True) -> list[str]:
    """A note for each folder with videos that a layout does not read.

    Args:
        root: of the tree.
        read: folders that were read, or that have a note of their own.
        deep: whether their folders were read, too.
    """
    read = set(read)
    above = {root} | {parent for folder in read for parent in folder.parents}
    above |= set() if deep else read
    found: dict[Path, list[str]] = {}
    notes: list[str] = []
    for here, folders, files in _walk(root, notes):
        folder = Path(here)
        if folder in read:
            if deep:
                folders.clear()
            continue
        if videos := list(filter(_is_video, files)):
            while not {folder, folder.parent} & above:
                folder = folder.parent  # one note for a whole branch
            found.setdefault(folder, []).extend(videos)
    for folder, videos in sorted(found.items()):
        what = f"{len(videos)} videos in a folder that this layout does not read"
        notes.append(f"skipped: {folder}: {what} ({filenames.shown(videos[0])}, ...)")
    return notes


def refuse_misspelt(root: Path, expected: Iterable[str]) -> None:
    """Refuse a tree with a folder like `Real` where a layout reads `real`, which is not there.

    Args:
        root: of the tree. expected: the layout's folders, as paths below the root.

    Raises:
        SheetError: one line for each such folder, with its right name.
    """
    levels: dict[Path, set[str]] = {}
    for folder in map(Path, expected):
        for place in (folder, *folder.parents[:-1]):
            levels.setdefault(root / place.parent, set()).add(place.name)
    found = []
    for here, known in sorted(levels.items()):
        there = {path.name for path in here.iterdir() if path.is_dir()} if here.is_dir() else set()
        for name in sorted(known - there):
            if near := filenames.nearest(name, sorted(there - known), LEAST_SIMILARITY):
                found.append(f"{here / near}: did you mean {here / name}? Rename the folder")
    if found:
        raise SheetError("\n".join(found))


def _walk(folder: Path, notes: list[str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk` in sorted order, without what is hidden; a note for what cannot be listed."""

    def note(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # a folder of a layout need not exist
            where = filenames.shown(filenames.cut(str(error.filename)))
            notes.append(f"skipped: {where}: cannot be read: {error.strerror}")

    for here, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield here, folders, sorted(name for name in files if not name.startswith("."))


def _is_video(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in EXTENSIONS


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
