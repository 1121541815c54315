"""DFDC, the Deepfake Detection Challenge dataset (Dolhansky et al. 2020).

dfdc_train_part_N/metadata.json   {"a.mp4": {"label": "FAKE", "original": "b.mp4", ...}, ...}
test/labels.csv                   filename,label with 1 for fake; validation/ alike

The folders may lie in the root, one deeper (train/dfdc_train_part_N), or be the root.
"""

from __future__ import annotations

import re
from pathlib import Path

from deepfake.core import filenames
from deepfake.dataset.layouts import files
from deepfake.dataset.sheet import SheetError, Video

LABELS = {"REAL": "real", "FAKE": "fake"}
TRAINING_PARTS, CLIPS = 50, 119_154  # of the whole training set
GROUPS = ("part", "original")
LISTS = ("metadata.json", "labels.csv")


def scan(root: Path, dataset: str, group_by: str = "part") -> tuple[list[Video], list[str]]:
    """Rows of a whole or partial DFDC.

    Args:
        root: of the tree. dataset: what starts every id.
        group_by: "part" keeps a training folder together, because nobody says who is in a video
            and people return within a folder; "original" only a fake and its original.

    Raises:
        SheetError: labels of another form, or two lists that disagree; a misspelt folder.
    """
    rows, notes, parts = [], [], 0
    root = root.resolve() if root.name in ("", "..") else root
    folders = _folders(root)
    for folder in folders:
        labels = _labels(folder)
        files_here, left_out = files.videos_in(folder, deep=False, lists=LISTS)
        notes += left_out
        known = [path for path in files_here if path.name in labels]
        notes += files.partial(folder, len(known), len(labels), "videos that its labels name")
        if len(known) < len(files_here):
            unknown = next(path for path in files_here if path.name not in labels)
            count = len(files_here) - len(known)
            notes.append(f"skipped: {folder}: {count} videos without a label ({unknown.name}, ...)")
        is_part = _is_part(folder)
        parts += is_part
        for path in known:
            label, original = labels[path.name]
            clip = Path(original).stem if original else path.stem
            row = {
                "video_id": f"{dataset}/{folder.name}/{path.stem}",
                "path": str(path),
                "label": label,
                "dataset": dataset,
                "official": _official(folder),
                "clip_id": f"{dataset}:{clip}",
                "target_id": f"{dataset}:{clip}" if original or label == "real" else "",
            }
            if is_part and group_by == "part":
                row["group_id"] = f"{dataset}:{folder.name}"
            rows.append(row)
    for path in sorted(p for p in root.glob("dfdc_train_part_*") if p.is_dir()):
        if not (path / "metadata.json").exists():
            folders.append(path)
            notes.append(f"skipped: {path}: no metadata.json, so no labels")
    notes += files.elsewhere(root, folders, deep=False)
    training = sum(row["official"] == "train" for row in rows)
    if parts:
        notes += files.partial(root, parts, TRAINING_PARTS, "training parts")
        notes += files.partial(root, training, CLIPS, "training clips")
    unlinked = sum(row["label"] == "fake" and not row["target_id"] for row in rows)
    if unlinked:
        notes.append(
            f"{unlinked} fakes are linked to no original: an audit cannot detect leaks through them"
        )
    return rows, notes


def _folders(root: Path) -> list[Path]:
    """The folders that hold labels, sorted."""
    found = {
        path.parent
        for deep in ("", "*/", "*/*/")
        for name in LISTS
        for path in root.glob(deep + name)
    }
    return sorted(found)


def _is_part(folder: Path) -> bool:
    """Whether a folder is a part of the training; one that may be meant as one is refused."""
    if re.fullmatch(r"dfdc_train_part_\d+", folder.name):
        return True
    form = "dfdc_train_part_N"
    if filenames.nearest(re.sub(r"\d+", "N", folder.name), [form], files.LEAST_SIMILARITY):
        raise SheetError(f"{folder}: did you mean {form}, a training part? Rename the folder")
    return False


def _official(folder: Path) -> str:
    name = folder.name.lower()
    return "test" if name.startswith("test") else "val" if name.startswith("val") else "train"


def _labels(folder: Path) -> dict[str, tuple[str, str]]:
    """Label and original (or "") by file name; two lists of a folder are compared.

    The metadata of the test set names no label but `is_fake`.
    """
    labels = _metadata(folder / "metadata.json")
    listed = _table(folder / "labels.csv")
    for name, label in listed.items():
        if labels.setdefault(name, (label, ""))[0] != label:
            raise SheetError(
                f"{folder}: {name} is {label} in labels.csv, where 1 is fake, and "
                f"{labels[name][0]} in metadata.json"
            )
    return labels


def _metadata(path: Path) -> dict[str, tuple[str, str]]:
    if not path.exists():
        return {}
    labels = files.read_json(path, "object of videos")
    if not isinstance(labels, dict) or not all(
        isinstance(facts, dict) for facts in labels.values()
    ):
        raise SheetError(f"{path}: is no JSON object of videos")
    found = {}
    for name, facts in labels.items():
        label = LABELS.get(str(facts.get("label")))
        if label is None and str(facts.get("is_fake")) in ("0", "1"):
            label = ("real", "fake")[int(facts["is_fake"])]
        if label is None:
            raise SheetError(f"{path}: {name}: its label is neither REAL nor FAKE")
        original = facts.get("original")
        found[name] = label, original if label == "fake" and isinstance(original, str) else ""
    for name, (_, original) in found.items():
        if original and found.get(original, ("real", ""))[0] != "real":
            raise SheetError(f"{path}: {name}: its original {original} is called FAKE")
    return found


def _table(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    header, *lines = files.read_text(path).splitlines() or [""]
    if header.split(",")[:2] != ["filename", "label"]:
        raise SheetError(f"{path}: line 1: is not filename,label")
    found = {}
    for number, line in enumerate(lines, start=2):
        name, _, digit = line.strip().partition(",")
        if not name:
            continue
        if digit not in ("0", "1"):
            raise SheetError(f"{path}: line {number}: label {digit[:20]!r} is not 0 or 1")
        found[name] = ("real", "fake")[int(digit)]
    return found
