"""The face detector: from a list of frames to boxes.

MTCNN (Zhang et al. 2016, "Joint face detection and alignment using multi-task cascaded
convolutional networks"), as the package `mtcnn` has it. A list given to it holds sampled
frames of one video, always: the records of a frame depend on the list it stands in.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import numpy as np

from deepfake.core import tensorflow_setup

log = logging.getLogger("deepfake")

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # options of glibc's mallopt
SMALLEST = 12  # pixels: P-Net's window; a smaller side has no face for it
LEAST_FACE = 20  # pixels of a face that fills this window at the largest scale of the pyramid


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
        tf = tensorflow_setup.tensorflow(threads=1)
        from mtcnn import MTCNN
        from mtcnn.stages import stage_pnet
        from mtcnn.utils import bboxes, images

        _reuse_freed_memory()
        # mtcnn's own sort is unstable: ties among saturated scores then depend on the list's
        # length, and with them which boxes survive.
        bboxes.sort_by_scores = _stable_sort_by_scores
        # Its own runs below P-Net's window, and finds nothing, where min_face_size is above 20.
        stage_pnet.build_scale_pyramid = partial(_scales, images.build_scale_pyramid)
        # Its own are float64 in NumPy, copied into TensorFlow at every scale of the pyramid:
        # twice the time at 720p. The values are k/256, so float32 holds the same.
        images.normalize_images = lambda pixels: tf.constant(
            (pixels - np.float32(127.5)) / np.float32(128)
        )
        self._fatal = (MemoryError, tf.errors.ResourceExhaustedError)
        self._mtcnn = MTCNN(device="CPU:0")
        pnet = self._mtcnn.get_stage(stage_id=1)
        pnet._model = partial(_pnet, tf, [array.numpy() for array in pnet.model.weights])
        self._thresholds = dict(
            zip(("threshold_pnet", "threshold_rnet", "threshold_onet"), thresholds, strict=True)
        )

    def detect(self, frames: list[np.ndarray], least: float = LEAST_FACE) -> list[list[Face]]:
        """Faces of each of one video's frames, the most confident first.

        Args:
            frames: uint8 RGB arrays of shape (height, width, 3).
            least: longer side in pixels of the smallest faces to search for; some that are
                smaller are found too. Scales of the pyramid are left out by it, those that take
                most of the time, and the others stay as they are: so faces keep their boxes.

        Raises:
            DetectorError: the detector cannot digest these frames.
        """
        if min(min(frame.shape[:2]) for frame in frames) < SMALLEST:
            return [[] for _ in frames]
        try:
            found = self._mtcnn.detect_faces(frames, min_face_size=least, **self._thresholds)
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


def _scales(build: Callable, width: int, height: int, min_face_size: float, **how) -> np.ndarray:
    """The scales of a frame at which its faces of this size and larger fill P-Net's window."""
    scales = build(width, height, LEAST_FACE, **how)
    kept = scales[SMALLEST / scales > how["scale_factor"] * min_face_size]
    return kept if len(kept) else scales[-1:]


def _pnet(tf: ModuleType, weights: list[np.ndarray], inputs) -> tuple:
    """P-Net of a stack of frames (n, height, width, 3): its answers, to the byte, without Keras.

    Keras takes milliseconds for each layer of each scale, and five passes for its PReLU over the
    largest arrays of all, half of the network's time.
    """
    first, second, third, boxes, faces = (
        partial(_convolution, tf, *weights[start : start + 2]) for start in (0, 3, 6, 9, 11)
    )
    values = _prelu(tf, weights[2], first(inputs))
    values = tf.nn.max_pool2d(values, 2, 2, "SAME")
    values = _prelu(tf, weights[5], second(values))
    values = _prelu(tf, weights[8], third(values))
    return boxes(values), tf.nn.softmax(faces(values))


def _convolution(tf: ModuleType, kernel: np.ndarray, bias: np.ndarray, inputs):
    try:
        return tf.nn.bias_add(tf.nn.conv2d(inputs, kernel, 1, "VALID"), bias)
    except tf.errors.InvalidArgumentError as error:  # which mtcnn takes for "no face"
        raise ValueError("frames that P-Net cannot digest") from error


def _prelu(tf: ModuleType, slopes: np.ndarray, inputs):
    """Inputs, the negative ones times their channel's slope."""
    rows = tf.reshape(inputs, (-1, inputs.shape[2] * inputs.shape[3]))
    negative = np.tile(slopes.ravel(), inputs.shape[2]) * rows
    return tf.reshape(tf.where(rows > 0, rows, negative), inputs.shape)


def _reuse_freed_memory() -> None:
    """Let the C library keep what is freed, for the next array of this process.

    It returns large arrays to the system at once, and fetching their pages anew for each layer of
    each scale took as long as the networks themselves (720p, 1080p).
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # glibc
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def _face(found: dict) -> Face:
    points = found.get("keypoints", {})
    order = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
    return Face(
        tuple(int(v) for v in found["box"]),
        round(float(found["confidence"]), 4),
        tuple(tuple(int(v) for v in points[name]) for name in order if name in points),
    )
