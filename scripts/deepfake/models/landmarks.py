"""A kernel of many rows by landmarks: Nystroem's approximation.

Rows are compared with m landmarks L among them, and not with each other:

    k(x, y)  is taken to be  k(x, L) k(L, L)^-1 k(L, y) = f(x)'f(y),  f(x) = k(x, L) w

So every row has m features f at most, and a linear machine of these is the kernel machine. What is
found for it is one coefficient a landmark, as if the landmarks were the support vectors.
Source: Williams and Seeger, Using the Nystroem method to speed up kernel machines (2001).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix

# Directions in which landmarks differ by less than this share of the largest are noise: the
# products that kernels of scaled rows are made of are float32.
NOISE = 1e-6
HELD = 2**30  # bytes of rows that are read at once: a matrix is read whole for any of its rows
KERNEL_BYTES = 2**28  # of kernel values that are held at once
FEWEST = 256  # rows of a block

Kernel = Callable[[Matrix | InMemoryMatrix], np.ndarray]  # of rows and m landmarks: float64 (n, m)


def draw(groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Positions of rows that are landmarks, ascending: (min(count, n),).

    Each group has as many as any other, or all of its rows. Those of a smaller count are among
    those of a larger one.

    Args:
        groups: of the rows, (n,).
    """
    mixed = np.random.default_rng(seed).permutation(len(groups))
    _, numbers = np.unique(groups[mixed], return_inverse=True)
    by_group = np.argsort(numbers, kind="stable")
    together = numbers[by_group]
    turns = np.empty(len(groups), int)
    turns[by_group] = np.arange(len(groups)) - np.searchsorted(together, together)
    return np.sort(mixed[np.argsort(turns, kind="stable")[:count]])


def blocks(matrix: Matrix | InMemoryMatrix, landmarks: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows of a matrix in memory, uint8 (some, p), few enough for their kernel values."""
    n, p = matrix.shape
    held = max(FEWEST, HELD // p)
    for start in range(0, n, held):
        rows = matrix.take(np.arange(start, min(start + held, n)))
        for some in _parts(len(rows), landmarks):
            yield slice(start + some.start, start + some.stop), rows[some]


def _parts(count: int, landmarks: int) -> Iterator[slice]:
    """Parts of so many rows, few enough for their kernel values."""
    most = max(FEWEST, KERNEL_BYTES // (8 * landmarks))
    for first in range(0, count, most):
        yield slice(first, min(first + most, count))


class Landmarks:
    """What makes features of kernel values with the landmarks.

    Args:
        own: kernel values of the landmarks with each other, float64 (m, m).
    """

    def __init__(self, own: np.ndarray) -> None:
        import scipy.linalg

        values, vectors = scipy.linalg.eigh((own + own.T) / 2)
        kept = values > NOISE * values[-1]
        self._whitener = vectors[:, kept] / np.sqrt(values[kept])

    def features(self, rows: np.ndarray, kernel: Kernel) -> np.ndarray:
        """Features of rows, uint8 (n, p): float32 (n, at most m)."""
        m, kept = self._whitener.shape
        found = np.empty((len(rows), kept), np.float32)
        for some in _parts(len(rows), m):
            found[some] = kernel(InMemoryMatrix(rows[some])) @ self._whitener
        return found

    def coefficients(self, weights: np.ndarray) -> np.ndarray:
        """Coefficients of the landmarks, float64 (m,), of the features' weights."""
        return self._whitener @ weights
