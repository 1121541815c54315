"""Pixels of a registered face between its outline and its eyes and mouth.

Abdali, Vasilescu and Papalexakis 2021, "Deepfake representation with multilinear regression",
figure 1: a face is registered to a template, cut to the hull of its landmarks, and a polygon of the
outer corners of the eyes, those of the mouth and the lower lip is removed: what is left is where a
swapped face ends. The paper does not say how large the template is, nor how a face is warped to it.
Here, and in the paper perhaps otherwise:

- 128 x 128 pixels in colour, and a similarity by the detector's five points: see `registration`;
- one hull for all faces, of the usual 68 landmarks (jaw and brows), since five points have none;
- bilinear, after a face that is larger was averaged over whole squares of its pixels.

Sums are of whole numbers, so they are the same on every machine.
"""

from __future__ import annotations

import numpy as np

from deepfake.preprocessing import registration
from deepfake.preprocessing.registration import Points

NAME = "ring"
VERSION = 1

# Corners, clockwise, in hundredths of the box of `registration.HULL`.
OUTLINE = (
    (0, 27), (7, 7), (20, 0), (80, 0), (93, 7), (100, 27), (98, 45), (94, 62), (85, 78), (72, 91),
    (58, 99), (50, 100), (42, 99), (28, 91), (15, 78), (6, 62), (2, 45),
)  # fmt: skip
REMOVED = ((17, 24), (86, 24), (72, 71), (57, 83), (48, 83), (32, 71))
STEPS = 256  # of a pixel, in which places between pixels are given


def _inside(corners: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Which pixels of the template have their centre in a convex polygon, bool (SIDE, SIDE)."""
    left, top, width, height = registration.HULL
    centre = 100 * np.arange(registration.SIDE) + 50  # hundredths of a pixel
    x, y = centre - 100 * left, (centre - 100 * top)[:, None]
    found = np.ones((registration.SIDE, registration.SIDE), bool)
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        across, down = (x1 - x0) * width, (y1 - y0) * height
        found &= across * (y - y0 * height) - down * (x - x0 * width) >= 0
    return found


MASK = _inside(OUTLINE) & ~_inside(REMOVED)
PLACES = np.argwhere(MASK)[:, ::-1] @ [1, 1j]  # of the template, by rows
LENGTH = 3 * len(PLACES)


def vector(
    crop: np.ndarray,
    box: tuple[int, int, int, int],
    corner: tuple[int, int] = (0, 0),
    points: Points = (),
) -> np.ndarray:
    """The ring's pixels, by rows, red, green and blue of each, uint8 (LENGTH,).

    Beyond the crop its border is repeated.

    Args:
        crop, box, corner, points: see `registry`.

    Raises:
        ValueError: the points are no face's.
    """
    placed = registration.similarity(points)
    if placed is None:
        raise ValueError("has no five points that fit a face; cut the faces again")
    scale, shift = placed
    times = max(1, round(abs(scale)))
    # a pixel of the smaller picture is a square of the crop, and its number that of its centre
    place = (scale * PLACES + shift + (0.5 + 0.5j)) / times - (0.5 + 0.5j)
    return _between(_smaller(crop, times), place).ravel()


def _smaller(crop: np.ndarray, times: int) -> np.ndarray:
    """Means of squares of so many pixels a side, uint8; at the edge of those that there are."""
    from PIL import Image

    return np.asarray(Image.fromarray(np.ascontiguousarray(crop)).reduce(times))


def _between(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Colours at places x + iy by those of the four pixels around, uint8 (places, 3)."""
    most = np.array(picture.shape[1::-1]) - 1
    steps = np.rint(STEPS * np.stack([places.real, places.imag], axis=1)).astype(np.int64)
    steps = np.clip(steps, 0, STEPS * most)
    (x, y), (right, down) = (steps // STEPS).T, (steps % STEPS).T[..., None]
    beside, below = np.minimum(x + 1, most[0]), np.minimum(y + 1, most[1])
    pixels = picture.astype(np.int64)
    upper = (STEPS - right) * pixels[y, x] + right * pixels[y, beside]
    lower = (STEPS - right) * pixels[below, x] + right * pixels[below, beside]
    total = (STEPS - down) * upper + down * lower
    return ((total + STEPS**2 // 2) // STEPS**2).astype(np.uint8)
