"""How a table's columns are held, and made while a file is read. `tables` has the tables."""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

CHUNK = 4096  # rows that are turned into columns, or columns into rows, at once

FEW = 4096  # different values that a column may have, however few rows there are


class Coded:
    """A column of few different values.

    Attributes:
        values: these, objects (k,). codes: which each row has, of the smallest unsigned type (n,).
    """

    def __init__(self, values: np.ndarray, codes: np.ndarray) -> None:
        self.values = values
        self.codes = codes.astype(np.min_scalar_type(max(len(values), 1) - 1), copy=False)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, where: slice | np.ndarray) -> Coded:
        return Coded(self.values, self.codes[where])

    def array(self) -> np.ndarray:
        return self.values[self.codes]

    def tolist(self) -> list:
        return self.array().tolist()

    def numbers(self, kind: Callable[[object], object]) -> np.ndarray:
        """Its values as numbers, (n,)."""
        known, used = np.zeros(len(self.values), kind), np.zeros(len(self.values), bool)
        used[self.codes] = True
        for code in np.flatnonzero(used):
            known[code] = kind(self.values[code])
        return known[self.codes]

    def among(self, wanted: Collection) -> np.ndarray:
        """Which values are among some, bool (n,)."""
        return np.array([value in wanted for value in self.values], bool)[self.codes]


class Text:
    """A column of many different strings: all in one array of bytes, and where each lies in it.

    Digits of hexadecimal numbers may be held as the bytes that they stand for.

    Args:
        data: the bytes, or what reads slices of them.
        starts, ends: of each row's, uint32 or int64 (n,).
    """

    def __init__(
        self, data: bytearray | _File, starts: np.ndarray, ends: np.ndarray, hexadecimal: bool
    ) -> None:
        self._data, self._starts, self._ends = data, starts, ends
        self._hexadecimal = hexadecimal

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, where: slice | np.ndarray) -> Text:
        return Text(self._data, self._starts[where], self._ends[where], self._hexadecimal)

    def array(self) -> np.ndarray:
        found = np.empty(len(self), object)
        found[:] = self.tolist()
        return found

    def numbers(self, kind: Callable[[str], object]) -> np.ndarray:
        """Its strings as numbers, (n,)."""
        return np.fromiter(map(kind, cells(self)), kind, len(self))

    def among(self, wanted: Collection) -> np.ndarray:
        """Which strings are among some, bool (n,)."""
        return np.fromiter((cell in wanted for cell in cells(self)), bool, len(self))

    def tolist(self) -> list[str]:
        places = zip(self._starts.tolist(), self._ends.tolist(), strict=True)
        cells = (self._data[start:end] for start, end in places)
        return [cell.hex() if self._hexadecimal else cell.decode() for cell in cells]


class _File:
    """The bytes of a file, open as long as it is referred to; a slice is read on demand."""

    def __init__(self, path: str | Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115

    def __getitem__(self, place: slice) -> bytes:
        return os.pread(self._file.fileno(), place.stop - place.start, place.start)


def on_disk(path: str | Path, name: str) -> Text:
    """A column of a table that stays in its file, which must not change: 8 bytes a row are held.

    Raises:
        ValueError: the table has no such column.
    """
    kind = "I" if os.path.getsize(path) < 2**32 else "q"
    starts, ends = array(kind), array(kind)
    with open(path, "rb") as file:
        header = file.readline()
        place, at = header.rstrip(b"\r\n").split(b"\t").index(name.encode()), len(header)
        for line in file:
            *before, cell = line.rstrip(b"\r\n").split(b"\t", place + 1)[: place + 1]
            starts.append(at + sum(map(len, before)) + place)
            ends.append(starts[-1] + len(cell))
            at += len(line)
    return Text(_File(path), np.array(starts), np.array(ends), hexadecimal=False)


def cells(column: Coded | Text | np.ndarray) -> Iterator:
    """The values of a column, of which a CHUNK is held at once."""
    for first in range(0, len(column), CHUNK):
        yield from column[first : first + CHUNK].tolist()


def _objects(values: Iterable) -> np.ndarray:
    values = list(values)
    found = np.empty(len(values), object)
    found[:] = values
    return found


def column(values: Sequence) -> Coded | np.ndarray:
    """A column of any values."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return values
    known: dict[tuple, int] = {}
    codes = array("i")
    for first in range(0, len(values), CHUNK):
        some = values[first : first + CHUNK]
        some = some.tolist() if isinstance(some, np.ndarray) else some
        codes.extend([known.setdefault(_written(value), len(known)) for value in some])
    return Coded(_objects(value for *_, value in known), _whole(codes))


def _written(value: object) -> tuple:
    """A key in which values differ that are written differently: 1 and 1.0, 0.0 and -0.0."""
    return type(value), isinstance(value, float) and math.copysign(1, value), value


class Reading:
    """A column that is being read: coded, and as text once it has many different values."""

    def __init__(self) -> None:
        self._known: dict[str, int] | None = {}
        self._codes = array("i")
        self._text: bytearray = bytearray()
        self._lengths = array("I")  # of what was appended
        self._hexadecimal: bool | None = None

    def add(self, cells: Sequence[str]) -> None:
        """Take the column's cells of some more rows."""
        if self._known is None:
            self._add_text(cells)
            return
        known = self._known
        self._codes.extend([known.setdefault(cell, len(known)) for cell in cells])
        if len(known) > max(FEW, len(self._codes) / 2):
            values, self._known = list(known), None
            self._add_text([values[code] for code in self._codes])
            self._codes = array("i")

    def _add_text(self, cells: Sequence[str]) -> None:
        if self._hexadecimal in (None, True):
            data = _from_hexadecimal(cells)
            if data is not None:
                self._append(data, [len(cell) // 2 for cell in cells])
                self._hexadecimal = True
                return
            if self._hexadecimal:  # so far; the cells before become text
                before = self.done().tolist()
                self._text, self._lengths = bytearray(), array("I")
                self._hexadecimal = False
                self._add_text(before)
        self._hexadecimal = False
        coded = [cell.encode() for cell in cells]
        self._append(b"".join(coded), list(map(len, coded)))

    def _append(self, data: bytes, lengths: Sequence[int]) -> None:
        self._lengths.extend(lengths)
        self._text += data

    def done(self) -> Coded | Text:
        """The column."""
        if self._known is not None:
            return Coded(_objects(self._known), _whole(self._codes))
        kind = np.uint32 if len(self._text) < 2**32 else np.int64
        places = np.zeros(len(self._lengths) + 1, kind)
        np.cumsum(self._lengths, out=places[1:])
        return Text(self._text, places[:-1], places[1:], bool(self._hexadecimal))


def _whole(numbers: array) -> np.ndarray:
    """An array of int32 that shares the memory of these numbers."""
    return np.frombuffer(numbers, np.int32) if numbers else np.empty(0, np.int32)


def _from_hexadecimal(cells: Sequence[str]) -> bytes | None:
    """The bytes that lower-case digits in all cells stand for; None where others are there."""
    if any(len(cell) % 2 for cell in cells):
        return None
    digits = "".join(cells)
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        return None
    return data if data.hex() == digits else None
