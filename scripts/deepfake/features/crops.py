"""A batch's native crops, and the features of each; not what a feature set computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from deepfake import archive, features
from deepfake.faces import CONTEXT, enlarge

Box = tuple[int, int, int, int]


class FeatureError(ValueError):
    """A batch whose table and crops do not belong together, or a crop that cannot be read."""


def box_in_crop(box: Box, shape: tuple[int, ...]) -> Box:
    """Where a face's box lies in its native crop.

    The crop is the box grown by `faces.enlarge` and clipped at the frame's border. Left and top
    do not depend on the frame's size, so neither does the answer.

    Args:
        box: x, y, width, height in the frame, as the face's record has it.
        shape: of the crop.

    Raises:
        FeatureError: the crop cannot be of this box.
    """
    x, y, width, height = box
    endless = x + 2 * width, y + 2 * height
    left, top, most_wide, most_high = enlarge(box, (CONTEXT - 1) / 2, endless[::-1])
    right, bottom = min(x + width - left, shape[1]), min(y + height - top, shape[0])
    inside = max(x, 0) - left, max(y, 0) - top
    if not (
        inside[0] < right and inside[1] < bottom and shape[1] <= most_wide and shape[0] <= most_high
    ):
        raise FeatureError(f"a crop of {shape[1]} x {shape[0]} is not of a face at {box}")
    return *inside, right - inside[0], bottom - inside[1]


def of_batch(rows: Sequence[dict[str, str]], tar: str | Path) -> Iterator[tuple[np.ndarray, Box]]:
    """Each kept face of a batch as (crop, box in it), in the order of the batch's array.

    Args:
        rows: the batch's table, of `faces.COLUMNS`. tar: its native crops.

    Raises:
        FeatureError: the two do not belong together, or a crop cannot be read.
    """
    import cv2

    kept = [row for row in rows if row["status"] == "kept"]
    stored = archive.members(tar)
    for row in kept:
        name, data = next(stored, ("nothing", b""))
        if name != row["crop"]:
            raise FeatureError(f"{tar}: has {name} where its table has {row['crop']}")
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if bgr is None:
            raise FeatureError(f"{tar}: {name} is no picture; remove the file and run again")
        box = tuple(int(row[side]) for side in ("x", "y", "width", "height"))
        try:
            yield cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), box_in_crop(box, bgr.shape)
        except FeatureError as error:
            raise FeatureError(f"{tar}: {name}: {error}") from None
    if extra := next(stored, None):
        raise FeatureError(f"{tar}: has {extra[0]}, which its table does not have")


def extract(name: str, rows: Sequence[dict[str, str]], tar: str | Path) -> np.ndarray:
    """The features of a batch's kept faces, one crop in memory at a time.

    Args:
        name: of the feature set. rows, tar: see `of_batch`.

    Returns:
        uint8 (kept faces, LENGTH), C order; row i is of face i of the batch's array.
    """
    one = features.module(name)
    kept = sum(row["status"] == "kept" for row in rows)
    found = np.empty((kept, one.LENGTH), np.uint8)
    for number, (crop, box) in enumerate(of_batch(rows, tar)):
        found[number] = one.vector(crop, box)
    return found
