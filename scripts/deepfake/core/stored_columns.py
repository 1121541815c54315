"""How a table's columns are held, and made while a file is read. `tables` has the tables."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

FEW = 4096  # different values that a column may have, however few rows there are


class Coded:
    """A column of few different values: these, objects (k,), and which each row has, int32 (n,)."""

    def __init__(self, values: np.ndarray, codes: np.ndarray) -> None:
        self.values, self.codes = values, codes

    def __getitem__(self, where: slice | np.ndarray) -> Coded:
        return Coded(self.values, self.codes[where])

    def array(self) -> np.ndarray:
        return self.values[self.codes]

    def tolist(self) -> list:
        return self.array().tolist()


class Text:
    """A column of many different strings: all in one array of bytes, and where each lies in it.

    Digits of hexadecimal numbers are held as the bytes that they stand for.
    """

    def __init__(
        self, data: bytearray, starts: np.ndarray, ends: np.ndarray, hexadecimal: bool
    ) -> None:
        self._data, self._starts, self._ends = data, starts, ends
        self._hexadecimal = hexadecimal

    def __getitem__(self, where: slice | np.ndarray) -> Text:
        return Text(self._data, self._starts[where], self._ends[where], self._hexadecimal)

    def array(self) -> np.ndarray:
        found = np.empty(len(self._starts), object)
        found[:] = self.tolist()
        return found

    def tolist(self) -> list[str]:
        places = zip(self._starts.tolist(), self._ends.tolist(), strict=True)
        cells = (self._data[start:end] for start, end in places)
        return [cell.hex() if self._hexadecimal else cell.decode() for cell in cells]


def _objects(values: Iterable) -> np.ndarray:
    values = list(values)
    found = np.empty(len(values), object)
    found[:] = values
    return found


def column(values: Sequence) -> Coded | np.ndarray:
    """A column of any values."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return values
    known: dict[tuple, int] = {}  # with its type: 1 and 1.0 are written differently
    values = values.tolist() if isinstance(values, np.ndarray) else values
    codes = [known.setdefault((type(value), value), len(known)) for value in values]
    return Coded(_objects(value for _, value in known), np.array(codes, np.int32))


class Reading:
    """A column that is being read: coded, and as text once it has many different values."""

    def __init__(self) -> None:
        self._known: dict[str, int] | None = {}
        self._codes = array("i")
        self._text: bytearray = bytearray()
        self._ends = array("q")
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
                self._text, self._ends = bytearray(), array("q")
                self._hexadecimal = False
                self._add_text(before)
        self._hexadecimal = False
        coded = [cell.encode() for cell in cells]
        self._append(b"".join(coded), list(map(len, coded)))

    def _append(self, data: bytes, lengths: Sequence[int]) -> None:
        self._ends.extend((len(self._text) + np.cumsum(lengths, dtype=np.int64)).tolist())
        self._text += data

    def done(self) -> Coded | Text:
        """The column."""
        if self._known is not None:
            return Coded(_objects(self._known), np.array(self._codes, np.int32))
        ends = np.array(self._ends, np.int64)
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
        return Text(self._text, starts, ends, bool(self._hexadecimal))


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
