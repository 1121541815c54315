"""Finding the face of each frame and cutting it out. Not which frames, not what a face tells.

Detector: MTCNN (Zhang et al. 2016, "Joint face detection and alignment using multi-task cascaded
convolutional networks"), as the package `mtcnn` has it. A list given to it is the sampled frames
of one video, always: the records of a frame depend on the list it stands in.
"""

from __future__ import annotations

import io
import logging
import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from deepfake import domain, likeness

log = logging.getLogger("deepfake")

COLUMNS = (
    "video_id", "frame", "face", "status", "reason", "found", "x", "y", "width", "height",
    "confidence", "points", "sharpness", "digest", "phash", "fps", "crop",
)  # fmt: skip
CONTEXT = 1.4  # side of the native crop kept for later features, in boxes
LARGEST = 1920 * 1080  # pixels of a frame that the detector is given; 4K would take it 6 GB
SMALLEST = 12  # pixels: P-Net's window; a smaller side has no face for it


@dataclass(frozen=True)
class Face:
    """One detected face, in pixels of its frame.

    Attributes:
        box: x, y, width, height; inside the frame.
        confidence: 0 to 1, rounded to 4 digits (the last ones depend on the list's length).
        points: x and y of left eye, right eye, nose, left and right mouth corner.
    """

    box: tuple[int, int, int, int]
    confidence: float
    points: tuple[tuple[int, int], ...] = ()


class Detector:
    """MTCNN, loaded once a process, on one thread (jobs scale by processes).

    Args:
        thresholds: of P-Net, R-Net and O-Net, each between 0 and 1.
    """

    def __init__(self, thresholds: tuple[float, float, float]) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its sums depend on the processor
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        # no file in the home folder, and no user's settings from it
        os.environ["KERAS_HOME"] = f"{tempfile.gettempdir()}/deepfake-keras-{os.getuid()}"
        import tensorflow as tf
        from mtcnn import MTCNN
        from mtcnn.utils import bboxes

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        # mtcnn's own sort is unstable: ties among saturated scores then depend on the list's
        # length, and with them which boxes survive.
        bboxes.sort_by_scores = _stable_sort_by_scores
        self._fatal = (MemoryError, tf.errors.ResourceExhaustedError)
        self._mtcnn = MTCNN(device="CPU:0")
        self._thresholds = dict(
            zip(("threshold_pnet", "threshold_rnet", "threshold_onet"), thresholds, strict=True)
        )

    def detect(self, frames: list[np.ndarray]) -> list[list[Face]]:
        """Faces of each of one video's frames, the most confident first.

        Args:
            frames: uint8 RGB arrays of shape (height, width, 3).

        Raises:
            DetectorError: the detector cannot digest these frames.
        """
        if min(min(frame.shape[:2]) for frame in frames) < SMALLEST:
            return [[] for _ in frames]
        try:
            found = self._mtcnn.detect_faces(frames, **self._thresholds)
        except self._fatal:
            raise
        except Exception as error:
            log.exception("the detector failed")
            raise DetectorError(f"the face detector failed: {type(error).__name__}") from error
        return [
            sorted((_face(f) for f in faces), key=lambda f: (-f.confidence, f.box))
            for faces in found
        ]


class DetectorError(ValueError):
    """Frames that the detector cannot digest."""


def _stable_sort_by_scores(tensor, scores, ascending=True):
    return tensor[np.argsort(scores if ascending else -scores, kind="stable")]


def _face(found: dict) -> Face:
    points = found.get("keypoints", {})
    order = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
    return Face(
        tuple(int(v) for v in found["box"]),
        round(float(found["confidence"]), 4),
        tuple(tuple(int(v) for v in points[name]) for name in order if name in points),
    )


def shrink(frame: np.ndarray) -> tuple[np.ndarray, float]:
    """A frame of about LARGEST pixels at most, and by how much its sides were divided."""
    from PIL import Image

    height, width = frame.shape[:2]
    times = math.sqrt(height * width / LARGEST)
    if times <= 1:
        return frame, 1.0
    size = max(1, round(width / times)), max(1, round(height / times))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX)), times


def _grown(face: Face, times: float, shape: tuple[int, ...]) -> Face:
    """A face of a frame that was shrunk, in the pixels of the frame itself."""
    if times == 1:
        return face
    box = enlarge(tuple(round(v * times) for v in face.box), 0.0, shape)
    points = tuple((round(x * times), round(y * times)) for x, y in face.points)
    return Face(box, face.confidence, points)


def choose(faces: list[Face], how: str) -> Face | None:
    """The face that stands for a frame: "most_confident" or "largest"; ties by position."""
    if not faces:
        return None
    if how == "largest":
        return min(faces, key=lambda f: (-f.box[2] * f.box[3], -f.confidence, f.box))
    return min(faces, key=lambda f: (-f.confidence, f.box))


def enlarge(
    box: tuple[int, int, int, int], share: float, shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """A box grown on each side by a share of its sides and clipped to the frame's shape."""
    x, y, width, height = box
    left, top = max(round(x - share * width), 0), max(round(y - share * height), 0)
    right = min(round(x + width * (1 + share)), shape[1])
    bottom = min(round(y + height * (1 + share)), shape[0])
    return left, top, max(right - left, 0), max(bottom - top, 0)


def crop(
    frame: np.ndarray,
    box: tuple[int, int, int, int],
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
    **crop_settings,
) -> Iterator[tuple[dict, np.ndarray | None, bytes | None]]:
    """The faces of one video's frames.

    Args:
        video_id: names the rows.
        frames: encoded frames by their index.
        reason: why frames are missing, or "".
        detector: finds the faces.
        choose, min_confidence: see config.
        crop_settings: size, margin, resize, jpeg_quality of `crop`.

    Yields:
        For each frame a row of COLUMNS, the face (size, size, 3) and its surroundings at
        native pixels as PNG bytes; both None where the row's status is "dropped". Where frames
        are missing, a row without a frame gives the reason.
    """
    indices = sorted(frames)
    records: list[list[Face]] = []
    if indices:
        small, times = zip(*(shrink(_decode(frames[index])) for index in indices), strict=True)
        try:
            records = detector.detect(list(small))
        except DetectorError as error:
            reason, indices = str(error), []
    for number, (index, found) in enumerate(zip(indices, records, strict=True)):
        row = {"video_id": video_id, "frame": index, "face": 0, "found": len(found)}
        image = _decode(frames[index])  # again: all of them at once could be gigabytes
        face = _choose([_grown(face, times[number], image.shape) for face in found], choose)
        dropped = _unusable(face, min_confidence)
        if face:
            row |= dict(zip(("x", "y", "width", "height"), face.box, strict=True))
            row["confidence"] = face.confidence
            row["points"] = " ".join(f"{x},{y}" for x, y in face.points)
        if dropped:
            yield row | {"status": "dropped", "reason": dropped}, None, None
        else:
            pixels = crop(image, face.box, **crop_settings)
            row |= {"status": "kept", "sharpness": domain.sharpness(pixels)}
            row |= {"digest": likeness.digest(pixels), "phash": likeness.perceptual(image)}
            yield row, pixels, _surroundings(image, face.box)
    if reason or not indices:
        row = {"video_id": video_id, "status": "dropped", "reason": reason or "no frame"}
        yield row, None, None


_choose = choose  # `cut_video` takes a setting of the same name


def _unusable(face: Face | None, min_confidence: float) -> str:
    if face is None:
        return "no face found"
    if face.confidence < min_confidence:
        return f"confidence below {min_confidence:g}"
    if min(face.box[2:]) < 2:
        return "face smaller than 2 pixels"
    return ""


def _decode(data: bytes) -> np.ndarray:
    import cv2

    return cv2.cvtColor(
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )


def _surroundings(frame: np.ndarray, box: tuple[int, int, int, int]) -> bytes:
    """The face with what is around it, at native pixels, as PNG."""
    import cv2

    x, y, width, height = enlarge(box, (CONTEXT - 1) / 2, frame.shape)
    cut = cv2.cvtColor(frame[y : y + height, x : x + width], cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", cut, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def by_video(
    rows: Iterable[dict], pictures: Iterator[tuple[str, bytes]]
) -> Iterator[tuple[str, dict[int, bytes], str]]:
    """Join a batch's frame table with its archive: (video_id, frames by index, reason) each.

    Both are in the same order; only one video's frames are held at a time.
    """
    video_id, frames, reason = None, {}, ""
    for row in rows:
        if row["video_id"] != video_id:
            if video_id is not None:
                yield video_id, frames, reason
            video_id, frames, reason = row["video_id"], {}, ""
        if row["frame"]:
            frames[int(row["frame"])] = next(pictures)[1]
        else:
            reason = row["reason"]
    if video_id is not None:
        yield video_id, frames, reason
