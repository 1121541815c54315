"""Cutting the face of each frame out of it. Not which frames."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator

import numpy as np

from deepfake.core import archive
from deepfake.preprocessing import image_hash, image_quality, registration, searching, tracking
from deepfake.preprocessing.bounding_boxes import CONTEXT, Box, enlarge
from deepfake.preprocessing.detector import Detector, DetectorError, Face
from deepfake.preprocessing.face_record import (
    ANOTHER,
    LOW_CONFIDENCE,
    MOST_FACES,
    NO_FACE,
    NOT_REGISTERED,
    TOO_MANY,
    TOO_SMALL,
    crop_name,
)

LARGEST = 1920 * 1080  # pixels of a frame that the detector is given; 4K would take it 6 GB
HELD = 4096 * 2160  # pixels of a frame that is kept decoded while the detector works


def shrink(frame: np.ndarray, longest: int | None = None) -> tuple[np.ndarray, float]:
    """A frame as the detector is given it, and by how much its sides were divided.

    Args:
        frame: uint8 RGB of shape (height, width, 3).
        longest: most pixels of its longer side, or None.

    Returns:
        uint8 RGB of at most about LARGEST pixels, and a number of 1 or more; where that is 1,
        the frame itself.
    """
    from PIL import Image

    height, width = frame.shape[:2]
    times = math.sqrt(height * width / LARGEST)
    if longest is not None:
        times = max(times, max(height, width) / longest)
    if times <= 1:
        return frame, 1.0
    size = max(1, round(width / times)), max(1, round(height / times))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX)), times


def grow(face: Face, times: float, shape: tuple[int, ...]) -> Face:
    """A face of a frame that was shrunk, in the pixels of the frame itself, of this shape."""
    if times == 1:
        return face
    box = enlarge(tuple(round(v * times) for v in face.box), 0.0, shape)
    points = tuple((round(x * times), round(y * times)) for x, y in face.points)
    return Face(box, face.confidence, points)


def choose(faces: list[Face], how: str) -> Face | None:
    """The face of a frame by itself: "most_confident" or "largest"; ties by position."""
    if not faces:
        return None
    if how == "largest":
        return min(faces, key=lambda f: (-f.box[2] * f.box[3], -f.confidence, f.box))
    return min(faces, key=lambda f: (-f.confidence, f.box))


def crop(
    frame: np.ndarray,
    box: Box,
    *,
    size: int,
    margin: float = 0.0,
    resize: str = "bicubic",
    jpeg_quality: int | None = None,
) -> np.ndarray:
    """Cut a box out of a frame and stretch it to a square.

    Pillow's filters work in integers, so the result is the same on every machine.

    Args:
        frame: uint8 RGB of shape (height, width, 3).
        box: x, y, width, height in pixels.
        size: side of the result in pixels.
        margin: share of the box's sides added on each side.
        resize: name of Pillow's filter.
        jpeg_quality: of a JPEG round trip afterwards, or None.

    Returns:
        uint8 RGB of shape (size, size, 3).
    """
    from PIL import Image

    x, y, width, height = enlarge(box, margin, frame.shape)
    image = Image.fromarray(frame[y : y + height, x : x + width])
    image = image.resize((size, size), Image.Resampling[resize.upper()])
    if jpeg_quality is not None:
        stored = io.BytesIO()
        image.save(stored, "JPEG", quality=jpeg_quality)
        image = Image.open(stored)
    return np.asarray(image)


def cut_video(
    video_id: str,
    frames: dict[int, bytes],
    reason: str,
    detector: Detector,
    *,
    choose: str,
    min_confidence: float,
    detect_at: int | None = None,
    search: str = "full",
    hashes: bool = True,
    **crop_settings,
) -> Iterator[tuple[dict, np.ndarray | None, bytes | None]]:
    """The faces of one video's frames.

    Args:
        video_id: names the rows.
        frames: encoded frames by their index.
        reason: why frames are missing, or "".
        detector: finds the faces.
        choose, min_confidence, detect_at, search: see config; "all" keeps every face, of the first
            `MOST_FACES` tracks.
        hashes: whether to compute `digest` and `phash`, by which the leak audit finds copies.
        crop_settings: size, margin, resize, jpeg_quality of `crop`.

    Yields:
        For each frame and face a row of COLUMNS, the face (size, size, 3) and its surroundings at
        native pixels as PNG bytes; both None where the row's status is "dropped". A face's number
        is its track's. A frame without a face has a row with the reason, and so have frames that
        are missing.
    """
    indices = sorted(frames)
    small, times, shapes, images = [], [], [], {}
    for index in indices:
        image = decode(frames[index])
        shrunk, divided = shrink(image, detect_at)
        small.append(shrunk)
        times.append(divided)
        shapes.append(image.shape)
        if image.size <= 3 * HELD:
            images[index] = image
    records: list[list[Face]] = []
    if indices:
        try:
            records = searching.SEARCHES[search](
                small, detector, lambda face: not reason_to_drop(face, min_confidence)
            )
        except DetectorError as error:
            reason, indices, times, shapes = str(error), [], [], []
    detected = [
        [grow(face, divided, shape) for face in faces]
        for faces, divided, shape in zip(records, times, shapes, strict=True)
    ]
    unusable = [[reason_to_drop(face, min_confidence) for face in faces] for faces in detected]
    usable = [[not reason for reason in reasons] for reasons in unusable]
    tracks = tracking.number(indices, detected, usable)
    for index, faces, reasons, numbers in zip(indices, detected, unusable, tracks, strict=True):
        row = {"video_id": video_id, "frame": index, "found": len(faces)}
        # larger ones are decoded again: all of them at once could be gigabytes
        image = images.pop(index) if index in images else decode(frames[index])
        if not faces:
            yield row | {"status": "dropped", "reason": NO_FACE}, None, None
        dropped = _dropped(faces, reasons, numbers, choose)
        phash = image_hash.perceptual(image) if hashes and "" in dropped else ""
        for number, face, dropped_for in sorted(
            zip(numbers, faces, dropped, strict=True), key=_number
        ):
            cut, pixels, surroundings = cut_face(
                row | {"face": number}, image, face, dropped_for, crop_settings
            )
            if hashes and pixels is not None:
                cut |= {"digest": image_hash.digest(pixels), "phash": phash}
            yield cut, pixels, surroundings
    if reason or not indices:
        row = {"video_id": video_id, "status": "dropped", "reason": reason or "no frame"}
        yield row, None, None


def stored(
    cut: Iterable[tuple[dict, np.ndarray | None, bytes | None]],
    crops: archive.Writer,
    pixels: archive.Stack,
) -> Iterator[dict]:
    """Put what `cut_video` yields into a batch's files; its rows, each with its `crop_row`."""
    for row, face, surroundings in cut:
        if face is not None:
            row["crop_row"] = len(pixels)
            crops.add(crop_name(row["crop_row"]), surroundings)
            pixels.add(face)
        yield row


def _number(numbered: tuple[int, Face, str]) -> int:
    return numbered[0]


def _dropped(faces: list[Face], unusable: list[str], numbers: list[int], how: str) -> list[str]:
    """Why each face of a frame is not kept, or ""."""
    if how == "all":
        return [
            reason or ("" if number < MOST_FACES else TOO_MANY)
            for reason, number in zip(unusable, numbers, strict=True)
        ]
    if how == "longest_track":
        chosen = [number == 0 for number in numbers]
    else:
        one = choose(faces, how)
        chosen = [face is one for face in faces]
    return [
        reason if is_chosen else ANOTHER for reason, is_chosen in zip(unusable, chosen, strict=True)
    ]


def cut_face(
    row: dict, image: np.ndarray, face: Face, dropped: str, crop_settings: dict
) -> tuple[dict, np.ndarray | None, bytes | None]:
    """What `cut_video` yields of one face."""
    row |= dict(zip(("x", "y", "width", "height"), face.box, strict=True))
    row["confidence"] = face.confidence
    row["points"] = " ".join(f"{x},{y}" for x, y in face.points)
    if dropped:
        return row | {"status": "dropped", "reason": dropped}, None, None
    pixels = crop(image, face.box, **crop_settings)
    row |= {"status": "kept", "sharpness": image_quality.sharpness(pixels)}
    row["noise"] = image_quality.noise(image, face.box, _around(image, face.box))
    return row, pixels, _surroundings(image, face.box)


def reason_to_drop(face: Face, min_confidence: float = 0.0) -> str:
    """Why a face by itself cannot be used, or ""."""
    if face.confidence < min_confidence:
        return f"{LOW_CONFIDENCE} {min_confidence:g}"
    if min(face.box[2:]) < 2:
        return TOO_SMALL
    if face.points and registration.similarity(face.points) is None:
        return NOT_REGISTERED
    return ""


def decode(data: bytes) -> np.ndarray:
    import cv2

    return cv2.cvtColor(
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )


def _around(frame: np.ndarray, box: Box) -> Box:
    return enlarge(box, (CONTEXT - 1) / 2, frame.shape)


def _surroundings(frame: np.ndarray, box: Box) -> bytes:
    """The face with what is around it, at native pixels, as PNG."""
    import cv2

    x, y, width, height = _around(frame, box)
    cut = cv2.cvtColor(frame[y : y + height, x : x + width], cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", cut, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
