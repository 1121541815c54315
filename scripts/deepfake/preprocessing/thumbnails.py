"""Thumbnails of a video's frames with a box around the face."""

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


def boxed(data: bytes, boxes: Sequence[tuple[Sequence[float], str, str]], width: int) -> bytes:
    """A preview with boxes drawn on it.

    Args:
        data: the preview.
        boxes: of each x, y, width, height in pixels of the whole frame; the colour of its line,
            like "#aabbcc"; and what is written in its corner.
        width: of the whole frame in pixels.
    """
    if not boxes:
        return data
    import cv2

    small = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    scale = small.shape[1] / width
    for box, colour, name in boxes:
        x, y, across, down = (round(side * scale) for side in box)
        blue_green_red = tuple(bytes.fromhex(colour[1:]))[::-1]
        cv2.rectangle(small, (x, y), (x + across, y + down), blue_green_red, 3, cv2.LINE_AA)
        if name:
            font = cv2.FONT_HERSHEY_SIMPLEX, 0.6
            (wide, high), _ = cv2.getTextSize(name, *font, 2)
            cv2.rectangle(small, (x, y), (x + wide + 7, y + high + 9), blue_green_red, -1)
            white = (255, 255, 255)
            cv2.putText(small, name, (x + 4, y + high + 4), *font, white, 2, cv2.LINE_AA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
