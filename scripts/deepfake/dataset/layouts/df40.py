"""DF40 (Yan et al. 2024): 40 methods, on FaceForensics++, on Celeb-DF, and on sources of their own.

DF40/<method>/<ff|cdf>/**.mp4          fakes of the test; so are those in a folder `test`
DF40_train/<method>/<ff|cdf>/**.mp4    fakes of the training; so are those in a folder `train`
<the same>/<method>/<fake|real>/**     methods with real videos of their own

The folders are those of the README of its repository (github.com/YZY-stack/DF40, 2024), `train` and
`test` what users of the original videos report (its issue 33). It is given out as frames and, for
face swaps and reenactments, as videos too: only videos are read here. The README does not say how
files are named, nor which of two names is the body. So both clips or people in a name are linked,
the first taken as the body, and a name of another form is skipped with a note.
"""

from __future__ import annotations

import re
from pathlib import Path

from deepfake.dataset.layouts import files
from deepfake.dataset.sheet import Video

PARTS = {"DF40": "test", "DF40_train": "train", "test": "test", "train": "train"}
LABELS = {"ff": "fake", "cdf": "fake", "fake": "fake", "real": "real"}
# names of clips of FaceForensics++, and of Celeb-DF and its YouTube-real
FORMS = {
    "ff": r"(?P<target>\d{3})(_(?P<source>\d{3}))?",
    "cdf": r"(?P<target>id\d+)(_(?P<source>id\d+))?_(?P<number>\d+)|(?P<youtube>\d{5})",
}


def scan(
    root: Path, dataset: str, faceforensics: str = "ffpp", celebdf: str = "celebdf"
) -> tuple[list[Video], list[str]]:
    """Rows of the fakes, and of the real videos of the methods that bring their own.

    The other real videos are those of FaceForensics++ and Celeb-DF, scanned on their own.

    Args:
        root: the folder that holds DF40, DF40_train or both. dataset: what starts every id.
        faceforensics, celebdf: names of these datasets in the same sheet, whose clips are changed.

    Raises:
        SheetError: a misspelt folder.
    """
    files.refuse_misspelt(root, PARTS)
    places = _places(root)
    rows, notes = [], files.elsewhere(root, [domain for *_, domain in places])
    names = {"ff": faceforensics, "cdf": celebdf}
    for part, method, domain in places:
        paths, left_out = files.videos_in(domain)
        notes += left_out
        official = PARTS[part]
        if paths and (domain.name, official) == ("cdf", "train"):
            official = ""  # by the README, Celeb-DF's domain is not trained on
            notes.append(f"{domain}: in no official part: DF40 trains on its ff domain alone")
        for path in paths:
            linked = _links(path, domain.name, dataset, root, names)
            if linked is None:
                what = "its name does not say of which clips it is made"
                notes.append(f"skipped: {path}: {what} (ff: 000_003, cdf: id0_id1_0000)")
                continue
            rows.append(
                {
                    "video_id": f"{dataset}/{_name(path, root)}",
                    "path": str(path),
                    "label": LABELS[domain.name],
                    "dataset": dataset,
                    "method": method.name if LABELS[domain.name] == "fake" else "",
                    "official": official,
                    **linked,
                }
            )
    return rows, notes + _about(rows, names)


def _places(root: Path) -> list[tuple[str, Path, Path]]:
    """Part, method and domain of each folder that is read."""
    return sorted(
        (part, method, domain)
        for part in PARTS
        for method in (root / part).glob("*")
        for domain in method.glob("*")
        if domain.is_dir() and domain.name in LABELS and not method.name.startswith(".")
    )


def _about(rows: list[Video], names: dict[str, str]) -> list[str]:
    """Notes of how many people are unknown, and where the real class is."""
    notes = []
    unknown = sum(not row.get("target_id") for row in rows)
    if unknown:
        notes.append(f"{unknown} of {len(rows)} videos do not say who is in them")
    if len(rows) > unknown:
        notes.append(
            f"the real class of ff and cdf is FaceForensics++ in c23 and Celeb-DF: scan them into "
            f"the same sheet as --dataset {names['ff']} and {names['cdf']} (or say their names "
            "with --faceforensics and --celebdf)"
        )
    return notes


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).with_suffix("").as_posix()


def _links(
    path: Path, domain: str, dataset: str, root: Path, names: dict[str, str]
) -> Video | None:
    """Clip, body and face by a file's name; None where the name does not say them."""
    if domain not in FORMS:
        return {"clip_id": f"{dataset}:{_name(path, root)}"}
    match = re.fullmatch(FORMS[domain], path.stem)
    if not match:
        return None
    parts, name = match.groupdict(), names[domain]
    target, source = parts["target"], parts["source"]
    if parts.get("youtube"):
        return {"clip_id": f"{name}:YouTube-real/{parts['youtube']}"}
    clip = target if domain == "ff" else f"{target}_{parts['number']}"
    return {
        "clip_id": f"{name}:{clip}",
        "target_id": f"{name}:{target}",
        "source_id": f"{name}:{source}" if source else "",
    }
