"""Plain folders: `real/**` and `fake/**`; a fake named `target_source` is paired by its name."""

from __future__ import annotations

from pathlib import Path

from deepfake.dataset.layouts import files
from deepfake.dataset.sheet import LABELS, Video


def scan(root: Path, dataset: str) -> tuple[list[Video], list[str]]:
    """Rows of a tree with a folder `real` and a folder `fake`.

    A fake `a_b` where both `real/a` and `real/b` exist has target a and source b (body first,
    face second); any other video is linked to nothing but itself.

    Returns:
        The rows, and a note for each thing that looks unfinished or was left out.

    Raises:
        SheetError: a folder of neither name, but near to one that is not there, as `Real`.
    """
    files.refuse_misspelt(root, LABELS)
    found, notes = {}, files.elsewhere(root, [root / label for label in LABELS])
    for label in LABELS:
        paths, left_out = files.videos_in(root / label)
        found[label] = [path.relative_to(root / label) for path in paths]
        notes += left_out
    reals = {path.with_suffix("").as_posix() for path in found["real"]}
    rows = []
    for label, paths in found.items():
        if not paths:
            notes.append(f"no videos in {root / label}")
        for path in paths:
            name = path.with_suffix("").as_posix()
            target, source = _pair(name, reals) if label == "fake" else (name, "")
            rows.append(
                {
                    "video_id": f"{dataset}/{label}/{path.as_posix()}",
                    "path": str(root / label / path),
                    "label": label,
                    "dataset": dataset,
                    "method": path.parts[0] if label == "fake" and len(path.parts) > 1 else "",
                    "clip_id": f"{dataset}:{target or label + '/' + name}",
                    "target_id": f"{dataset}:{target}" if target else "",
                    "source_id": f"{dataset}:{source}" if source else "",
                }
            )
    fakes = [row for row in rows if row["label"] == "fake"]
    unlinked = sum(not row["target_id"] for row in fakes)
    if unlinked:
        notes.append(
            f"{unlinked} of {len(fakes)} fakes are linked to no real video (they are not named "
            "target_source): nothing keeps their people on one side of a split"
        )
    return rows, notes


def _pair(name: str, reals: set[str]) -> tuple[str, str]:
    """Target and source of a fake's name, or two empty strings.

    Either part may hold underscores itself, so every cut is tried.
    """
    stem = name.rsplit("/", 1)[-1]
    parts = stem.split("_")
    for cut in range(1, len(parts)):
        target, source = "_".join(parts[:cut]), "_".join(parts[cut:])
        if target in reals and source in reals:
            return target, source
    return "", ""
