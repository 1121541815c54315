"""Faces of a matrix shrunk to a smaller side, kept face by face in a file: any few can be read.

The matrix holds pixels in columns, so a face is nowhere in one piece; it is read once, a line of
all faces at a time. Memory: about 6 lines of each face, whatever their number.
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepfake.features.matrix import BLOCK, InMemoryMatrix, Matrix

SLICE = 4096  # faces turned into float32 at once


class Shrunk:
    """Faces of side x side pixels, each the mean of the area that it covers, rounded.

    All sums are of whole numbers, so the bytes are the same everywhere.

    Args:
        matrix: square RGB faces. side: in pixels.
        folder: of the file, which has no name and is gone with the process.

    Raises:
        ValueError: the rows are no square RGB faces.
    """

    def __init__(
        self, matrix: Matrix | InMemoryMatrix, side: int, folder: Path | None = None
    ) -> None:
        self._rows, features = matrix.shape
        self._shape = (side, side, 3)
        size = math.isqrt(features // 3)
        if 3 * size**2 != features:
            raise ValueError(f"{features} features are no square RGB face")
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as this is
        held: list[np.ndarray] = []
        first = 0
        for line in _lines(matrix, size, side):
            held.append(line)
            if len(held) * line.nbytes > BLOCK or first + len(held) == side:
                self._store(first, np.concatenate(held))
                first, held = first + len(held), []

    def _store(self, first: int, lines: np.ndarray) -> None:
        """Write lines (k * side * 3, n) of all faces, of which `first` is the first."""
        place, step = first * 3 * self._shape[0], math.prod(self._shape)
        for number, part in enumerate(lines.T):
            part = np.ascontiguousarray(part)
            if os.pwrite(self._file.fileno(), part, number * step + place) != part.nbytes:
                raise OSError(errno.ENOSPC, "no space left for the shrunk faces")

    def take(self, positions: np.ndarray) -> np.ndarray:
        """uint8 (len(positions), side, side, 3)."""
        faces = np.empty((len(positions), *self._shape), np.uint8)
        for face, number in zip(faces, positions, strict=True):
            if os.preadv(self._file.fileno(), [face], int(number) * face.nbytes) != face.nbytes:
                raise OSError(errno.EIO, f"the shrunk face {number} cannot be read")
        return faces

    def digest(self) -> str:
        """sha256 of all faces in order."""
        found = hashlib.sha256()
        for number in range(self._rows):
            found.update(self.take(np.array([number])))
        return found.hexdigest()


def _lines(matrix: Matrix | InMemoryMatrix, size: int, side: int) -> Iterator[np.ndarray]:
    """Each line of the shrunk faces, uint8 (side * 3, rows)."""
    overlaps = _overlaps(size, side)
    last = size - 1 - np.argmax(overlaps[:, ::-1] > 0, axis=1)
    sums: dict[int, np.ndarray] = {}
    for first, block in matrix.blocks(3 * size):
        line = first // (3 * size)
        narrow = _narrowed(block, overlaps)
        for target in np.flatnonzero(overlaps[:, line]):
            part = narrow * np.int32(overlaps[target, line])
            sums[target] = sums[target] + part if target in sums else part
            if last[target] == line:
                whole = sums.pop(target)
                yield ((whole + size**2 // 2) // size**2).astype(np.uint8)


def _narrowed(block: np.ndarray, overlaps: np.ndarray) -> np.ndarray:
    """A line of all faces, uint8 (size * 3, n), summed along itself: int32 (side * 3, n)."""
    side, size = overlaps.shape
    found = np.empty((side * 3, block.shape[1]), np.int32)
    for start in range(0, block.shape[1], SLICE):
        some = block[:, start : start + SLICE].astype(np.float32).reshape(size, -1)
        found[:, start : start + SLICE] = (overlaps @ some).reshape(side * 3, -1)
    return found


def _overlaps(size: int, side: int) -> np.ndarray:
    """How much of each of `size` pixels lies in each of `side`, of `size` in all; float32."""
    ends, inputs = np.arange(side + 1) * size, np.arange(size + 1) * side
    high = np.minimum(ends[1:, None], inputs[None, 1:])
    low = np.maximum(ends[:-1, None], inputs[None, :-1])
    return np.maximum(high - low, 0).astype(np.float32)
