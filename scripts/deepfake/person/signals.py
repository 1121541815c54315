"""The twenty signals of a frame: movements of the face mesh in place of OpenFace's action units.

After Agarwal et al. 2019, "Protecting world leaders against deep fakes", whose signals are
intensities of 16 action units, two head rotations, and width and opening of the mouth. Here 16
distances between points of the mesh stand for the units; each is named for what it measures, with
the unit that moves it most. They are no measurement of action units.
"""

from __future__ import annotations

import itertools

import numpy as np

INNER_CORNERS = 133, 362  # of the eyes; their distance is the unit of all lengths
ACROSS = (33, 133), (263, 362)  # eye corners of both sides
UPPER, LOWER = (
    (10, 9, 8, 151),
    (6, 168, 197, 195),
)  # of the midline: forehead and bridge of the nose

# Name -> (points, other points, axis): how far the mean of the points lies from that of the others,
# along x (to the right of the picture), y (up) or z (towards the camera), or "" for the distance.
# A side of the face has points of its own: the mean of both sides is taken. Numbers: action units.
MEASURES: dict[str, tuple[tuple[tuple[int, ...], tuple[int, ...], str], ...]] = {
    "inner_brow_height": (((55, 107), (133,), "y"), ((285, 336), (362,), "y")),  # 1
    "outer_brow_height": (((70, 63), (33,), "y"), ((300, 293), (263,), "y")),  # 2
    "brow_distance": (((55, 107), (285, 336), ""),),  # 4
    "upper_lid_height": (((159,), (33, 133), "y"), ((386,), (263, 362), "y")),  # 5
    "cheek_height": (((50, 205), (33, 133), "y"), ((280, 425), (263, 362), "y")),  # 6
    "lower_lid_height": (((145,), (33, 133), "y"), ((374,), (263, 362), "y")),  # 7
    "nostril_height": (((64, 98), (133,), "y"), ((294, 327), (362,), "y")),  # 9
    "upper_lip_height": (((0, 37, 267), (133, 362), "y"),),  # 10
    "mouth_corner_height": (((61,), (133,), "y"), ((291,), (362,), "y")),  # 12
    "mouth_corner_depth": (((61,), (133,), "z"), ((291,), (362,), "z")),  # 14
    "mouth_corner_lift": (((61, 291), (13, 14), "y"),),  # 15
    "chin_to_lip": (((152, 199), (17,), "y"),),  # 17
    "lower_lip_width": (((84, 181), (314, 405), ""),),  # 20
    "lip_thickness": (((0,), (13,), ""), ((14,), (17,), "")),  # 23
    "lip_gap": (((13,), (14,), ""),),  # 25
    "jaw_drop": (((152,), (2,), "y"),),  # 26
    "mouth_width": (((61,), (291,), ""),),
    "mouth_opening": (((0,), (17,), ""),),
}
NAMES = (*MEASURES, "head_pitch", "head_roll")
PAIRS = tuple(itertools.combinations(NAMES, 2))


def of_points(points: np.ndarray) -> np.ndarray:
    """The signals of frames.

    Args:
        points: float (n, 468, 3), from `mesh.FaceMesh.points`.

    Returns:
        float64 (n, 20), in the order of NAMES: distances in inner eye-corner distances, rotations
        in radians.
    """
    axes = _axes(points)
    unit = np.linalg.norm(points[:, INNER_CORNERS[1]] - points[:, INNER_CORNERS[0]], axis=-1)
    aligned = np.einsum("nak,npk->npa", axes, points) / unit[:, None, None]
    found = [_measured(aligned, sides) for sides in MEASURES.values()]
    pitch = np.arctan2(axes[:, 1, 2], np.hypot(axes[:, 1, 0], axes[:, 1, 1]))
    roll = np.arctan2(axes[:, 0, 1], axes[:, 0, 0])
    return np.column_stack([*found, pitch, roll])


def _axes(points: np.ndarray) -> np.ndarray:
    """The head's own axes by its stable points: right, up, to the camera; float (n, 3, 3)."""
    (left, right), (upper, lower) = (
        (points[:, one].mean(axis=1), points[:, other].mean(axis=1))
        for one, other in (ACROSS, (UPPER, LOWER))
    )
    across = _normed(right - left)
    up = upper - lower
    up = _normed(up - (up * across).sum(axis=-1, keepdims=True) * across)
    return np.stack([across, up, np.cross(across, up)], axis=1)


def _normed(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _measured(aligned: np.ndarray, sides: tuple) -> np.ndarray:
    """One of MEASURES, float (n,)."""
    found = []
    for points, others, axis in sides:
        way = aligned[:, points].mean(axis=1) - aligned[:, others].mean(axis=1)
        found.append(way[:, "xyz".index(axis)] if axis else np.linalg.norm(way, axis=-1))
    return np.mean(found, axis=0)
