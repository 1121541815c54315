"""Celeb-DF v1 and v2 (Li et al. 2020): celebrities, and swaps of each other's faces.

Celeb-real/idA_NNNN.mp4            YouTube-real/NNNNN.mp4
Celeb-synthesis/idA_idB_NNNN.mp4   the face of B in the video idA_NNNN
List_of_testing_videos.txt         lines `1 YouTube-real/00170.mp4`: 1 is real, 0 is fake
"""

from __future__ import annotations

import re
from pathlib import Path

from deepfake.dataset.layouts import files
from deepfake.dataset.sheet import SheetError, Video

LIST = "List_of_testing_videos.txt"
# label, form of a stem, clips in v2 and in v1
FOLDERS = {
    "Celeb-real": ("real", r"(?P<target>id\d+)_\d+", 590, 158),
    "YouTube-real": ("real", r"\d+", 300, 250),
    "Celeb-synthesis": ("fake", r"(?P<target>id\d+)_(?P<source>id\d+)_(?P<number>\d+)", 5639, 795),
}


def scan(root: Path, dataset: str) -> tuple[list[Video], list[str]]:
    """Rows of a whole or partial Celeb-DF tree.

    The videos that the list names are the official test, all others the training; without the
    list nothing is. The people of YouTube-real are unknown: its clips are linked to nothing.

    Raises:
        SheetError: a list of another form, or one whose labels disagree with the folders; a
            misspelt folder.
    """
    files.refuse_misspelt(root, FOLDERS)
    testing = testing_list(root / LIST)
    rows, notes = [], files.elsewhere(root, [root / folder for folder in FOLDERS])
    for folder, (label, form, whole, first_version) in FOLDERS.items():
        paths, left_out = files.videos_in(root / folder)
        notes += left_out
        if len(paths) != first_version:
            what = f"clips of Celeb-DF v2 (v1: {first_version})"
            notes += files.partial(root / folder, len(paths), whole, what)
        for path in paths:
            match = re.fullmatch(form, path.stem)
            if not match:
                notes.append(f"skipped: {path}: its name is not of the form of {folder}")
                continue
            ids = match.groupdict()
            clip = f"{ids['target']}_{ids['number']}" if label == "fake" else path.stem
            if folder == "YouTube-real":
                clip = f"{folder}/{clip}"
            name = path.relative_to(root).as_posix()
            rows.append(
                {
                    "video_id": f"{dataset}/{folder}/{path.stem}",
                    "path": str(path),
                    "label": label,
                    "dataset": dataset,
                    "method": folder if label == "fake" else "",
                    "official": "" if testing is None else "test" if name in testing else "train",
                    "clip_id": f"{dataset}:{clip}",
                    "target_id": f"{dataset}:{ids['target']}" if "target" in ids else "",
                    "source_id": f"{dataset}:{ids['source']}" if "source" in ids else "",
                }
            )
    if testing is None:
        notes.append(f"{root / LIST}: not there, so no video has an official part")
    else:
        there = sum(row["official"] == "test" for row in rows)
        notes += files.partial(root / LIST, there, len(testing), "testing videos are there")
    return rows, notes


def testing_list(path: Path) -> set[str] | None:
    """Names of the official test, or None; their labels are held against their folders.

    Raises:
        SheetError: a line of another form, or a label that disagrees with the folder.
    """
    if not path.exists():
        return None
    found, lines = set(), files.read_text(path).splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        digit, _, name = line.strip().partition(" ")
        name = name.strip()
        folder = name.split("/")[0]
        if digit not in ("0", "1") or folder not in FOLDERS:
            what = "is not `1 FOLDER/NAME.mp4` (real) or `0 FOLDER/NAME.mp4` (fake)"
            raise SheetError(f"{path}: line {number}: {line[:80]!r} {what}")
        listed, label = ("fake", "real")[int(digit)], FOLDERS[folder][0]
        if listed != label:
            raise SheetError(
                f"{path}: line {number}: {name} is {label} by its folder and {listed} by the list, "
                "in which 1 is real and 0 is fake; is it the dataset's own list?"
            )
        found.add(name)
    return found
