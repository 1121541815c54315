"""Write the sheet of a dataset tree: one row a video, sorted, with groups and batches.

    python scripts/scan_dataset.py --layout faceforensics --dataset ffpp --root DIR --out SHEET

Run again after videos were added: every video of the existing sheet keeps its batch, so only
the new batches are computed. Run with another dataset and the same sheet, and it holds both.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from deepfake.core import filenames
from deepfake.dataset import shared_sources, sheet
from deepfake.dataset.layouts import registry as layouts
from deepfake.dataset.sheet import SheetError, Video

NAME = r"[A-Za-z0-9._+-]+"  # of a dataset: no ":" and "/", which end it in an id
MANY_BATCHES = 800  # each is a job of three or more rules, and a run has at most max_jobs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layout", required=True, choices=sorted(layouts.LAYOUTS))
    parser.add_argument("--dataset", required=True, help="name that starts every id, e.g. ffpp")
    parser.add_argument("--root", required=True, type=Path, help="folder of the dataset")
    parser.add_argument("--out", required=True, type=Path, help="sheet to write")
    parser.add_argument(
        "--videos-per-job",
        type=int,
        default=20,
        help="videos in a new batch (default 20); 1 makes one job a video",
    )
    parser.add_argument(
        "--drop",
        action="store_true",
        help="take videos of the earlier sheet out that are not there any more",
    )
    parser.add_argument(
        "--same-source",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="names that belong in one group, two or more a line (may be repeated); "
        "or FaceForensics++'s conversion_dict.json",
    )
    parser.add_argument(
        "--splits",
        type=Path,
        help="faceforensics: folder of train.json, val.json and test.json (default ROOT/splits)",
    )
    parser.add_argument(
        "--faceforensics",
        metavar="NAME",
        help="deeperforensics, df40: the --dataset of FaceForensics++ in the sheet (default ffpp)",
    )
    parser.add_argument(
        "--celebdf",
        metavar="NAME",
        help="df40: the --dataset of Celeb-DF in the sheet (default celebdf)",
    )
    parser.add_argument(
        "--group-by",
        choices=layouts.dfdc.GROUPS,
        help="dfdc: keep a training part together (default), or only a fake and its original",
    )
    arguments = vars(parser.parse_args())
    options = {name: arguments.pop(name) for name in layouts.OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be any bytes
    sys.stderr.reconfigure(errors="backslashreplace")
    try:
        for line in scan(**arguments, **options):
            print(line)
    except (SheetError, OSError) as error:
        sys.exit(str(error))


def scan(
    layout: str,
    dataset: str,
    root: Path,
    out: Path,
    videos_per_job: int,
    drop: bool = False,
    same_source: Sequence[Path] = (),
    **options: object,
) -> list[str]:
    """Write the sheet; lines that tell what is in it and what was left out.

    Rows of other datasets in an existing sheet stay, and stay together.
    """
    _check(layout, dataset, root, videos_per_job, options)
    videos, notes = layouts.scan(layout, root, dataset, **options)
    usable = _usable(videos, notes)
    if not usable:
        raise SheetError(f"{root}: no videos in the layout {layout}\n" + "\n".join(notes))
    earlier = []
    if out.exists():
        earlier = sheet.read(out, check_files=False, both_classes=False)
        if columns := sheet.unknown(out):
            shown = ", ".join(map(filenames.quoted, columns))
            notes.append(f"{out}: unknown columns of the earlier sheet are left out: {shown}")
    ids = {video["video_id"] for video in usable}
    gone = [v["video_id"] for v in earlier if v["dataset"] == dataset and v["video_id"] not in ids]
    if gone and not drop:
        raise SheetError(
            f"{out}: {len(gone)} of its videos are not in {root} any more ({gone[0]}, ...); bring "
            "them back, or say --drop to take them out"
        )
    usable += [video for video in earlier if video["dataset"] != dataset]
    _check_ids(usable)
    _check_labels(usable)
    known = {video["video_id"]: video["batch"] for video in earlier}
    sheet.assign_groups(usable, _together(usable, dataset, same_source, notes))
    notes += _torn(earlier, usable)
    sheet.assign_batches(usable, known, videos_per_job)
    sheet.write(usable, out)
    labels = Counter(video["label"] for video in usable)
    groups = len({video["group_id"] for video in usable})
    batches = len({video["batch"] for video in usable})
    return [
        *notes,
        f"{out}: {labels['real']} real and {labels['fake']} fake videos in {groups} groups "
        f"and {batches} batches",
        *_larger_batches(out, len(usable), batches),
    ]


def _larger_batches(out: Path, videos: int, batches: int) -> list[str]:
    """A line that suggests how many videos a batch should have, if there are many batches."""
    if batches <= MANY_BATCHES:
        return []
    each = math.ceil(videos / MANY_BATCHES / 10) * 10
    return [
        f"{out}: each batch is a job of every stage (frames, faces, features), and more than "
        f"{MANY_BATCHES} are slow to plan: better remove this sheet, and scan again with "
        f"--videos-per-job {each}"
    ]


def _check(layout: str, dataset: str, root: Path, videos_per_job: int, options: dict) -> None:
    if not root.is_dir():
        raise SheetError(f"{root}: no such folder")
    if videos_per_job < 1:
        raise SheetError(f"--videos-per-job {videos_per_job}: must be at least 1")
    if not re.fullmatch(NAME, dataset):
        what = "use letters, digits, dot, dash, plus and underscore"
        raise SheetError(f"--dataset {filenames.quoted(dataset)}: {what}")
    for name in options:
        if layout not in layouts.OPTIONS[name]:
            word, known = name.replace("_", "-"), " and ".join(layouts.OPTIONS[name])
            raise SheetError(f"--{word} is for the layout {known}, not {layout}")


def _usable(videos: list[Video], notes: list[str]) -> list[Video]:
    """Full rows of the videos that a sheet can hold; a note for each other."""
    usable = []
    for video in videos:
        reason = (
            sheet.unusable(video["path"])
            or sheet.unusable(video["video_id"])
            or next(filter(None, map(filenames.unwritable, video.values())), None)
            or filenames.absent(video["path"])
        )
        if reason:
            notes.append(f"skipped: {video['path']!r} {reason}")
        else:
            usable.append({column: video.get(column, "") for column in sheet.COLUMNS})
    return usable


def _check_ids(videos: list[Video]) -> None:
    """Refuse two videos of one id, as a clip with two endings."""
    paths: dict[str, str] = {}
    for video in videos:
        other = paths.setdefault(video["video_id"], video["path"])
        if other != video["path"]:
            raise SheetError(
                f"one id for two videos, {video['video_id']}: {filenames.shown(other)} and "
                f"{filenames.shown(video['path'])}; take one away, or scan as another --dataset"
            )


def _check_labels(videos: list[Video]) -> None:
    """Refuse a file that is real under one name and fake under another, as by a link."""
    for alike in sheet.same_files(video["path"] for video in videos):
        paths = {videos[number]["label"]: videos[number]["path"] for number in alike}
        if len(paths) > 1:
            raise SheetError(
                f"one file is real and fake: {filenames.shown(paths['real'])} and "
                f"{filenames.shown(paths['fake'])}; take one away"
            )


def _together(
    videos: list[Video], dataset: str, tables: Sequence[Path], notes: list[str]
) -> list[tuple[str, ...]]:
    """Names that belong in one group by a table or by equal content; notes about them."""
    found = []
    for path in tables:
        same = shared_sources.read(path, dataset)
        missing, total = shared_sources.unknown(same, videos)
        if missing == total:
            raise SheetError(f"{path}: none of its names is in the sheet, e.g. as {dataset}:000")
        if missing:
            notes.append(f"{path}: {missing} of its {total} names are in no row")
        found += same
    equal, equal_notes = shared_sources.equal_files(videos)
    notes += equal_notes
    return found + equal


def _torn(earlier: list[Video], videos: list[Video]) -> list[str]:
    """A note where groups of the earlier sheet fell apart: a forgotten table would leak."""
    now = {video["video_id"]: video["group_id"] for video in videos}
    groups: dict[str, set[str]] = {}
    for video in earlier:
        if video["video_id"] in now:
            groups.setdefault(video["group_id"], set()).add(now[video["video_id"]])
    torn = sum(len(found) > 1 for found in groups.values())
    if not torn:
        return []
    return [f"{torn} groups of the earlier sheet fell apart: was a --same-source left out?"]


if __name__ == "__main__":
    main()
