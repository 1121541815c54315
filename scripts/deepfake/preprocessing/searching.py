"""Which sizes of faces are searched in which frames of a video. Not how: that is the detector's.

Most of a search's time goes into faces of 20 to 40 pixels, which most videos do not have. So the
search `around` looks for all sizes in one frame of EVERY, and in the others for faces from MARGIN
of the smallest that was found there. They are searched whole, not in regions around the last boxes:
at these sizes that costs little, people who come in are seen, and each face that is found has the
box that the full search gives it, which a region with its own pyramid of scales does not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepfake.preprocessing.detector import LEAST_FACE, Detector, Face

EVERY = 4  # sampled frames: how soon a new face that is much smaller than the others is seen
MARGIN = 0.5  # of the smallest face's longer side: at 2/3 one box in some tens moved

Faces = list[list[Face]]


def full(frames: list[np.ndarray], detector: Detector, is_usable: Callable[[Face], bool]) -> Faces:
    """The faces of each of one video's frames, of all sizes."""
    return detector.detect(frames)


def around(
    frames: list[np.ndarray], detector: Detector, is_usable: Callable[[Face], bool]
) -> Faces:
    """The faces of each of one video's frames, of sizes around those in every EVERY-th frame.

    A frame with fewer usable faces than the last one that was searched for all sizes, or with
    none, is searched for all sizes as well.

    Args:
        frames: uint8 RGB arrays of shape (height, width, 3), in their order.
        detector: finds the faces of a list.
        is_usable: whether a face counts.

    Raises:
        DetectorError: the detector cannot digest these frames.
    """
    found: Faces = [[] for _ in frames]

    def search(positions: list[int], least: float = LEAST_FACE) -> None:
        if positions:
            lists = detector.detect([frames[position] for position in positions], least)
            for position, faces in zip(positions, lists, strict=True):
                found[position] = faces

    def usable(position: int) -> list[Face]:
        return [face for face in found[position] if is_usable(face)]

    first = range(0, len(frames), EVERY)
    rest = [position for position in range(len(frames)) if position not in first]
    search([*first])
    sides = [max(face.box[2:]) for position in first for face in usable(position)]
    if sides:
        search(rest, max(LEAST_FACE, MARGIN * min(sides)))
    wanted = {position: max(1, len(usable(position))) for position in first}
    search([p for p in rest if len(usable(p)) < wanted[p - p % EVERY]])
    return found


SEARCHES = {"full": full, "around": around}
