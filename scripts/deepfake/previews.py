"""Small pictures of a video's frames, to be shown with a box around the face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LONGER_SIDE = 480  # pixels of a preview
MOST = 24  # previews of one video


def chosen(frames: Sequence[int]) -> list[int]:
    """At most MOST of the frames, spread evenly, first and last among them."""
    if len(frames) <= MOST:
        return list(frames)
    return [frames[round(place)] for place in np.linspace(0, len(frames) - 1, MOST)]


def shrunk(data: bytes, quality: int = 80) -> bytes:
    """An encoded frame as a JPEG whose longer side has at most LONGER_SIDE pixels."""
    import cv2

    frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    height, width = frame.shape[:2]
    scale = min(1.0, LONGER_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def boxed(data: bytes, box: Sequence[float], width: int, colour: str) -> bytes:
    """A preview with a box drawn on it.

    Args:
        data: the preview. box: x, y, width, height in pixels of the whole frame, or nothing.
        width: of the whole frame in pixels. colour: of the line, like "#aabbcc".
    """
    if not box:
        return data
    import cv2

    small = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    scale = small.shape[1] / width
    x, y, across, down = (round(side * scale) for side in box)
    blue_green_red = tuple(bytes.fromhex(colour[1:]))[::-1]
    cv2.rectangle(small, (x, y), (x + across, y + down), blue_green_red, 3, cv2.LINE_AA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
