"""Self-blended clips: a real clip's face blended with itself, a fake that no forgery method made.

Written from Shiohara and Yamasaki 2022, "Detecting deepfakes with self-blended images" (CVPR, arXiv
2204.08376), for clips: all is drawn once a clip, and the mask follows the face. The mask is an
ellipse through MTCNN's points instead of the hull of landmarks, and colours are shifted in RGB
and HSV by our own ranges where the paper names no unit. Real and fake go through the same encoder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import measure  # noqa: F401  finds the library
import numpy as np

from deepfake.preprocessing import frames, h264

CANVAS = 256  # side of a mask before it is laid on a face, in pixels
UNIT = 40  # of these pixels, half the width of the ellipse through eyes and mouth corners
ASPECT = 1.3  # height of an ellipse by its width
LARGER = 1.3, 1.8  # by how much the mask is larger than that ellipse
ALPHA, SIGMA = 50, 7  # of the elastic deformation
RATIOS = 0.25, 0.5, 0.75, 1.0, 1.0, 1.0  # of the source in the mask
FACTORS = 18, 40  # constant rate factors of the encoder
TIMEOUT = 600  # seconds that a clip may take

Points = tuple[tuple[int, int], ...]  # of a face: eyes, nose, corners of the mouth


@dataclass(frozen=True)
class Blend:
    """What is drawn for a clip.

    Attributes:
        on_source: whether the colours of the source change, or else of the target.
        shift: of red, green and blue. hsv: degrees, factor, factor. gain, offset: of grey levels.
        times: what the frame is shrunk by and enlarged again; 1 is sharpened instead.
        move: of the source and the mask: x and y in shares of the mask's unit, and scale.
        mask: share of the source, float32 (CANVAS, CANVAS).
        factor: of the encoder, for real and fake alike.
    """

    on_source: bool
    shift: np.ndarray
    hsv: np.ndarray
    gain: float
    offset: float
    times: int
    move: tuple[float, float, float]
    mask: np.ndarray
    factor: int


def draw(generator: np.random.Generator) -> Blend:
    """The settings of a clip."""
    uniform = generator.uniform
    return Blend(
        on_source=bool(uniform() < 0.5),
        shift=uniform(-20, 20, 3) * (uniform() < 0.3),
        hsv=np.array([uniform(-10, 10), 1 + uniform(-0.3, 0.3), 1 + uniform(-0.3, 0.3)]),
        gain=1 + uniform(-0.1, 0.1),
        offset=255 * uniform(-0.1, 0.1),
        times=int(generator.choice([1, 1, 2, 4])),
        # a face's box is about five units wide and six high
        move=(5 * uniform(-0.03, 0.03), 6 * uniform(-0.015, 0.015), uniform(0.95, 1 / 0.95)),
        mask=draw_mask(generator),
        factor=int(generator.integers(FACTORS[0], FACTORS[1], endpoint=True)),
    )


def draw_mask(generator: np.random.Generator) -> np.ndarray:
    """An ellipse, deformed and blurred at its border, times one of RATIOS; float32, 0 to 1."""
    half = UNIT * generator.uniform(*LARGER)
    axes = round(half), round(ASPECT * half)
    mask = np.zeros((CANVAS, CANVAS), np.float32)
    cv2.ellipse(mask, (CANVAS // 2, CANVAS // 2), axes, 0, 0, 360, 1.0, cv2.FILLED)
    grid = np.meshgrid(np.arange(CANVAS), np.arange(CANVAS))
    across, down = (
        (axis + ALPHA * cv2.GaussianBlur(generator.uniform(-1, 1, mask.shape), (0, 0), SIGMA))
        .astype(np.float32) for axis in grid
    )  # fmt: skip
    mask = cv2.remap(mask, across, down, cv2.INTER_LINEAR)
    first, second = (2 * generator.integers(2, 12, 2, endpoint=True) + 1).tolist()
    mask = cv2.GaussianBlur(mask, (first, first), 0)
    mask = (mask >= mask.max() - 1e-6).astype(np.float32)  # an erosion
    mask = cv2.GaussianBlur(mask, (second, second), 0)
    return mask / mask.max() * np.float32(generator.choice(RATIOS))


def pair(frame: np.ndarray, points: np.ndarray, blend: Blend) -> tuple[np.ndarray, np.ndarray]:
    """A frame as the real and as the fake one, uint8 BGR (height, width, 3).

    Args:
        frame: uint8 BGR. points: of its face, float (5, 2), as MTCNN gives them.
    """
    changed = recoloured(frame, blend)
    source, target = (changed, frame) if blend.on_source else (frame, changed)
    across, down, scale = blend.move
    laid = placed(points)
    centre, unit = laid @ [CANVAS / 2, CANVAS / 2, 1], UNIT * np.hypot(*laid[:, 0])
    move = np.array([[scale, 0, across * unit], [0, scale, down * unit]])
    move[:, 2] += centre - scale * centre
    size = frame.shape[1], frame.shape[0]
    moved = cv2.warpAffine(source, move, size, borderMode=cv2.BORDER_REFLECT_101)
    mask = cv2.warpAffine(blend.mask, move @ np.vstack([laid, [0, 0, 1]]), size)[..., None]
    mixed = mask * moved + (1 - mask) * target
    return target, mixed.round().clip(0, 255).astype(np.uint8)


def placed(points: np.ndarray) -> np.ndarray:
    """How the canvas lies on a face: an affine map of its pixels to the frame's, float (2, 3).

    Its middle is the middle of eyes and mouth, its columns run from the eyes to the mouth, and
    UNIT pixels are half the width of the ellipse that passes through eyes and corners of the mouth.
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    middle, along = (eyes + mouth) / 2, mouth - eyes
    high = max(float(np.hypot(*along)), 1.0)
    wide = (np.hypot(*(points[1] - points[0])) + np.hypot(*(points[4] - points[3]))) / 4
    half = float(np.hypot(wide, high / 2 / ASPECT))
    down = along / high * half / UNIT
    turned = np.array([[down[1], down[0]], [-down[0], down[1]]])
    return np.column_stack([turned, middle - turned @ [CANVAS / 2, CANVAS / 2]])


def recoloured(frame: np.ndarray, blend: Blend) -> np.ndarray:
    """A frame with other colours and another sharpness."""
    picture = (frame + blend.shift[::-1]).clip(0, 255).astype(np.float32)
    hsv = cv2.cvtColor(picture / 255, cv2.COLOR_BGR2HSV)
    hsv = hsv * [1, *blend.hsv[1:]] + np.array([blend.hsv[0], 0, 0])
    hsv = np.dstack([hsv[..., 0] % 360, hsv[..., 1:].clip(0, 1)]).astype(np.float32)
    picture = 255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    picture = (blend.gain * picture + blend.offset).clip(0, 255)
    size = frame.shape[1], frame.shape[0]
    if blend.times == 1:
        picture = 1.5 * picture - 0.5 * cv2.GaussianBlur(picture, (0, 0), 1)
    else:
        small = max(1, size[0] // blend.times), max(1, size[1] // blend.times)
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return picture.round().clip(0, 255).astype(np.uint8)


def make(
    clip: str, found: Mapping[int, Points], real: Path, fake: Path, generator: np.random.Generator
) -> str:
    """Write the real and the fake clip that are made of a real one.

    Args:
        clip: path of the real one. found: points of the face by frame; between these they move
            evenly. real, fake: where the two go, Matroska with H.264.

    Returns:
        Why they could not be made, or "".
    """
    blend, last = draw(generator), max(found)
    with frames.Decoder(timeout=TIMEOUT) as decoder:
        taken = decoder.read(clip, list(range(last + 1)))
    if len(taken.frames) <= last:
        return taken.reason or "frames are missing"
    known = np.array([found[index] for index in sorted(found)], float)
    track = np.array([[np.interp(range(last + 1), sorted(found), known[:, point, side])
                       for side in (0, 1)] for point in range(5)]).transpose(2, 0, 1)  # fmt: skip
    pictures = (
        pair(
            cv2.imdecode(np.frombuffer(taken.frames[index], np.uint8), cv2.IMREAD_COLOR), at, blend
        )
        for index, at in enumerate(track)
    )
    with tempfile.TemporaryDirectory(dir=real.parent) as folder:
        plain = [Path(folder, name) for name in ("real.mkv", "fake.mkv")]
        lossless(pictures, plain, taken.fps)
        for path, out in zip(plain, (real, fake), strict=True):
            copies, reason = h264.encode(path, [blend.factor], None, folder, TIMEOUT)
            if reason:
                return reason
            copies[blend.factor].replace(out)
    return ""


def lossless(pairs: Iterable[tuple[np.ndarray, np.ndarray]], paths: list[Path], fps: float) -> None:
    """Write frames, uint8 BGR, into two clips as they are."""
    outs = [av.open(str(path), "w", format="matroska") for path in paths]
    try:
        streams = []
        for number, pictures in enumerate(pairs):
            for place, picture in enumerate(pictures):
                if number == 0:
                    stream = outs[place].add_stream("ffv1", rate=round(fps) or 25)
                    stream.height, stream.width = picture.shape[:2]
                    stream.pix_fmt = "bgr0"
                    streams.append(stream)
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="bgr0")
                frame.pts = number
                outs[place].mux(streams[place].encode(frame))
        for out, stream in zip(outs, streams, strict=True):
            out.mux(stream.encode(None))
    finally:
        for out in outs:
            out.close()
