"""The table of videos: its columns, checks, batches and groups.

A sheet is a tab-separated table with a header, one row a video. `video_id`, `path` and `label`
are required; the other columns are filled in where they are absent. Relative paths are relative
to the folder that the workflow runs in. The Snakefile reads the sheet, so nothing heavy is
imported here.
"""

from __future__ import annotations

import os
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha1
from itertools import pairwise
from pathlib import Path

from deepfake.core import filenames, partial_files
from deepfake.core.filenames import quoted
from deepfake.dataset import grouping
from deepfake.dataset.compact_sheet import CompactSheet

REQUIRED = ("video_id", "path", "label")
COLUMNS = (
    *REQUIRED,
    "dataset",
    "method",
    "compression",
    "official",
    "target_id",
    "source_id",
    "clip_id",
    "group_id",
    "batch",
)
LINKS = ("clip_id", "target_id", "source_id", "group_id")  # columns that link a video to others
BATCH = r"(?!\.)[A-Za-z0-9._-]{1,100}"  # a leading dot hides files, as of partial outputs
# The intended column of a name: without `_id`, or renamed.
MEANT = (
    {column: column for column in COLUMNS}
    | {column.removesuffix("_id"): column for column in COLUMNS}
    | {"official_split": "official"}
)
LEAST_SIMILARITY = 0.75  # similarity from which a column's name counts as a misspelling
LISTED = 5  # of one kind that a warning names; the others are counted
LABELS = ("real", "fake")
PARTS = ("train", "val", "test")  # of a dataset's own split; empty where it has none

Video = dict[str, str]


class SheetError(ValueError):
    """What is wrong with a sheet: one line a problem, each with its line number."""


def read(path: str | Path, *, check_files: bool = True, both_classes: bool = True) -> list[Video]:
    """Read and check a sheet.

    Args:
        path: the table.
        check_files: whether each video must exist (jobs skip it: the start of the run did it).
        both_classes: whether there must be real and fake videos (not in a tree half copied).

    Returns:
        One dict a video with every column of COLUMNS, all strings, sorted by video_id.

    Raises:
        SheetError: every problem found, one a line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SheetError(f"{path}: no such sheet; scripts/scan_dataset.py writes one") from None
    except UnicodeDecodeError as error:
        raise SheetError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        what = getattr(error, "strerror", None) or error
        raise SheetError(f"{path}: {what}") from None
    lines, known = _lines(text), {}
    header = next(lines).split("\t")
    if problems := list(_problems_of_columns(header)):
        raise SheetError("\n".join(f"{path}: line 1: {problem}" for problem in problems))
    problems, videos, numbers = [], [], []
    for number, line in enumerate(lines, start=2):
        cells = [known.setdefault(cell, cell) for cell in line.split("\t")]  # equal ones are one
        if not any(cells):
            continue
        if len(cells) != len(header):
            problems.append(f"line {number}: {len(cells)} cells under {len(header)} columns")
            continue
        row = dict(zip(header, cells, strict=True))
        video = {column: row.get(column, "") for column in COLUMNS}
        problems += [f"line {number}: {what}" for what in _problems(video, check_files)]
        videos.append(video)
        numbers.append(number)
    del text, lines, known  # more than the videos themselves
    problems += _problems_together(videos, numbers, both_classes)
    if check_files:
        problems += _problems_of_files(videos, numbers)
    if problems:
        raise SheetError("\n".join(f"{path}: {problem}" for problem in problems))
    videos.sort(key=lambda video: video["video_id"])
    if not all(video["group_id"] for video in videos):
        assign_groups(videos)
    for video in videos:
        video["batch"] = video["batch"] or own_batch(video["video_id"])
    return videos


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, one after another: a list of all would take as much memory again."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def own_batch(video_id: str) -> str:
    """The batch of a video in a sheet without batches.

    A stable one can only be the video itself: cutting a sorted list anew would move every video
    behind an added one.
    """
    return "v" + sha1(video_id.encode()).hexdigest()[:12]


def batch_sizes(path: str | Path) -> Counter[str]:
    """The number of videos of each batch of a sheet that `read` accepts, in sorted order."""
    with open(path, encoding="utf-8-sig") as file:
        lines = (line.rstrip("\n").split("\t") for line in file)
        header = next(lines)
        name = header.index("video_id")
        batch = header.index("batch") if "batch" in header else None
        found = Counter(
            (batch is not None and cells[batch]) or own_batch(cells[name])
            for cells in lines
            if any(cells)
        )
    return Counter(dict(sorted(found.items())))


def unknown(path: str | Path) -> list[str]:
    """The unknown columns of a sheet."""
    with open(path, encoding="utf-8-sig") as file:
        header = file.readline().rstrip("\n").split("\t")
    return [column for column in header if column not in COLUMNS]


def warnings(path: str | Path, videos: list[Video]) -> list[str]:
    """Warnings about possible mistakes in a sheet; for the start of a run.

    Args:
        path: the table. videos: what `read` made of it.

    Returns:
        A line for the unknown columns, and one for each file that is several videos.
    """
    found = []
    if columns := unknown(path):
        found.append(f"line 1: unknown columns, not used: {', '.join(map(quoted, columns))}")
    several = same_files(video["path"] for video in videos)
    for alike in several[:LISTED]:
        ids = ", ".join(quoted(videos[number]["video_id"]) for number in alike[:LISTED])
        one_group = len({videos[number]["group_id"] for number in alike}) == 1
        apart = "" if one_group else ", in several groups: give them one group_id"
        found.append(f"one file is {len(alike)} videos{apart}: {ids}")
    if len(several) > LISTED:
        found.append(f"{len(several) - LISTED} more files are several videos")
    return [f"warning: {path}: {line}" for line in found]


def write(videos: Iterable[Video], path: str | Path) -> None:
    """Write a sheet, sorted by video_id, in one step."""
    rows = sorted(videos, key=lambda video: video["video_id"])
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(video.get(column, "") for column in COLUMNS) for video in rows]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = partial_files.path_for(path)
    part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    part.replace(path)


def unusable(path: str) -> str | None:
    """Why a path cannot be a row's path or id, or None."""
    if "{" in path or "}" in path:
        return "has a brace, which Snakemake cannot take; rename it"
    return filenames.unwritable(path)


def _problems_of_columns(header: list[str]) -> Iterator[str]:
    if missing := [column for column in REQUIRED if column not in header]:
        yield f"no column {', '.join(missing)} (tabs between columns)"
    if len(set(header)) < len(header):
        yield "a column appears twice"
    absent = [name for name, column in MEANT.items() if column not in header]
    for column in header:
        if column not in COLUMNS and (near := filenames.nearest(column, absent, LEAST_SIMILARITY)):
            what = f"did you mean {MEANT[near]}? Rename or remove it"
            yield f"unknown column {quoted(column)}; {what}"


def _problems(video: Video, check_files: bool) -> list[str]:
    found = []
    for column in ("video_id", "path"):
        if not video[column]:
            found.append(f"{column} is empty")
        elif reason := unusable(video[column]):
            found.append(f"{column} {quoted(video[column])} {reason}")
    if video["label"] not in LABELS:
        found.append(f"unknown label {quoted(video['label'])}; known are real and fake")
    if video["official"] and video["official"] not in PARTS:
        what = "known are train, val, test, or nothing"
        found.append(f"unknown part {quoted(video['official'])} in column official; {what}")
    if video["batch"] and not re.fullmatch(BATCH, video["batch"]):
        what = "use letters, digits, dot, dash and underscore, no dot in front"
        found.append(f"batch {quoted(video['batch'])}: {what}")
    if check_files and not found and (reason := filenames.absent(video["path"])):
        found.append(f"{filenames.shown(video['path'][:4096])}: {reason}")
    return found


def _problems_together(videos: list[Video], numbers: list[int], both_classes: bool) -> list[str]:
    found = []
    times = Counter(video["video_id"] for video in videos)
    lines: dict[str, list[int]] = {name: [] for name, n in times.items() if n > 1 and name}
    for video, number in zip(videos, numbers, strict=True) if lines else ():
        if video["video_id"] in lines:
            lines[video["video_id"]].append(number)
    for name, where in lines.items():
        found.append(f"lines {', '.join(map(str, where))}: one video_id {quoted(name)}")
    labels = {video["label"] for video in videos if video["label"] in LABELS}
    if not videos:
        found.append("no videos")
    elif both_classes and len(labels) == 1:
        found.append(f"every video is {labels.pop()}; a detector needs both classes")
    for column in ("group_id", "batch"):
        empty = sum(not video[column] for video in videos)
        if 0 < empty < len(videos):
            found.append(f"{column} is empty in {empty} of {len(videos)} rows; fill all or none")
    return found


def _problems_of_files(videos: list[Video], numbers: list[int]) -> Iterator[str]:
    """That a file is real in one row and fake in another, whatever name leads to it."""
    for alike in same_files(video["path"] for video in videos):
        labels = {videos[number]["label"] for number in alike}
        if labels >= set(LABELS):
            where = ", ".join(str(numbers[number]) for number in alike)
            shown = quoted(videos[alike[0]]["path"])
            yield f"lines {where}: one file is real and fake, {shown}; one label is wrong"


def same_files(paths: Iterable[str]) -> list[list[int]]:
    """Positions of paths that lead to one file, also by links; each list has two or more."""
    paths = list(paths)
    nodes = array("Q", (_node(path)[1] for path in paths))
    ordered = sorted(nodes)
    several = {one for one, after in pairwise(ordered) if one == after} - {0}  # mostly none
    found: dict[tuple[int, int], list[int]] = {}
    for number, path in enumerate(paths) if several else ():
        if nodes[number] in several:
            found.setdefault(_node(path), []).append(number)
    return [alike for alike in found.values() if len(alike) > 1]


def _node(path: str) -> tuple[int, int]:
    """Device and inode of a file, below 2**64; zeros where there is none."""
    try:
        facts = os.stat(path)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return 0, 0
    return facts.st_dev, facts.st_ino % 2**64


def batches(videos: Sequence[Video]) -> dict[str, Sequence[Video]]:
    """The videos of each batch, batches and videos in sorted order."""
    if isinstance(videos, CompactSheet):
        return videos.batches()
    found: dict[str, list[Video]] = {}
    for video in sorted(videos, key=lambda video: (video["batch"], video["video_id"])):
        found.setdefault(video["batch"], []).append(video)
    return found


def assign_batches(videos: list[Video], known: dict[str, str], videos_per_job: int) -> None:
    """Set `batch`: videos of an earlier sheet keep theirs, new ones get new batches.

    Args:
        videos: rows to change in place.
        known: batch by video_id in the earlier sheet.
        videos_per_job: videos a new batch holds at most.
    """
    taken = {batch for batch in known.values() if re.fullmatch(r"b\d+", batch)}
    first = 1 + max((int(batch[1:]) for batch in taken), default=0)
    new = sorted((v for v in videos if v["video_id"] not in known), key=lambda v: v["video_id"])
    for position, video in enumerate(new):
        video["batch"] = f"b{first + position // videos_per_job:04d}"
    for video in videos:
        video["batch"] = known.get(video["video_id"], video.get("batch", ""))


def assign_groups(videos: list[Video], same: Iterable[Iterable[str]] = ()) -> None:
    """Set `group_id` in place: connected components over shared clips and identities.

    Two videos that share a clip, a target, a source or a group are in one group, as are a video
    and those that name it, and so on through others. A group has the smallest name in it, so
    it does not depend on row order.

    Args:
        videos: rows to change; where one has a group, it stays with the others of that group.
        same: further names that belong together: ids of videos, clips or people.
    """
    linked = [grouping.names(video, LINKS) or [video["video_id"]] for video in videos]
    first = {video["video_id"]: names[0] for video, names in zip(videos, linked, strict=True)}
    together = [names for one in same if (names := [first.get(name, name) for name in one])]
    for names in linked:
        names[:] = [first.get(name, name) for name in names]  # a name may be a video's
    groups = grouping.components([*linked, *together])
    for video, group in zip(videos, groups[: len(videos)], strict=True):
        video["group_id"] = group
