"""Columns of a face's record, reasons why a face is dropped, names of native crops."""

from __future__ import annotations

from collections.abc import Mapping

COLUMNS = (
    "video_id", "frame", "face", "status", "reason", "found", "x", "y", "width", "height",
    "confidence", "points", "sharpness", "noise", "digest", "phash", "fps", "crop_row",
)  # fmt: skip
MOST_FACES = 8  # faces of a video that are kept where all are wanted
ANOTHER = "not the chosen face"
NO_FACE = "no face found"
TOO_SMALL = "face smaller than 2 pixels"
NOT_REGISTERED = "the detector's five points fit no face"
LOW_CONFIDENCE = "confidence below"  # and the least one
TOO_MANY = f"not among the {MOST_FACES} faces that are in most frames"


def crop_name(crop_row: int | str) -> str:
    """Name of a face's native crop in its batch's archive.

    Args:
        crop_row: row of the face in its batch's array, from 0.
    """
    return f"{int(crop_row):06d}.png"


def points_of(row: Mapping[str, str]) -> list[tuple[int, int]]:
    """x and y in the frame of a face's points, as its record has them: none or five."""
    pairs = (pair.split(",") for pair in row["points"].split())
    return [(int(x), int(y)) for x, y in pairs]
