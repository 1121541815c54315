"""What the videos of a training were like: a model can say that it has not seen the like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# What is compared: name of the column, what it is called, its unit, and how much wider than the
# training's range a video may be (29.97 and 30, or 24 and 25 frames a second, are the same).
MEASURES = (
    ("width", "face_width", "its faces are {:.0f} pixels wide", 0.0),
    ("fps", "frame_rate", "it has {:g} frames a second", 0.05),
    ("sharpness", "sharpness", "the sharpness of its faces is {:.3g}", 0.0),
)


def sharpness(face: np.ndarray) -> float:
    """Variance of the Laplacian of a face in grey, rounded to 2 digits.

    A measure of focus: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".

    Args:
        face: uint8 RGB of shape (size, size, 3).
    """
    import cv2

    edges = cv2.Laplacian(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.CV_16S)
    return round(float(edges.var(dtype=np.float64)), 2)


def describe(records: Sequence[dict], videos: set[str]) -> dict[str, list[float]]:
    """What the training's faces were like: 1st and 99th percentile of each measure.

    Args:
        records: every frame's record. videos: ids of the training's videos.
    """
    kept = [r for r in records if r["status"] == "kept" and r["video_id"] in videos]
    found = {}
    for column, name, _, _ in MEASURES:
        values = [float(record[column]) for record in kept if float(record[column] or 0)]
        if values:  # a file need not state its frame rate
            found[name] = [float(q) for q in np.quantile(values, (0.01, 0.99))]
    return found


def differences(records: Sequence[dict], domain: dict[str, list[float]]) -> list[str]:
    """How a video's faces differ from the training's, a clause each.

    Args:
        records: of its kept frames; the median of each measure counts.
        domain: what `describe` gave.
    """
    found = []
    for column, name, words, slack in MEASURES:
        values = [float(record[column]) for record in records if float(record[column] or 0)]
        if not values or name not in domain:
            continue
        value, (low, high) = float(np.median(values)), domain[name]
        if not low * (1 - slack) <= value <= high * (1 + slack):
            found.append(f"{words.format(value)}, in the training {low:.4g} to {high:.4g}")
    return found
