"""The calibration sheet: labelled videos from elsewhere, of which a run trains and tests on none.

Thresholds and probabilities that are chosen on the folds hold for clips like the training's. A
second sheet (`verdict.calibrate_on`) has clips of the kind that will be classified. The Snakefile
imports this, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Sequence

from deepfake.core.filenames import quoted
from deepfake.core.row import Row

PREFIX = "calibrate-on."  # of the names of its batches, beside those of the run's own sheet
LISTED = 5  # things that are named; the others are counted
# What two sheets must not share, by the column that names it.
NAMED = {
    "video_id": "videos",
    "path": "files",
    "clip_id": "clips",
    "target_id": "people",
    "source_id": "people",
    "group_id": "groups",
}


class CalibrationError(ValueError):
    """A calibration sheet that cannot serve, and why."""


def shared(sheet: str, videos: Sequence[Row], known: Sequence[Row]) -> list[str]:
    """What a calibration sheet shares with the run's own sheet, a line a column; mostly nothing.

    Args:
        sheet: its path. videos, known: rows of the two sheets.
    """
    found = []
    for column, things in NAMED.items():
        columns = ("target_id", "source_id") if things == "people" else (column,)
        others = {row[name] for row in known for name in columns} - {""}
        if both := sorted({row[column] for row in videos} & others):
            found.append(_line(sheet, f"its column {column}", things, both))
    return found


def check(sheet: str, rows: Sequence[Row], known: Sequence[Row]) -> None:
    """Whether the faces of a calibration sheet are of both classes, and none is of the run.

    Args:
        sheet: its path. rows: of its faces. known: of the run's faces.

    Raises:
        CalibrationError: they cannot serve.
    """
    labels = sorted({row["label"] for row in rows})
    if len(labels) < 2:
        kept = f"only {labels[0]} faces are kept" if labels else "no face is kept"
        raise CalibrationError(f"{sheet}: {kept}; add videos of both classes to it")
    digests = {row["digest"] for row in known} - {""}
    if both := sorted({row["video_id"] for row in rows if row["digest"] in digests}):
        raise CalibrationError(_line(sheet, "its faces", "videos with faces", both))


def _line(sheet: str, where: str, things: str, both: Sequence[str]) -> str:
    names = ", ".join(map(quoted, both[:LISTED])) + (", ..." if len(both) > LISTED else "")
    return (
        f"{sheet}: {where}: {len(both)} {things} of the run's own sheet ({names}); "
        "verdict.calibrate_on takes clips from elsewhere: remove them"
    )
