"""Write the sheet of a dataset tree: one row a video, sorted, with groups and batches.

    python scripts/scan_dataset.py --layout faceforensics --dataset ffpp --root DIR --out SHEET

Run again after videos were added: every video of the existing sheet keeps its batch, so only
the new batches are computed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from deepfake import names, sheet
from deepfake.datasets import LAYOUTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layout", required=True, choices=sorted(LAYOUTS))
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
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be any bytes
    sys.stderr.reconfigure(errors="backslashreplace")
    try:
        for line in scan(**vars(arguments)):
            print(line)
    except (sheet.SheetError, OSError) as error:
        sys.exit(str(error))


def scan(
    layout: str, dataset: str, root: Path, out: Path, videos_per_job: int, drop: bool = False
) -> list[str]:
    """Write the sheet; lines that tell what is in it and what was left out.

    Rows of other datasets in an existing sheet stay.
    """
    if not root.is_dir():
        raise sheet.SheetError(f"{root}: no such folder")
    if videos_per_job < 1:
        raise sheet.SheetError(f"--videos-per-job {videos_per_job}: must be at least 1")
    videos, notes = LAYOUTS[layout](root, dataset)
    usable = []
    for video in videos:
        reason = (
            sheet.unusable(video["path"])
            or sheet.unusable(video["video_id"])
            or names.absent(video["path"])
        )
        if reason:
            notes.append(f"skipped: {video['path']!r} {reason}")
        else:
            usable.append({column: video.get(column, "") for column in sheet.COLUMNS})
    if not usable:
        raise sheet.SheetError(f"{root}: no videos in the layout {layout}\n" + "\n".join(notes))
    earlier = []
    if out.exists():
        earlier = sheet.read(out, check_files=False, both_classes=False)
    ids = {video["video_id"] for video in usable}
    gone = [v["video_id"] for v in earlier if v["dataset"] == dataset and v["video_id"] not in ids]
    if gone and not drop:
        raise sheet.SheetError(
            f"{out}: {len(gone)} of its videos are not in {root} any more ({gone[0]}, ...); bring "
            "them back, or say --drop to take them out"
        )
    usable += [video for video in earlier if video["dataset"] != dataset]
    known = {video["video_id"]: video["batch"] for video in earlier}
    sheet.assign_groups(usable)
    sheet.assign_batches(usable, known, videos_per_job)
    sheet.write(usable, out)
    labels = Counter(video["label"] for video in usable)
    groups = len({video["group_id"] for video in usable})
    batches = len({video["batch"] for video in usable})
    return [
        *notes,
        f"{out}: {labels['real']} real and {labels['fake']} fake videos in {groups} groups "
        f"and {batches} batches",
    ]


if __name__ == "__main__":
    main()
