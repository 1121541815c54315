"""Standardising features by the training rows, exactly as far as float32 can, in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix

SHIFT = np.float32(128)  # taken off pixels, which makes their products smaller
EXACT = 1024  # 1024 * 128**2 = 2**24: the largest integer sum that float32 holds exactly
TILE = 2**16  # float32 numbers worked on at once: they stay in the processor's cache


@dataclass(frozen=True)
class Scaler:
    """Standardisation of each feature by the training rows, or none.

    Attributes:
        mean, scale: float64 of shape (p,); a constant feature has scale 1. None without scaling.
    """

    mean: np.ndarray | None = None
    scale: np.ndarray | None = None

    def apply(self, block: np.ndarray, first: int) -> np.ndarray:
        """Standardise a uint8 block of shape (columns, rows) that starts at a feature."""
        floats = np.empty(block.shape, np.float32)
        for tile in tiles(block):
            np.subtract(block[tile], SHIFT, out=floats[tile])
            if self.mean is None:
                floats[tile] += SHIFT
            else:
                part = slice(first + tile.start, first + tile.stop)
                scale(floats[tile], self.mean[part] - 128, self.scale[part])
        return floats


def tiles(block: np.ndarray, most: int = TILE) -> Iterator[slice]:
    """Columns of a block (columns, rows) in parts of about TILE numbers and `most` columns."""
    columns, rows = block.shape
    width = min(most, max(1, TILE // max(1, rows)))
    for first in range(0, columns, width):
        yield slice(first, min(first + width, columns))


def scale(shifted: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> None:
    """Standardise shifted pixels (columns, rows) in place; the mean is of shifted pixels too."""
    whole = np.rint(mean)  # taken off exactly: what float32 rounds is then small
    shifted -= whole.astype(shifted.dtype)[:, None]
    shifted -= (mean - whole).astype(shifted.dtype)[:, None]
    shifted *= (1 / deviation).astype(shifted.dtype)[:, None]


def moments(shifted: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each feature over the rows counted, from sums that are exact.

    Args:
        shifted: pixels less SHIFT, float32 (columns, rows). counted: float32 (rows,), 0 or 1.
    """
    total, squares = np.zeros(len(shifted)), np.zeros(len(shifted))
    for first in range(0, shifted.shape[1], EXACT):
        some, weights = shifted[:, first : first + EXACT], counted[first : first + EXACT]
        total += some @ weights
        squares += (some * some) @ weights
    n = np.count_nonzero(counted)
    return total / n, (n * squares - total * total) / (n * n)


def fit(matrix: Matrix | InMemoryMatrix, scaling: str) -> Scaler:
    """The scaler of rows: "standard" or "none"."""
    if scaling == "none":
        return Scaler()
    mean, variance = of_columns(matrix)
    return Scaler(mean, deviation(variance))


def of_columns(matrix: Matrix | InMemoryMatrix) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each feature over all rows, float64 (p,)."""
    n, p = matrix.shape
    mean, variance, every = np.empty(p), np.empty(p), np.ones(n, np.float32)
    for first, block in matrix.blocks():
        for tile in tiles(block):
            part = slice(first + tile.start, first + tile.stop)
            mean[part], variance[part] = moments(block[tile] - SHIFT, every)
            mean[part] += 128
    return mean, variance


def overall(mean: np.ndarray, variance: np.ndarray, scaling: str) -> float:
    """Variance of all entries together of rows scaled by their own mean and variance, (p,) each."""
    if scaling == "standard":
        return np.count_nonzero(variance) / len(variance)
    return float((variance + mean**2).mean() - mean.mean() ** 2)


def deviation(variance: np.ndarray) -> np.ndarray:
    return np.where(variance > 0, np.sqrt(variance), 1.0)


def table(matrix: Matrix | InMemoryMatrix, scaler: Scaler) -> np.ndarray:
    """The rows, standardised and whole in memory: float64 (n, p)."""
    rows = np.empty(matrix.shape)
    for first, block in matrix.blocks():
        rows[:, first : first + len(block)] = block.T
    rows -= scaler.mean
    rows /= scaler.scale
    return rows
