"""Columns of a face's record, reasons why a face is dropped, names of native crops."""

from __future__ import annotations

COLUMNS = (
    "video_id", "frame", "face", "status", "reason", "found", "x", "y", "width", "height",
    "confidence", "points", "sharpness", "noise", "digest", "phash", "fps", "crop_row",
)  # fmt: skip
MOST_FACES = 8  # faces of a video that are kept where all are wanted
ANOTHER = "not the chosen face"
NO_FACE = "no face found"
TOO_SMALL = "face smaller than 2 pixels"
LOW_CONFIDENCE = "confidence below"  # and the least one
TOO_MANY = f"not among the {MOST_FACES} faces that are in most frames"


def crop_name(crop_row: int | str) -> str:
    """Name of a face's native crop in its batch's archive.

    Args:
        crop_row: row of the face in its batch's array, from 0.
    """
    return f"{int(crop_row):06d}.png"
