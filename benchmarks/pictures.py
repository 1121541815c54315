"""Made-up faces to measure with: smooth random pictures, the frames of one clip alike.

Nothing can be learned from them about real faces; they only have such sizes and such likeness.
"""

from pathlib import Path

import numpy as np

FRAMES = 7
LIKENESS = ((40.0, 20), (8.0, 10), (3.0, 320))  # deviation and grid of person, frame and noise
HINT = 4.0  # grey levels between the classes


def clip(number: int, fake: bool, size: int = 320) -> np.ndarray:
    """The faces of one clip, the same for the same number.

    Returns:
        uint8 (FRAMES, size, size, 3).
    """
    generator = np.random.default_rng([7, number])
    person, frame, noise = (
        lambda deviation=deviation, grid=grid: _smooth(generator, deviation, grid, size)
        for deviation, grid in LIKENESS
    )
    common = 128 + person() + (HINT if fake else 0) * _smooth(np.random.default_rng(7), 1, 8, size)
    return np.stack([np.clip(common + frame() + noise(), 0, 255) for _ in range(FRAMES)]).astype(
        np.uint8
    )


def _smooth(generator: np.random.Generator, deviation: float, grid: int, size: int) -> np.ndarray:
    """A random picture of coarse grid, float32 (size, size, 3)."""
    import cv2

    grid = min(grid, size)
    coarse = deviation * generator.standard_normal((grid, grid, 3), np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def rows(count: int, size: int = 320) -> np.ndarray:
    """So many faces, clip by clip; uint8 (count, size * size * 3). `labels` has their classes."""
    clips = -(-count // FRAMES)
    pixels = np.concatenate([clip(number, number % 2 == 0, size) for number in range(clips)])
    return pixels[:count].reshape(count, -1)


def labels(count: int) -> np.ndarray:
    """Which of the faces of `rows` are fake: every other clip; bool (count,)."""
    return np.arange(count) // FRAMES % 2 == 0


def write_matrix(path: Path, count: int, size: int = 320) -> None:
    """Write the faces of `rows` as the workflow's matrix, uint8 (count, p) in Fortran order."""
    np.save(path, np.asfortranarray(rows(count, size)))
