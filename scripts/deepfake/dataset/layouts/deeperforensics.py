"""DeeperForensics-1.0 (Jiang et al. 2020): actors' faces in the originals of FaceForensics++.

manipulated_videos/<variant>/<target>_<actor>.mp4   target: a clip of FaceForensics++
lists/splits/{train,val,test}.txt                   names of manipulated videos
source_videos/                                      the actors; they are not the real class
"""

from __future__ import annotations

import re
from pathlib import Path

from deepfake.dataset.layouts import files
from deepfake.dataset.sheet import PARTS, SheetError, Video

FORM = r"(?P<target>\d{3})_(?P<actor>[MW]\d{3})"
CLIPS = 1000  # of each variant
FOLDERS, ACTORS = ("manipulated_videos", "lists/splits"), "source_videos"


def scan(root: Path, dataset: str, faceforensics: str = "ffpp") -> tuple[list[Video], list[str]]:
    """Rows of the forged videos; the real ones are FaceForensics++'s, scanned on their own.

    Args:
        root: of the tree. dataset: what starts every id.
        faceforensics: name of FaceForensics++ in the same sheet, whose clips are the targets.

    Raises:
        SheetError: a split list of another form, or lists that disagree; a misspelt folder.
    """
    files.refuse_misspelt(root, (*FOLDERS, ACTORS))
    official = _official(root / "lists" / "splits")
    variants = sorted(path for path in root.glob("manipulated_videos/*") if path.is_dir())
    rows, notes = [], files.elsewhere(root, [*variants, root / ACTORS])
    for variant in variants:
        paths, left_out = files.videos_in(variant)
        notes += left_out
        if paths:
            notes += files.partial(variant, len(paths), CLIPS, "clips")
        for path in paths:
            match = re.fullmatch(FORM, path.stem)
            if not match:
                notes.append(f"skipped: {path}: its name is not <target>_<actor>")
                continue
            rows.append(
                {
                    "video_id": f"{dataset}/{variant.name}/{path.stem}",
                    "path": str(path),
                    "label": "fake",
                    "dataset": dataset,
                    "method": variant.name,
                    "official": official.get(path.stem, ""),
                    "clip_id": f"{faceforensics}:{match['target']}",
                    "target_id": f"{faceforensics}:{match['target']}",
                    "source_id": f"{dataset}:{match['actor']}",
                }
            )
    if (root / ACTORS).exists():
        notes.append(f"skipped: {root / ACTORS}: the actors are not the real class")
    notes.append(
        f"every video is fake: the real class is FaceForensics++ in c23; scan it into the same "
        f"sheet as --dataset {faceforensics} (or say its name with --faceforensics)"
    )
    return rows, notes


def _official(folder: Path) -> dict[str, str]:
    """The part of each stem that the lists name; all variants of a stem share it."""
    parts: dict[str, str] = {}
    for part in PARTS:
        file = folder / f"{part}.txt"
        lines = files.read_text(file).splitlines() if file.exists() else []
        for number, line in enumerate(lines, start=1):
            stem = Path(line.strip()).stem
            if not stem:
                continue
            if not re.fullmatch(FORM, stem):
                what = "is no forged video <target>_<actor>, and these lists name no other"
                raise SheetError(f"{file}: line {number}: {line[:80]!r} {what}")
            if parts.setdefault(stem, part) != part:
                raise SheetError(f"{file}: line {number}: {stem} is in {parts[stem]}.txt, too")
    return parts
