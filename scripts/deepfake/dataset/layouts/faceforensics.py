"""FaceForensics++ (Rossler et al. 2019) and DeepFakeDetection (Google and Jigsaw), one tree.

original_sequences/youtube/<c>/videos/NNN.mp4
manipulated_sequences/<method>/<c>/videos/<target>_<source>.mp4
original_sequences/actors/<c>/videos/<actor>__<scene>.mp4
manipulated_sequences/DeepFakeDetection/<c>/videos/<target>_<source>__<scene>__<id>.mp4
splits/{train,val,test}.json     pairs [a, b] -> reals a, b and fakes a_b, b_a
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from deepfake.dataset.layouts import files
from deepfake.dataset.sheet import PARTS, SheetError, Video

COMPRESSIONS = ("raw", "c23", "c40")


@dataclass(frozen=True)
class Subset:
    """Real or forged videos of one kind.

    Attributes:
        folder: below the root.
        method: of forgery, "" for real videos.
        form: of a file's stem, with groups `clip` (the original clip), `target` and `source`.
        form_text: the form as shown to users.
        clips: of each compression, in the whole dataset.
        people: what stands before a person's number in an id.
    """

    folder: str
    method: str
    form: str
    form_text: str
    clips: int
    people: str = ""


_SWAP = r"(?P<clip>(?P<target>\d+))_(?P<source>\d+)"
_METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
_ACTORS = "actor"  # their numbers are others than those of the YouTube clips

# by the name that the dataset's own download script has for each
SUBSETS = {
    "original": Subset(
        "original_sequences/youtube", "", r"(?P<clip>(?P<target>\d+))", "<clip>", 1000
    ),
    **{
        name: Subset(f"manipulated_sequences/{name}", name, _SWAP, "<target>_<source>", 1000)
        for name in _METHODS
    },
    "DeepFakeDetection_original": Subset(
        "original_sequences/actors", "", r"(?P<clip>(?P<target>\d+)__.+)", "<actor>__<scene>", 363,
        _ACTORS,
    ),
    "DeepFakeDetection": Subset(
        "manipulated_sequences/DeepFakeDetection", "DeepFakeDetection",
        r"(?P<target>\d+)_(?P<source>\d+)(?P<scene>__.+)__[^_]+",
        "<target>_<source>__<scene>__<id>", 3068, _ACTORS,
    ),
}  # fmt: skip


def scan(root: Path, dataset: str, splits: Path | None = None) -> tuple[list[Video], list[str]]:
    """Rows of a whole or partial tree.

    Args:
        root: of the tree. dataset: what starts every id.
        splits: folder of the official lists; `splits` in the tree where it is not given.

    Returns:
        The rows, and a note for each part that holds fewer clips than the dataset has, and for
        each file that was skipped.

    Raises:
        SheetError: a split file that is no list of pairs, or two that disagree; a misspelt
            folder.
    """
    if splits and not splits.is_dir():
        raise SheetError(f"{splits}: no such folder of train.json, val.json and test.json")
    files.refuse_misspelt(root, _folders())
    official = _official(splits or root / "splits")
    rows, notes, read = [], [], []
    for subset in SUBSETS.values():
        for compression in COMPRESSIONS:
            part = root / subset.folder / compression / "videos"
            paths, left_out = files.videos_in(part)
            read.append(part)
            notes += left_out
            if paths:
                notes += files.partial(part, len(paths), subset.clips, "clips")
            for path in paths:
                row = _row(path, dataset, subset, compression)
                if row:
                    rows.append(row)
                    if not subset.people:
                        row["official"] = official.get(path.stem, "")
                else:
                    notes.append(f"skipped: {path}: its name is not {subset.form_text}")
    known = {subset.folder for subset in SUBSETS.values()}
    for folder in sorted(root.glob("manipulated_sequences/*")):
        if folder.relative_to(root).as_posix() not in known:
            read.append(folder)
            notes.append(f"skipped: {folder}: {folder.name} is no known method")
    notes += files.elsewhere(root, read)
    if any(row["method"] == "DeepFakeDetection" for row in rows):
        notes.append(
            "DeepFakeDetection: some clips show several people, one of them forged; the face that "
            "is learned from (faces.choose) may be another's"
        )
    return rows, notes


def _folders() -> list[str]:
    """All folders of a whole tree, below its root."""
    parts = [
        f"{subset.folder}/{compression}/videos"
        for subset in SUBSETS.values()
        for compression in COMPRESSIONS
    ]
    return ["splits", *parts]


def _row(path: Path, dataset: str, subset: Subset, compression: str) -> Video | None:
    match = re.fullmatch(subset.form, path.stem)
    if not match:
        return None
    ids = match.groupdict()
    people = f"{dataset}:{subset.people}"
    # a forged clip of DeepFakeDetection is named like the original's with one actor more
    clip = ids.get("clip") or ids["target"] + ids["scene"]
    return {
        "video_id": f"{dataset}/{subset.method or 'real'}/{compression}/{path.stem}",
        "path": str(path),
        "label": "fake" if subset.method else "real",
        "dataset": dataset,
        "method": subset.method,
        "compression": compression,
        "official": "",
        "clip_id": f"{people}{clip}",
        "target_id": f"{people}{ids['target']}",
        "source_id": f"{people}{ids['source']}" if "source" in ids else "",
    }


def _official(folder: Path) -> dict[str, str]:
    """The part (train, val, test) of each stem that the official lists name."""
    parts: dict[str, str] = {}
    for part in PARTS:
        file = folder / f"{part}.json"
        if not file.exists():
            continue
        pairs = files.read_json(file, "list of pairs of clip ids")
        if not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
            raise SheetError(f"{file}: is no JSON list of pairs of clip ids")
        for first, second in pairs:
            for stem in (first, second, f"{first}_{second}", f"{second}_{first}"):
                if parts.setdefault(stem, part) != part:
                    raise SheetError(f"{file}: {stem} is in {parts[stem]}.json, too")
    return parts


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) for v in value)
