"""Two measures of a face in its frame: sharpness, and difference of noise to its ring.

They are columns of the faces' records. A change here detects all faces again.
"""

from __future__ import annotations

import numpy as np

from deepfake.preprocessing.bounding_boxes import Box

FLOOR = 1 / 12  # variance that rounding to whole grey levels adds
NOISE = np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32)
POWER = float((NOISE**2).sum())  # what white noise of variance 1 becomes


def sharpness(face: np.ndarray) -> float:
    """Variance of the Laplacian of a face in grey, rounded to 2 digits.

    A measure of focus: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".

    Args:
        face: uint8 RGB of shape (size, size, 3).
    """
    import cv2

    edges = cv2.Laplacian(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.CV_16S)
    return round(float(edges.var(dtype=np.float64)), 2)


def noise(frame: np.ndarray, box: Box, around: Box) -> float:
    """How much stronger noise is inside a face's box than in the ring around it, in doublings.

    The energy of a Laplacian-like residual of the grey picture: Immerkaer 1996, "Fast noise
    variance estimation".

    Args:
        frame: uint8 RGB (height, width, 3). box: of the face. around: a larger one, in the frame.

    Returns:
        log2 of the ratio of variances, rounded to 4 digits; 0 where there is no ring.
    """
    import cv2

    left, top, width, height = around
    inside = np.zeros((height, width), bool)
    first = max(0, box[0] - left), max(0, box[1] - top)
    inside[first[1] : box[1] + box[3] - top, first[0] : box[0] + box[2] - left] = True
    if inside.all() or not inside.any():
        return 0.0
    crop = np.ascontiguousarray(frame[top : top + height, left : left + width])
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    energy = cv2.filter2D(grey, cv2.CV_32F, NOISE, borderType=cv2.BORDER_REFLECT_101) ** 2
    face, ring = (energy[mask].mean(dtype=np.float64) / POWER for mask in (inside, ~inside))
    return round(float(np.log2((face + FLOOR) / (ring + FLOOR))), 4)
