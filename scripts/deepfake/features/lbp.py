"""Local binary patterns inside the face and in the ring around it.

Ojala, Pietikainen and Maenpaa 2002, "Multiresolution gray-scale and rotation invariant texture
classification with local binary patterns", IEEE TPAMI 24(7). The variant here is their LBP(8, 1)
riu2: a pixel's eight neighbours on a circle of radius 1 (the diagonal ones by bilinear
interpolation), each 1 where it is not darker than the pixel; a circle of at most two changes has
its number of ones, 0 to 8, any other 9. Luma at native pixels; pixels at the crop's edge are left
out; the frequencies of the ten patterns over the face's ellipse, then over the ring. Their square
roots are coded, so that rare patterns keep their differences.
"""

from __future__ import annotations

import numpy as np

from deepfake.features import native

NAME = "lbp"
VERSION = 2

NEIGHBOURS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
PATTERNS = len(NEIGHBOURS) + 2
REGIONS = ("face", "ring")
LENGTH = PATTERNS * len(REGIONS)
# A diagonal neighbour lies at sqrt(1/2) of a pixel each way. Less the centre it is, but for a
# factor, SLANT times the corner and STRAIGHT times the two beside it: compared in whole numbers.
SLANT, STRAIGHT = np.int32(70711), np.int32(29289)


def _riu2() -> np.ndarray:
    """Pattern of each of the 256 circles of bits."""
    codes = np.arange(256)
    bits = codes[:, None] >> np.arange(8) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), PATTERNS - 1)


RIU2 = _riu2()


def vector(crop: np.ndarray, box: tuple[int, int, int, int], *_: object) -> np.ndarray:
    """Features of a face, uint8 (LENGTH,): 255 sqrt(frequency)."""
    return native.coded(255 * np.sqrt(values(crop, box)))


def values(crop: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Frequencies, float32 (LENGTH,); a region without a pixel has zeros."""
    crop = native.padded(crop)
    inner = native.face(crop.shape, box)[1:-1, 1:-1]
    # the circle's bits, and one more for the ring
    found = codes(native.luma(crop)) + (~inner * np.uint16(256))
    shares = []
    for circles in np.bincount(found.ravel(), minlength=2 * 256).reshape(2, 256):
        patterns = np.bincount(RIU2, weights=circles, minlength=PATTERNS)
        shares.append(patterns / max(circles.sum(), 1))
    return np.concatenate(shares).astype(np.float32)


def codes(grey: np.ndarray) -> np.ndarray:
    """The circle of bits around each pixel that has neighbours, uint8.

    Args:
        grey: int16 (height, width).

    Returns:
        (height - 2, width - 2); bit i is of NEIGHBOURS[i].
    """
    import cv2

    rows, columns = grey.shape
    less = [
        cv2.subtract(
            grey[1 + down : rows - 1 + down, 1 + right : columns - 1 + right], grey[1:-1, 1:-1]
        )
        for down, right in NEIGHBOURS
    ]
    found = np.zeros(less[0].shape, np.uint8)
    for bit, value in enumerate(less):
        if bit % 2:
            value = SLANT * value + STRAIGHT * (less[bit - 1] + less[(bit + 1) % 8])
        found |= (value >= 0).view(np.uint8) << np.uint8(bit)
    return found
