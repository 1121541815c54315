"""Write the feature matrix, and read it by columns. Its rows: see `row_order`.

The matrix is an .npy file of shape (n, p), uint8, in Fortran order: a column block is one
contiguous read. It is written in column slabs with plain writes and read with plain reads:
mapped pages would count as resident memory to SLURM, LSF and every accountant. Only the forest,
which needs random columns again and again, maps it.
"""

from __future__ import annotations

import mmap
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

SLAB = 256 * 2**20  # bytes of the matrix held at once while writing
OPEN_FILES = 256  # at once; 1,024 is a usual limit
TILE = 256  # rows turned into columns at once: seven times as fast as all of them
STRIP = 4096  # columns turned into rows at once: six times as fast as all of them
BLOCK = 64 * 2**20  # bytes of the matrix held at once while reading


class MatrixError(ValueError):
    """An array file that is not what it should be."""


def _header(path: str | Path) -> tuple[tuple[int, ...], bool, int]:
    """Shape, whether Fortran order, and offset of the data of a uint8 .npy file."""
    with open(path, "rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
                version, np.lib.format.read_array_header_2_0
            )
            shape, fortran, dtype = read(file)
        except ValueError as error:
            raise MatrixError(f"{path}: is no .npy array: {error}") from None
        offset = file.tell()
    if dtype != np.uint8:
        raise MatrixError(f"{path}: holds {dtype}, not uint8")
    size = offset + int(np.prod(shape, dtype=np.int64))
    if os.path.getsize(path) != size:
        raise MatrixError(f"{path}: has {os.path.getsize(path)} bytes, not {size}")
    return shape, fortran, offset


def gather(sources: Sequence[tuple[str, int]], path: str | Path) -> None:
    """Write the matrix whose rows are faces of several batch files.

    Args:
        sources: (file, number) of each row in order: the number-th face of a (n, ...) uint8
            C-order .npy file.
        path: where to write; memory stays under 3 SLAB whatever the size.

    Raises:
        MatrixError: no rows, a file that is cut short or no such array, a number that it does
            not have, or faces of different sizes.
    """
    import cv2

    if not sources:
        raise MatrixError(f"{path}: no face was kept, so there is nothing to learn from")
    headers = {file: _header(file) for file in sorted({file for file, _ in sources})}
    p = _face_length(headers)
    for file, number in sources:
        if not 0 <= number < headers[file][0][0]:
            raise MatrixError(f"{file}: has no face {number}")
    n = len(sources)
    columns = min(p, max(1, SLAB // n))
    with OpenFiles() as files, open(path, "wb") as out:
        np.lib.format.write_array_header_1_0(
            out, {"descr": "|u1", "fortran_order": True, "shape": (n, p)}
        )
        slab = np.empty((columns, n), np.uint8)
        tile = np.empty((min(n, TILE), columns), np.uint8)
        for first in range(0, p, columns):
            width = min(columns, p - first)
            for start in range(0, n, TILE):
                some = sources[start : start + TILE]
                for row, (file, number) in zip(tile, some, strict=False):
                    place = headers[file][2] + number * p + first
                    _read_at(files.open(file), row[:width], place)
                # two to three times as fast as NumPy, into the slab itself
                cv2.transpose(tile[: len(some), :width], slab[:width, start : start + len(some)])
            out.write(slab[:width])


class OpenFiles:
    """Files open for reading, the least recently used closed: a run may have thousands."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, int] = OrderedDict()

    def __enter__(self) -> OpenFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._open.values():
            os.close(handle)

    def open(self, file: str) -> int:
        """The handle of a file."""
        if file not in self._open:
            if len(self._open) >= OPEN_FILES:
                os.close(self._open.popitem(last=False)[1])
            self._open[file] = os.open(file, os.O_RDONLY)
        self._open.move_to_end(file)
        return self._open[file]


def _face_length(headers: dict[str, tuple[tuple[int, ...], bool, int]]) -> int:
    """Bytes of a face, the same in all files."""
    known = None
    for file, (shape, fortran, _) in headers.items():
        if fortran or len(shape) < 2:
            raise MatrixError(f"{file}: holds no faces in C order")
        length = int(np.prod(shape[1:]))
        known = known or (length, file)
        if length != known[0]:
            raise MatrixError(f"{file}: has faces of {length} bytes, {known[1]} of {known[0]}")
    return known[0]


def _read_at(file: int, buffer: np.ndarray, place: int) -> None:
    if os.preadv(file, [buffer], place) != buffer.nbytes:
        raise MatrixError("a file of faces ended early")


class Matrix:
    """Reading access to a matrix, or to some of its rows.

    Args:
        path: the .npy file.
        rows: row numbers to see, in this order; all rows by default.

    Attributes:
        shape: (number of chosen rows, p).
    """

    def __init__(self, path: str | Path, rows: np.ndarray | None = None) -> None:
        shape, fortran, self._offset = _header(path)
        if not fortran or len(shape) != 2:
            raise MatrixError(f"{path}: holds no matrix in Fortran order")
        self._n, p = shape
        self._path = path
        self._rows = rows
        if rows is not None and len(rows) and not 0 <= rows.min() <= rows.max() < self._n:
            raise MatrixError(f"{path}: has {self._n} rows; the requested rows are not among them")
        self.shape = (self._n if rows is None else len(rows), p)

    def blocks(self, columns: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (first column, uint8 array of shape (columns, chosen rows)) over all columns.

        The array is overwritten by the next one: copy what must stay.
        """
        _, p = self.shape
        columns = columns or max(1, BLOCK // self._n)
        columns = min(columns, p)
        buffer = np.empty((columns, self._n), np.uint8)
        chosen = None if self._rows is None else np.empty((columns, len(self._rows)), np.uint8)
        with open(self._path, "rb", buffering=0) as file:
            file.seek(self._offset)
            for first in range(0, p, columns):
                block = buffer[: min(columns, p - first)]
                _fill(file, block)
                if chosen is not None:  # numbers were checked: "clip" spares numpy a copy
                    picked = chosen[: len(block)]
                    block = np.take(block, self._rows, axis=1, out=picked, mode="clip")
                yield first, block

    def at(self, positions: np.ndarray) -> Matrix:
        """The rows at these positions among the chosen rows."""
        rows = positions if self._rows is None else self._rows[positions]
        return Matrix(self._path, rows)

    def take(self, positions: np.ndarray) -> np.ndarray:
        """uint8 (len(positions), p): some of the chosen rows, in memory."""
        return _stack(self.at(positions))

    def columns(self, features: np.ndarray) -> np.ndarray:
        """uint8 (len(features), chosen rows): some of the columns, features ascending."""
        return _pick(self, features)

    def mapped(self) -> tuple[np.ndarray, np.ndarray]:
        """All columns, uint8 (p, n), mapped and read once; the chosen rows among n, uint32."""
        with open(self._path, "rb") as file:
            flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)  # in order, not by faults
            view = mmap.mmap(file.fileno(), 0, flags=flags, prot=mmap.PROT_READ)
        columns = np.frombuffer(view, np.uint8, offset=self._offset).reshape(-1, self._n)
        rows = np.arange(self._n) if self._rows is None else self._rows
        return columns, rows.astype(np.uint32)


class InMemoryMatrix:
    """Rows in memory, with the interface of a Matrix.

    Args:
        pixels: uint8 of shape (n, ...).
    """

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels.reshape(len(pixels), -1)
        self.shape = self._pixels.shape

    def blocks(self, columns: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        columns = columns or max(1, BLOCK // max(1, self.shape[0]))
        for first in range(0, self.shape[1], columns):
            yield first, np.ascontiguousarray(self._pixels[:, first : first + columns].T)

    def at(self, positions: np.ndarray) -> InMemoryMatrix:
        return InMemoryMatrix(self._pixels[positions])

    def take(self, positions: np.ndarray) -> np.ndarray:
        return self._pixels[positions]

    def columns(self, features: np.ndarray) -> np.ndarray:
        return _pick(self, features)

    def mapped(self) -> tuple[np.ndarray, np.ndarray]:
        columns = np.ascontiguousarray(self._pixels.T)
        return columns, np.arange(len(self._pixels), dtype=np.uint32)


def _stack(chosen_rows: Matrix) -> np.ndarray:
    pixels = np.empty(chosen_rows.shape, np.uint8)
    for first, block in chosen_rows.blocks():
        for start in range(0, len(block), STRIP):
            strip = block[start : start + STRIP]
            pixels[:, first + start : first + start + len(strip)] = strip.T
    return pixels


def _pick(chosen_rows: Matrix | InMemoryMatrix, features: np.ndarray) -> np.ndarray:
    picked = np.empty((len(features), chosen_rows.shape[0]), np.uint8)
    for first, block in chosen_rows.blocks():
        low, high = np.searchsorted(features, (first, first + len(block)))
        picked[low:high] = block[features[low:high] - first]
    return picked


def _fill(file, block: np.ndarray) -> None:
    view = memoryview(block).cast("B")
    while view:
        count = file.readinto(view)
        if not count:
            raise MatrixError("the matrix ended early")
        view = view[count:]
