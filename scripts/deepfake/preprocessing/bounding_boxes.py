"""Bounding boxes of faces: x, y, width and height in pixels of a frame."""

from __future__ import annotations

CONTEXT = 1.4  # side of the native crop kept for later features, in boxes

Box = tuple[int, int, int, int]


def enlarge(box: Box, share: float, shape: tuple[int, ...]) -> Box:
    """A box grown on each side by a share of its sides and clipped to the frame's shape."""
    x, y, width, height = box
    left, top = max(round(x - share * width), 0), max(round(y - share * height), 0)
    right = min(round(x + width * (1 + share)), shape[1])
    bottom = min(round(y + height * (1 + share)), shape[0])
    return left, top, max(right - left, 0), max(bottom - top, 0)
