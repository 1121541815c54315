"""Channels, regions and residuals of a native crop, shared by the feature sets.

All values are integers, so they are equal on every machine.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

BORDER = 2  # pixels at the crop's edge where a 5 x 5 filter does not fit
SMALLEST = 9  # pixels a side in which every filter and every run of residuals fits
LINES = ("first", "second", "third")  # differences, along rows and along columns
SQUARES = ("square3", "square5")
# what white noise of variance 1 becomes in each: the sum of its squared weights
POWER = {"first": 2, "second": 6, "third": 20, "square3": 36, "square5": 596}

FLOOR = 1 / 12  # variance added by rounding to grey levels; less has no meaning
DIGITS = 4  # kept of a logarithm: its last bits depend on the processor

# glibc gives freed memory back to the system beyond twice the largest block that it has mapped and
# freed before. After this one it keeps the arrays of a crop: to fetch their pages anew for each
# crop takes a fifth of the time.
np.empty(31 << 20, np.uint8)


def padded(crop: np.ndarray) -> np.ndarray:
    """A crop whose sides are at least SMALLEST: shorter ones repeat their last pixels."""
    lacking = [(0, max(0, SMALLEST - side)) for side in crop.shape[:2]]
    return np.pad(crop, [*lacking, (0, 0)], mode="edge") if max(max(lacking)) else crop


def luma(crop: np.ndarray) -> np.ndarray:
    """Y of BT.601, int16 (height, width), 0 to 255, of an RGB crop."""
    red, green, blue = _channels(crop, np.uint16)
    red *= 77
    green *= 150
    blue *= 29
    red += green
    red += blue
    red += 128
    red >>= 8
    return red.view(np.int16)


def chroma(crop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cb and Cr of BT.601, full range, int16 (height, width), -128 to 127, of an RGB crop."""
    red, green, blue = _channels(crop, np.int16)
    return (128 * blue - 43 * red - 85 * green) >> 8, (128 * red - 107 * green - 21 * blue) >> 8


def _channels(crop: np.ndarray, dtype: type) -> list[np.ndarray]:
    """Red, green and blue, (height, width) each; OpenCV takes them apart ten times as fast."""
    import cv2

    return [channel.astype(dtype) for channel in cv2.split(np.ascontiguousarray(crop))]


def residuals(channel: np.ndarray) -> dict[str, tuple[np.ndarray, ...]]:
    """All of `each_residual`, by the name of the filter."""
    return dict(each_residual(channel))


def each_residual(channel: np.ndarray) -> Iterator[tuple[str, tuple[np.ndarray, ...]]]:
    """High-pass residuals of a channel, and before them the name of their filter.

    The linear filters of Fridrich and Kodovsky 2012, "Rich models for steganalysis of digital
    images", IEEE Transactions on Information Forensics and Security 7(3), figure 2: first, second
    and third differences, and the squares of 3 x 3 and 5 x 5, up to the sign.

    Args:
        channel: int16 (height, width), both at least SMALLEST.

    Yields:
        Of LINES (along rows, along columns), of SQUARES (one,): int16, of the pixels that have
        BORDER pixels around them, (height - 4, width - 4). First and third differences lie
        between two pixels: along rows they have a column less, along columns a row less.
    """
    import cv2

    rows, columns = channel.shape[0] - 2 * BORDER, channel.shape[1] - 2 * BORDER
    along, down = channel, channel
    for name, less in (("first", 1), ("second", 0), ("third", 1)):
        along, down = _difference(along, 1), _difference(down, 0)
        yield name, (_middle(along, rows, columns - less), _middle(down, rows - less, columns))
        if name == "second":
            small = _difference(_difference(along, 0), 0)
    yield "square3", (_middle(small, rows, columns),)
    # [1, -2, 2, -2, 1] is [1, -2, 1] by [1, 0, 1]: the large filter is made of the small one
    sides = cv2.add(small[:, :-2], small[:, 2:])
    corners, centre = cv2.add(sides[:-2], sides[2:]), small[1:-1, 1:-1]
    yield "square5", (cv2.add(corners, cv2.add(centre, centre)),)


def _difference(array: np.ndarray, axis: int) -> np.ndarray:
    """Each number of an axis less the one before it, int16."""
    import cv2

    return cv2.subtract(part(array, axis, 1, 1), part(array, axis, 0, 1))


def _middle(array: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The middle of an array that is larger by an even number."""
    top, left = (array.shape[0] - rows) // 2, (array.shape[1] - columns) // 2
    return array[top : top + rows, left : left + columns]


def coded(values: np.ndarray) -> np.ndarray:
    """Numbers as bytes, uint8: rounded, and cut at 0 and 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def face(shape: tuple[int, ...], box: tuple[int, int, int, int]) -> np.ndarray:
    """Which pixels have their centre in the ellipse that touches the box, bool (height, width).

    The rest of the crop is the ring around the face.
    """
    x, y, width, height = box
    across = (2 * np.arange(shape[1]) + 1 - 2 * x - width) * height  # from the centre, doubled
    down = (2 * np.arange(shape[0]) + 1 - 2 * y - height) * width
    return across**2 <= ((width * height) ** 2 - down**2)[:, None]


def windows(mask: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Which windows of rows x columns lie wholly in a mask, and which wholly outside.

    Returns:
        Two bool arrays (height - rows + 1, width - columns + 1).
    """
    found = sides(mask, rows, columns)
    return found == 2, found == 1


def sides(mask: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """On which side of a mask's border windows lie: 2 wholly inside, 1 wholly outside, 0 on both.

    Returns:
        uint8 (height - rows + 1, width - columns + 1).
    """
    import cv2

    found = mask.view(np.uint8) + np.uint8(1)  # one bit of a pixel inside, another of one outside
    for axis, length in enumerate((rows, columns)):
        pixels = [part(found, axis, first, length - 1) for first in range(length)]
        found = functools.reduce(cv2.bitwise_and, pixels)
    return found


def part(array: np.ndarray, axis: int, first: int, less: int) -> np.ndarray:
    """An array from a place on, and shorter by `less` along an axis."""
    kept = slice(first, array.shape[axis] - less + first)
    return array[kept] if axis == 0 else array[:, kept]
