"""Make synthetic demo clips from one public-domain portrait; they are no real deepfakes.

Every "stand-in" is scikit-image's `astronaut` portrait (NASA, public domain), smoothly warped and
recoloured until it passes for somebody else. Stand-ins 2k and 2k+1 swap faces: two real and two
fake clips. A clip depends on the seed and its own number only. Pictures are BGR, as in OpenCV.
"""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from skimage import data

FPS = 25.0
FOURCC = "mp4v"  # the headless wheel has no H.264 encoder; this one repeats itself byte for byte
FRAME_SIZE = 320  # px, square
CANVAS_SIZE = 420  # px, square: a frame and room for the camera to move
CANVAS_SCALE = 1.5  # canvas px per portrait px: the face comes out about 125 px wide
CANVAS_ORIGIN = np.array([84.0, -20.0])  # portrait px; puts the nose at half the canvas width
SWAP_SCALE = 0.7  # a swapped face is made at this share of the canvas's resolution: 90 px wide
SWAP_JITTER = 0.8  # canvas px, standard deviation of the mesh points from frame to frame
PURPOSES = ("shape", "colour", "camera", "light", "noise", "jitter")  # append only: seeds streams
README = """\
All clips here are synthetic: synthetic stand-ins from a public-domain portrait;
accuracy on them says nothing about real deepfakes.
The portrait is scikit-image's `astronaut` (NASA, public domain), warped and recoloured into
stand-ins s00, s01, ..., who swap faces within pairs: real/TARGET.mp4, fake/TARGET_SOURCE.mp4.
"""

# Hand-set mesh points on the portrait (px, x then y).
INNER_FACE = [  # outline of the part that is swapped: cheek, brows, cheek, below the mouth
    (189, 125), (189, 89), (199, 85), (251, 88), (262, 93), (261, 128),
    (249, 154), (224, 163), (200, 152),
]  # fmt: skip
OTHER_POINTS = [
    (200, 76), (225, 77), (250, 79), (180, 84), (271, 89),  # forehead, temples
    (180, 118), (270, 121), (187, 146), (263, 149), (200, 167), (249, 169), (225, 179),  # jaw
    (212, 91), (192, 100), (202, 96), (203, 105), (212, 102),  # brow and eye
    (238, 92), (258, 104), (247, 99), (246, 108), (235, 104),  # the other brow and eye
    (224, 100), (224, 126), (224, 132), (213, 131), (236, 132),  # nose
    (203, 140), (245, 141), (224, 140), (224, 148), (224, 154),  # mouth
    (188, 182), (250, 186),  # neck
]  # fmt: skip

Pictures = Iterator[np.ndarray]


class StandIn(NamedTuple):
    """One made-up person: `picture` is (420, 420, 3) uint8 BGR, `points` (43, 2) float32 px."""

    picture: np.ndarray
    points: np.ndarray


class Clip(NamedTuple):
    """A clip to make: the stand-in `target`, with the face of `source` (itself when real)."""

    target: int
    source: int

    @property
    def number(self) -> int:
        """Number that seeds the clip, the same however many pairs there are."""
        return 2 * self.target + (self.source != self.target)

    @property
    def path(self) -> Path:
        """Where the clip lies below the output folder."""
        if self.source == self.target:
            return Path("real", f"s{self.target:02d}.mp4")
        return Path("fake", f"s{self.target:02d}_s{self.source:02d}.mp4")


def stream(seed: int, number: int, purpose: str) -> np.random.Generator:
    """Returns the random stream that a stand-in or clip has for one of PURPOSES."""
    return np.random.default_rng([seed, number, PURPOSES.index(purpose)])


def mesh_points() -> np.ndarray:
    """Returns the mesh points of the unwarped portrait on the canvas, (43, 2) float32 px."""
    points = np.array(INNER_FACE + OTHER_POINTS)
    return ((points - CANVAS_ORIGIN) * CANVAS_SCALE).astype(np.float32)


def mesh_triangles() -> np.ndarray:
    """Returns the Delaunay triangles of the unwarped mesh as point indices, (m, 3) int."""
    points = mesh_points()
    subdivision = cv2.Subdiv2D((0, 0, CANVAS_SIZE, CANVAS_SIZE))
    subdivision.insert(points.tolist())
    corners = subdivision.getTriangleList().reshape(-1, 3, 1, 2)
    distances = np.linalg.norm(corners - points, axis=-1)  # (m, 3, 43)
    inside = (distances.min(axis=-1) < 0.01).all(axis=-1)  # the others reach out of the picture
    return distances.argmin(axis=-1)[inside]


def pixel_grid(width: int, height: int) -> np.ndarray:
    """Returns each pixel's own x and y, (height, width, 2) float32 px."""
    return np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)


def displacement_field(rng: np.random.Generator) -> np.ndarray:
    """Draws a smooth warp: how far off each canvas pixel looks, (420, 420, 2) float32 px."""
    coarse = rng.normal(0, 5, (7, 7, 2)).astype(np.float32)
    local = cv2.resize(coarse, (CANVAS_SIZE, CANVAS_SIZE), interpolation=cv2.INTER_CUBIC)
    stretch = np.diag(rng.uniform(-0.09, 0.09, 2)) + rng.normal(0, 0.02, (2, 2))
    overall = (pixel_grid(CANVAS_SIZE, CANVAS_SIZE) - CANVAS_SIZE / 2) @ stretch.T
    return local + overall.astype(np.float32)


def carry_points(points: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """Finds where a warp takes points, (n, 2) float32 px: q with q + displacement(q) = point."""
    carried = points
    for _ in range(20):
        carried = points - cv2.remap(displacement, carried[:, None], None, cv2.INTER_LINEAR)[:, 0]
    return carried


def recolour(picture: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gives a picture another complexion, and other hair, clothes and background.

    Takes and returns (420, 420, 3) uint8 BGR; the hull of `points` (43, 2) is face and neck.
    """
    skin = np.zeros(picture.shape[:2], np.float32)
    cv2.fillConvexPoly(skin, cv2.convexHull(points.round().astype(np.int32)), 1.0)
    skin = cv2.GaussianBlur(skin, None, 6)[..., None]
    face = picture.astype(np.float32) / 255
    hsv = cv2.cvtColor(face, cv2.COLOR_BGR2HSV)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(-18, 18)) % 360  # degrees
    tint = rng.uniform(0.8, 1.1) * rng.uniform(0.85, 1.05, 3)
    around = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR) * tint
    mixed = np.clip(skin * face + (1 - skin) * around, 0, 1)
    gamma, gains = np.exp(rng.uniform(-0.3, 0.45)), rng.uniform(0.93, 1.05, 3)
    return (255 * np.clip(gains * mixed**gamma, 0, 1)).round().astype(np.uint8)


def make_stand_in(seed: int, number: int) -> StandIn:
    """Makes up the person of a number; every other pair is flipped from left to right."""
    displacement = displacement_field(stream(seed, number, "shape"))
    looks_at = (pixel_grid(CANVAS_SIZE, CANVAS_SIZE) + displacement) / CANVAS_SCALE + CANVAS_ORIGIN
    portrait = np.ascontiguousarray(data.astronaut()[..., ::-1])
    how = {"interpolation": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REFLECT_101}
    picture = cv2.remap(portrait, looks_at.astype(np.float32), None, **how)
    points = carry_points(mesh_points(), displacement)
    picture = recolour(picture, points, stream(seed, number, "colour"))
    if number // 2 % 2:  # the same for both of a pair, so that light falls from the same side
        picture = np.ascontiguousarray(picture[:, ::-1])
        points[:, 0] = CANVAS_SIZE - 1 - points[:, 0]
    return StandIn(picture, points)


def mesh_weights(points: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Says how each pixel is composed of the mesh points (barycentric; 0 outside the mesh).

    Takes `points` (43, 2) and the pixels (height, width, 2), float32 px. The returned weights,
    (height, width, 43) float32, times other points are the piecewise affine map to those.
    """
    weights = np.zeros((*grid.shape[:2], len(points)), np.float32)
    homogeneous = np.dstack([grid, np.ones(grid.shape[:2])])
    for triangle in mesh_triangles():
        corners = np.column_stack([points[triangle], np.ones(3)])
        shares = homogeneous @ np.linalg.inv(corners)
        inside = (shares >= -1e-6).all(axis=-1)
        weights[inside] = shares[inside] @ np.eye(len(points))[triangle]
    return weights


def inner_face(points: np.ndarray) -> np.ndarray:
    """Marks eyes, nose and mouth on the canvas, (420, 420) uint8: 255 inside and 0 outside."""
    outline = cv2.convexHull(points[: len(INNER_FACE)].round().astype(np.int32))
    return cv2.fillConvexPoly(np.zeros((CANVAS_SIZE, CANVAS_SIZE), np.uint8), outline, 255)


def match_colours(picture: np.ndarray, mask: np.ndarray, like: StandIn) -> np.ndarray:
    """Gives a picture the mean and spread of each Lab channel in the inner face of another.

    Takes and returns (420, 420, 3) uint8 BGR; `mask`, (420, 420) uint8, is its own inner face.
    """
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    wanted = cv2.cvtColor(like.picture.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    inside, reference = lab[mask > 0], wanted[inner_face(like.points) > 0]
    lab = (lab - inside.mean(0)) * (reference.std(0) / inside.std(0)) + reference.mean(0)
    return (255 * cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)).round().clip(0, 255).astype(np.uint8)


def swapped_pictures(target: StandIn, source: StandIn, rng: np.random.Generator) -> Pictures:
    """Puts the inner face of `source` on `target`, over and over with another jitter of the mesh.

    As in real swaps the face is made at a lower resolution, matched in colour and blended in.
    Yields (420, 420, 3) uint8 BGR: the target's picture, but for the inner face and its very edge.
    """
    face = match_colours(source.picture, inner_face(source.points), target)
    face = cv2.resize(face, None, fx=SWAP_SCALE, fy=SWAP_SCALE, interpolation=cv2.INTER_AREA)
    face = cv2.resize(face, (CANVAS_SIZE, CANVAS_SIZE), interpolation=cv2.INTER_CUBIC)
    mask = inner_face(target.points)
    x, y, width, height = cv2.boundingRect(mask)
    box = np.s_[y : y + height, x : x + width]
    weights = mesh_weights(target.points, pixel_grid(width, height) + np.float32([x, y]))
    while True:
        points = source.points + rng.normal(0, SWAP_JITTER, source.points.shape)
        looks_at = (weights @ points).astype(np.float32)
        warped = cv2.remap(face, looks_at, None, cv2.INTER_LINEAR)
        centre = (x + width // 2, y + height // 2)
        yield cv2.seamlessClone(warped, target.picture, mask[box], centre, cv2.NORMAL_CLONE)


def smooth_curve(rng: np.random.Generator, seconds: np.ndarray, amplitude: float) -> np.ndarray:
    """Draws a slow wander within +-amplitude, one value per time, (n,) float64."""
    periods, phases = rng.uniform(2, 6, 2), rng.uniform(0, 2 * np.pi, 2)  # s, rad
    return amplitude * np.sin(2 * np.pi * seconds[:, None] / periods + phases).mean(axis=1)


def camera_path(rng: np.random.Generator, seconds: np.ndarray) -> np.ndarray:
    """Draws a hand-held camera's motion: canvas-to-frame affine maps, (n, 2, 3) float64."""
    turns = smooth_curve(rng, seconds, 5)  # degrees
    zooms = rng.uniform(0.97, 1.07) + smooth_curve(rng, seconds, 0.06)
    pans = np.column_stack([smooth_curve(rng, seconds, 16) for _ in "xy"])  # px
    centre = (CANVAS_SIZE / 2, CANVAS_SIZE / 2)
    moves = zip(turns, zooms, strict=True)
    path = np.array([cv2.getRotationMatrix2D(centre, *move) for move in moves])
    path[..., 2] += pans - (CANVAS_SIZE - FRAME_SIZE) / 2
    return path


def light_path(rng: np.random.Generator, seconds: np.ndarray) -> np.ndarray:
    """Draws drifting light, for each time a gain per column, (n, 1, 320, 1) float32."""
    across = np.linspace(-1, 1, FRAME_SIZE)
    slopes = rng.uniform(-0.08, 0.08) + smooth_curve(rng, seconds, 0.08)
    gains = 1 + smooth_curve(rng, seconds, 0.1)[:, None] + slopes[:, None] * across
    return gains[:, None, :, None].astype(np.float32)


def film(pictures: Pictures, seed: int, number: int, frames: int) -> Pictures:
    """Films so many canvas pictures with a moving camera, drifting light and sensor noise.

    Takes (420, 420, 3) uint8 BGR and yields (320, 320, 3) uint8 BGR.
    """
    seconds = np.arange(frames) / FPS
    path = camera_path(stream(seed, number, "camera"), seconds)
    light = light_path(stream(seed, number, "light"), seconds)
    noise = stream(seed, number, "noise")
    sigma = np.float32(noise.uniform(2, 5))  # of 255
    size = (FRAME_SIZE, FRAME_SIZE)
    for picture, matrix, gain in zip(islice(pictures, frames), path, light, strict=True):
        frame = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REFLECT_101) * gain
        frame += sigma * noise.standard_normal(frame.shape, np.float32)
        yield frame.round().clip(0, 255).astype(np.uint8)


def encode(frames: Pictures, path: Path) -> None:
    """Writes (320, 320, 3) uint8 BGR frames into a video file."""
    fourcc, size = cv2.VideoWriter.fourcc(*FOURCC), (FRAME_SIZE, FRAME_SIZE)
    writer = cv2.VideoWriter(str(path), fourcc, FPS, size)
    if not writer.isOpened():
        raise OSError(f"OpenCV cannot write {path} as {FOURCC}")
    for frame in frames:
        writer.write(frame)
    writer.release()


def make_demo(out: Path, pairs: int, frames: int, seed: int) -> list[Path]:
    """Makes the demo's clips and README.txt in a folder.

    Each clip appears at once or replaces its predecessor at once; none is seen half written.

    Args:
        out: the folder; it gets real/sNN.mp4 and fake/sNN_sMM.mp4 (target_source).
        pairs: how many pairs of stand-ins swap faces.
        frames: length of each clip.
        seed: what all clips derive from.

    Returns:
        The clips' paths, real ones first.
    """
    cv2.setNumThreads(1)  # the threads below are enough
    unfinished = out / ".unfinished"
    for folder in (out / "real", out / "fake", unfinished):
        folder.mkdir(parents=True, exist_ok=True)
    (out / "README.txt").write_text(README)
    people = [make_stand_in(seed, number) for number in range(2 * pairs)]
    clips = [Clip(n, n) for n in range(2 * pairs)] + [Clip(n, n ^ 1) for n in range(2 * pairs)]

    def make(clip: Clip) -> Path:
        pictures = repeat(people[clip.target].picture)
        if clip.source != clip.target:
            jitter = stream(seed, clip.number, "jitter")
            pictures = swapped_pictures(people[clip.target], people[clip.source], jitter)
        encode(film(pictures, seed, clip.number, frames), unfinished / clip.path.name)
        return (unfinished / clip.path.name).replace(out / clip.path)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        paths = list(pool.map(make, clips))
    shutil.rmtree(unfinished)
    return paths
