"""Digests of equal faces, and perceptual hashes that are nearly equal for copies of a frame.

`duplicates` compares them. A change of this module detects all faces again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 64  # pixels of the grey picture that is hashed
KEPT = 16  # lowest frequencies kept along each axis: KEPT**2 bits
THUMB = 256  # pixels of the square picture that the views are cut from
CROPS = (25, 50, 75, 100)  # edges that a copy may lack, in thousandths of each side
# What is hashed of a frame. A letterbox is trimmed off all but the whole; the middle is without a
# fifth above and below, where captions are; the dark is clipped where a third of it is darker,
# which no copy up to two and a half times as bright changes.
VIEWS = ("whole", "trimmed", *(f"cropped by {crop}" for crop in CROPS), "middle", "dark")
FLAT, MOST_TRIMMED = 8, 3 * THUMB // 10  # grey levels within a bar; lines of one at most
LEAST_CLIP = 32  # level below which the dark would be no more than an outline


def digest(face: np.ndarray) -> str:
    """16 hexadecimal digits of the sha256 of a face's pixels: equal faces are equal rows."""
    return hashlib.sha256(np.ascontiguousarray(face)).hexdigest()[:16]


def perceptual(frame: np.ndarray) -> str:
    """Perceptual hashes of a whole frame, 64 hexadecimal digits (256 bits) for each of VIEWS.

    The signs of the lowest frequencies (Zauner 2010, "Implementation and benchmarking of
    perceptual image hash functions"), of a whole frame and not of its face: a box that moves by a
    pixel would change it more than another person in it. A mirror changes the signs of the odd
    frequencies along a line, a negative all signs, so both are found in the same hash. All in
    integers, so that it is the same on every machine.

    Args:
        frame: uint8 RGB of shape (height, width, 3).
    """
    from PIL import Image

    thumb = Image.fromarray(frame).resize((THUMB, THUMB), Image.Resampling.BOX)
    grey = thumb.convert("L")
    column, line = _bar(np.asarray(grey).T), _bar(np.asarray(grey))
    inner = (column, line, THUMB - column, THUMB - line)
    boxes = [(0, 0, THUMB, THUMB), inner, *(_cut(inner, crop, crop) for crop in CROPS)]
    views = [(grey, box) for box in [*boxes, _cut(inner, 0, 200)]]
    views.append((_clipped(thumb, inner).convert("L"), inner))
    waves, bits = _cosines(), []
    for picture, box in views:
        small = picture.resize((SIDE, SIDE), Image.Resampling.BOX, box=box)
        found = waves @ np.asarray(small, np.int64) @ waves.T
        found[0, 0] = 0  # how light it is
        bits.append(found > 0)
    return np.packbits(bits).tobytes().hex()


def _bar(grey: np.ndarray) -> int:
    """Lines of one colour that a picture begins and ends with: as many as on both sides."""
    lines = np.sort(grey.astype(np.int16), axis=1)
    low, middle, high = (lines[:, share * THUMB // 20] for share in (1, 10, 19))
    counts = []
    for direction in (slice(None), slice(None, None, -1)):
        flat = (high - low)[direction] <= FLAT
        flat &= np.abs(middle[direction] - middle[direction][0]) <= FLAT
        counts.append(int(np.argmin(flat[:MOST_TRIMMED])) if not flat[:MOST_TRIMMED].all() else 0)
    return min(counts)


def _cut(box: tuple[int, int, int, int], across: int, down: int) -> tuple[int, ...]:
    """A box less a share of each side, in thousandths."""
    left, top, right, bottom = box
    x, y = (right - left) * across // 1000, (bottom - top) * down // 1000
    return left + x, top + y, right - x, bottom - y


def _clipped(thumb: Image, box: tuple[int, int, int, int]) -> Image:
    """A picture with no channel above the level below which a third of the box is."""
    from PIL import Image

    pixels = np.asarray(thumb)
    inner = np.sort(pixels[box[1] : box[3], box[0] : box[2]], axis=None)
    level = inner[len(inner) // 3]
    return Image.fromarray(np.minimum(pixels, level)) if level >= LEAST_CLIP else thumb


def _cosines() -> np.ndarray:
    """The first rows of the discrete cosine transform in units of 2**-14, int64 (KEPT, SIDE)."""
    places, waves = np.arange(SIDE) + 0.5, np.arange(KEPT)[:, None]
    return np.round(2**14 * np.cos(np.pi / SIDE * waves * places)).astype(np.int64)
