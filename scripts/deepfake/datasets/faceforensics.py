"""FaceForensics++ (Rossler et al. 2019): originals, five ways of forging, three compressions.

original_sequences/youtube/<c>/videos/NNN.mp4
manipulated_sequences/<method>/<c>/videos/<target>_<source>.mp4
splits/{train,val,test}.json     pairs [a, b] -> reals a, b and fakes a_b, b_a
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from deepfake.datasets.files import videos_in
from deepfake.sheet import SheetError, Video

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
COMPRESSIONS = ("raw", "c23", "c40")
CLIPS = 1000  # of each method and compression, in the whole dataset


def scan(root: Path, dataset: str) -> tuple[list[Video], list[str]]:
    """Rows of a whole or partial FaceForensics++ tree.

    Returns:
        The rows, and a note for each part that holds fewer clips than the dataset has, and for
        each file that was skipped.

    Raises:
        SheetError: a split file that is no list of pairs.
    """
    official = _official_split(root / "splits")
    rows, notes = [], []
    for method in ("", *METHODS):
        base = root / (
            f"manipulated_sequences/{method}" if method else "original_sequences/youtube"
        )
        for compression in COMPRESSIONS:
            part = base / compression / "videos"
            paths = list(videos_in(part))
            if paths and len(paths) < CLIPS:
                notes.append(f"partial: {part}: {len(paths)} of {CLIPS} clips")
            for path in paths:
                row = _row(path, dataset, method, compression, official)
                if row:
                    rows.append(row)
                else:
                    notes.append(f"skipped: {path}: its name is not {_pattern(method)}")
    known = {*METHODS, "DeepFakeDetection"}
    for folder in sorted(root.glob("manipulated_sequences/*")):
        if folder.name not in METHODS:
            why = "has no reader yet" if folder.name in known else "is no known method"
            notes.append(f"skipped: {folder}: {folder.name} {why}")
    return rows, notes


def _pattern(method: str) -> str:
    return "<target>_<source>" if method else "<clip>"


def _row(
    path: Path, dataset: str, method: str, compression: str, official: dict[str, str]
) -> Video | None:
    stem = path.stem
    match = re.fullmatch(r"(\d+)_(\d+)" if method else r"(\d+)", stem)
    if not match:
        return None
    target, source = match[1], match[2] if method else ""
    return {
        "video_id": f"{dataset}/{method or 'real'}/{compression}/{stem}",
        "path": str(path),
        "label": "fake" if method else "real",
        "dataset": dataset,
        "method": method,
        "compression": compression,
        "official": official.get(stem, ""),
        "clip_id": f"{dataset}:{target}",
        "target_id": f"{dataset}:{target}",
        "source_id": f"{dataset}:{source}" if source else "",
    }


def _official_split(folder: Path) -> dict[str, str]:
    """The part (train, val, test) of each stem that the official lists name."""
    parts = {}
    for part in ("train", "val", "test"):
        file = folder / f"{part}.json"
        if not file.exists():
            continue
        try:
            for pair in json.loads(file.read_text(encoding="utf-8")):
                if not (isinstance(pair, list) and all(isinstance(clip, str) for clip in pair)):
                    raise TypeError
                first, second = pair
                for stem in (first, second, f"{first}_{second}", f"{second}_{first}"):
                    parts[stem] = part
        except (ValueError, TypeError):
            raise SheetError(f"{file}: is no JSON list of pairs of clip ids") from None
    return parts
