"""468 points of a face in three dimensions: MediaPipe's face mesh, run by OpenCV.

Kartynnik et al. 2019, "Real-time facial surface geometry from monocular video on mobile GPUs". The
depth is an estimate in the unit of the picture's pixels. Where the face is, its caller says.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIDE = 192  # pixels of the network's input
MARGIN = 1.5  # side of the square that it sees, in boxes
POINTS = 468
OUTER_CORNERS = 33, 263  # of the eyes, the left one of the picture first

Box = tuple[float, float, float, float]  # x, y, width, height in pixels


class FaceMesh:
    """The network, loaded once a process, on one thread (jobs scale by processes).

    Args:
        path: from `mesh_file.find`.
    """

    def __init__(self, path: Path) -> None:
        cv2.setNumThreads(1)
        self._net = cv2.dnn.readNetFromTFLite(str(path))
        self._names = self._net.getUnconnectedOutLayersNames()

    def points(self, picture: np.ndarray, box: Box, angle: float = 0.0) -> tuple[np.ndarray, float]:
        """The points of the face in a box.

        Args:
            picture: uint8 BGR of shape (height, width, 3). box: of the face.
            angle: by which its eyes are turned, in radians, clockwise.

        Returns:
            float64 (468, 3): x and y in pixels of the picture, z in the same unit, smaller is
            nearer; and a logit, above 0 where there is a face.
        """
        scale = MARGIN * max(box[2:]) / SIDE
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = np.array([box[0] + box[2] / 2, box[1] + box[3] / 2])
        shift = centre - turn @ np.full(2, SIDE / 2)
        seen = cv2.warpAffine(
            picture, np.column_stack([turn, shift]), (SIDE, SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )  # fmt: skip
        self._net.setInput(cv2.dnn.blobFromImage(seen, 1 / 255, swapRB=True))
        outputs = sorted(self._net.forward(self._names), key=np.size)
        flag, found = float(outputs[0].item()), outputs[1].reshape(POINTS, 3).astype(float)
        return np.column_stack([found[:, :2] @ turn.T + shift, scale * found[:, 2]]), flag


def place(points: np.ndarray) -> tuple[Box, float]:
    """Box and angle of a face by its own points, for `FaceMesh.points` on the next frame."""
    (left, top), (right, bottom) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    across = points[OUTER_CORNERS[1], :2] - points[OUTER_CORNERS[0], :2]
    angle = float(np.arctan2(across[1], across[0]))
    return (float(left), float(top), float(right - left), float(bottom - top)), angle
