"""What the videos of a training were like: a model can say that it has not seen the like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def describe(records: Sequence[dict], videos: set[str]) -> dict:
    """What the training's faces were like: 1st and 99th percentile of their width in pixels.

    Args:
        records: every frame's record. videos: ids of the training's videos.
    """
    widths = [
        float(record["width"])
        for record in records
        if record["status"] == "kept" and record["video_id"] in videos
    ]
    return {"face_width": [float(q) for q in np.quantile(widths, (0.01, 0.99))]}
