"""Compute the features of a batch's native crops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from deepfake.core import archive
from deepfake.features import registry as features
from deepfake.preprocessing.bounding_boxes import CONTEXT, Box, enlarge
from deepfake.preprocessing.face_record import crop_name, points_of
from deepfake.preprocessing.registration import Points

# pixels, the face's box in them, their corner in the frame, the face's points in them
Crop = tuple[np.ndarray, Box, tuple[int, int], Points]


class FeatureError(ValueError):
    """A crop that cannot be read, or is of another face than its table says."""


def box_in_crop(box: Box, shape: tuple[int, ...]) -> Box:
    """Where a face's box lies in its native crop.

    The crop is the box grown by `bounding_boxes.enlarge` and clipped at the frame's border. Left
    and top do not depend on the frame's size, so neither does the answer.

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


def of_batch(rows: Sequence[dict[str, str]], tar: str | Path) -> Iterator[Crop]:
    """Each kept face of a batch as a feature set sees it, in the order of the batch's array.

    Table and archive are joined by `crop_row`, and may be in any order.

    Args:
        rows: the batch's table, of `face_record.COLUMNS`. tar: its native crops.

    Raises:
        archive.JoinError: a face is in one of the two and not in the other, or twice in one.
        FeatureError: a crop cannot be read, or is of another box.
    """
    kept = sorted(
        (row for row in rows if row["status"] == "kept"), key=lambda row: int(row["crop_row"])
    )
    with archive.Reader(tar) as crops:
        crops.match(crop_name(row["crop_row"]) for row in kept)
        for row in kept:
            name = crop_name(row["crop_row"])
            try:
                yield _crop(crops.read(name), row)
            except FeatureError as error:
                raise FeatureError(f"{tar}: {name}: {error}") from None


def _crop(data: bytes, row: dict[str, str]) -> Crop:
    """A face's native crop, uint8 RGB, and what a feature set gets of it beside."""
    import cv2

    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if bgr is None:
        raise FeatureError("is no picture; remove the file and run again")
    box = tuple(int(row[side]) for side in ("x", "y", "width", "height"))
    inside = box_in_crop(box, bgr.shape)
    corner = max(box[0], 0) - inside[0], max(box[1], 0) - inside[1]
    points = [(x - corner[0], y - corner[1]) for x, y in points_of(row)]
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), inside, corner, points


def extract(name: str, rows: Sequence[dict[str, str]], tar: str | Path) -> np.ndarray:
    """The features of a batch's kept faces, one crop in memory at a time.

    Args:
        name: of the feature set. rows, tar: see `of_batch`.

    Returns:
        uint8 (kept faces, LENGTH), C order; row i is of face i of the batch's array.

    Raises:
        archive.JoinError, FeatureError: see `of_batch`; or a face lacks what the set needs.
    """
    one = features.module(name)
    kept = sum(row["status"] == "kept" for row in rows)
    found = np.empty((kept, one.LENGTH), np.uint8)
    for number, crop in enumerate(of_batch(rows, tar)):
        try:
            found[number] = one.vector(*crop)
        except ValueError as error:
            raise FeatureError(f"{tar}: {crop_name(number)} {error}") from None
    return found
