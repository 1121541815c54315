"""Range of the training data, to flag out-of-distribution videos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.core import tables

# What every feature set depends on: name of the column, what it is called, and a clause with the
# value. No feature set sees more than one frame, so the frame rate is not compared.
MEASURES = (
    ("width", "face_width", "its faces are {:.0f} pixels wide"),
    ("sharpness", "sharpness", "the sharpness of its faces is {:.3g}"),
)
COLUMNS = tuple(column for column, _, _ in MEASURES)


def describe(records: Sequence[dict], videos: set[str]) -> dict[str, list[float]]:
    """The range of the training's faces: 1st and 99th percentile of each measure.

    Args:
        records: every frame's record. videos: ids of the training's videos.
    """
    records = tables.of(records)
    kept = records.at(records.among("video_id", *videos) & records.among("status", "kept"))
    found = {}
    for column, name, _ in MEASURES:
        values = np.fromiter((float(cell or 0) for cell in kept.cells(column)), float, len(kept))
        if values.any():
            found[name] = [float(q) for q in np.quantile(values[values != 0], (0.01, 0.99))]
    return found


def differences(records: Sequence[dict], domain: dict[str, list[float]]) -> dict[str, str]:
    """How a video's faces differ from the training's: a clause by what differs.

    Args:
        records: of its kept frames; the median of each measure counts.
        domain: what `describe` gave.
    """
    found = {}
    for column, name, words in MEASURES:
        values = [float(record[column]) for record in records if float(record[column] or 0)]
        if not values or name not in domain:
            continue
        value, (low, high) = float(np.median(values)), domain[name]
        if not low <= value <= high:
            found[name] = f"{words.format(value)}, in the training {low:.4g} to {high:.4g}"
    return found
