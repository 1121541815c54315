"""Celeb-DF++ (Li et al. 2025): the real videos of Celeb-DF, and fakes by 22 methods.

Celeb-real/idA_NNNN.mp4            YouTube-real/NNNNN.mp4
Celeb-synthesis/<FaceSwap|FaceReenact|TalkingFace>/<method>/*.mp4
List_of_testing_videos.txt         lines `1 YouTube-real/00170.mp4`: 1 is real, 0 is fake

The folders are those of the README of its repository (github.com/OUC-VAS/Celeb-DF-PP, 2025). It
does not say how many clips a method has, how its files are named, and whether its list has the
form of Celeb-DF's. So the number of fakes is not checked; every `idN` in a fake's name counts as a
person in it; and a list of another form, or with other labels than the folders, ends the scan.
"""

from __future__ import annotations

import re
from pathlib import Path

from deepfake.dataset.layouts import celebdf, files
from deepfake.dataset.sheet import Video

REAL = ("Celeb-real", "YouTube-real")
FAKE = "Celeb-synthesis"
KINDS = ("FaceSwap", "FaceReenact", "TalkingFace")


def scan(root: Path, dataset: str) -> tuple[list[Video], list[str]]:
    """Rows of a whole or partial Celeb-DF++ tree; `method` is the folder below the kind.

    The videos that the list names are the official test, all others the training; without the
    list nothing is. A fake whose name holds no person, or more than two, is skipped with a note.

    Raises:
        SheetError: a list of another form, or one whose labels disagree with the folders; a
            misspelt folder.
    """
    kinds = [f"{FAKE}/{kind}" for kind in KINDS]
    files.refuse_misspelt(root, (*REAL, *kinds))
    testing = celebdf.testing_list(root / celebdf.LIST)
    rows, notes = [], files.elsewhere(root, [root / place for place in (*REAL, *kinds)])
    for place in (*REAL, *kinds):
        paths, left_out = files.videos_in(root / place)
        notes += left_out
        if place in REAL:
            _, form, count, _ = celebdf.FOLDERS[place]
            notes += files.partial(root / place, len(paths), count, "clips")
        for path in paths:
            people = re.findall(r"id\d+", path.stem)
            fits = re.fullmatch(form, path.stem) if place in REAL else 1 <= len(people) <= 2
            if not fits:
                notes.append(f"skipped: {path}: its name does not say who is in it, as {_FORM}")
                continue
            rows.append(_row(path, root, dataset, people, testing))
    if testing is None:
        notes.append(f"{root / celebdf.LIST}: not there, so no video has an official part")
    else:
        there = sum(row["official"] == "test" for row in rows)
        notes += files.partial(root / celebdf.LIST, there, len(testing), "testing videos are there")
    return rows, notes


_FORM = "idA_NNNN (real), NNNNN (YouTube-real) or idA_idB_NNNN (fake)"


def _row(
    path: Path, root: Path, dataset: str, people: list[str], testing: set[str] | None
) -> Video:
    """The row of a clip; the first person of its name is taken as the body."""
    place = path.relative_to(root)
    fake = place.parts[0] == FAKE
    pair = re.fullmatch(celebdf.FOLDERS[FAKE][1], path.stem)
    if fake:
        clip = f"{pair['target']}_{pair['number']}" if pair else place.with_suffix("").as_posix()
    else:
        clip = path.stem if people else place.with_suffix("").as_posix()
    target, source = [*people, "", ""][:2]
    return {
        "video_id": f"{dataset}/{place.with_suffix('').as_posix()}",
        "path": str(path),
        "label": "fake" if fake else "real",
        "dataset": dataset,
        "method": place.parts[2] if fake and len(place.parts) > 3 else "",
        "official": "" if testing is None else "test" if place.as_posix() in testing else "train",
        "clip_id": f"{dataset}:{clip}",
        "target_id": f"{dataset}:{target}" if target else "",
        "source_id": f"{dataset}:{source}" if source else "",
    }
