"""Tables of rows: held by columns, read from and written to tab-separated files with a header.

A run's tables have up to a million rows, and a dict takes kilobytes: so rows are made when they
are asked for. What is computed of all rows is computed of columns.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepfake.core.row import Row
from deepfake.core.stored_columns import CHUNK, Coded, Reading, Text, cells, column, on_disk

__all__ = ["CHUNK", "Row", "Table", "TableError", "of", "read", "read_all", "write"]


class TableError(ValueError):
    """A table that cannot be read, with file and line."""


class Table(Sequence):
    """Rows that do not change, held by columns; each row is a dict, made when it is asked for.

    Args:
        columns: by name, of one length: `Coded`, `Text` or an array of numbers.
        count: rows.
    """

    def __init__(self, columns: Mapping[str, Coded | Text | np.ndarray], count: int) -> None:
        self._columns, self._count = dict(columns), count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return self.at(np.arange(self._count)[place])
        place = range(self._count)[place]
        return {name: c[place : place + 1].tolist()[0] for name, c in self._columns.items()}

    def __iter__(self) -> Iterator[dict]:
        names = tuple(self._columns)
        for first in range(0, self._count, CHUNK):
            some = (column[first : first + CHUNK].tolist() for column in self._columns.values())
            for row in zip(*some, strict=True):
                yield dict(zip(names, row, strict=True))

    def __eq__(self, other: object) -> bool:
        """Whether another sequence has equal rows."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None

    def column(self, name: str, default: str | None = None) -> np.ndarray:
        """A column, (n,): numbers, or strings as objects, of which equal ones are mostly shared.

        Args:
            default: the value of each row where there is no such column.

        Raises:
            KeyError: there is no such column, and no default.
        """
        if default is not None and name not in self._columns:
            return np.full(self._count, default, object)
        column = self._columns[name]
        return column if isinstance(column, np.ndarray) else column.array()

    def cells(self, name: str) -> Iterator:
        """The values of a column, of which a CHUNK is held at once."""
        return cells(self._columns[name])

    def floats(self, name: str) -> np.ndarray:
        """A column of numbers, which may be texts of them, float64 (n,)."""
        return self._numbers(name, float)

    def integers(self, name: str) -> np.ndarray:
        """A column of whole numbers, which may be texts of them, int (n,)."""
        return self._numbers(name, int)

    def _numbers(self, name: str, kind: type) -> np.ndarray:
        column = self._columns[name]
        return column.astype(kind) if isinstance(column, np.ndarray) else column.numbers(kind)

    def among(self, name: str, *values: object) -> np.ndarray:
        """Which rows have one of these values in a column, bool (n,); a missing one is empty."""
        if name not in self._columns:
            return np.full(self._count, "" in values)
        column = self._columns[name]
        if isinstance(column, np.ndarray):
            # beside a text, NumPy would make texts of the numbers
            return np.isin(column, [value for value in values if not isinstance(value, str)])
        return column.among(frozenset(values))

    def at(self, where: np.ndarray) -> Table:
        """The rows at these positions, int (m,), in this order; or those of a mask, bool (n,)."""
        where = np.asarray(where)
        if where.dtype == bool and where.all():
            return self
        positions = np.flatnonzero(where) if where.dtype == bool else where.astype(np.intp)
        columns = {name: column[positions] for name, column in self._columns.items()}
        return Table(columns, len(positions))

    def with_columns(self, **columns: Sequence) -> Table:
        """The rows with some columns replaced, or added."""
        made = {name: column(values) for name, values in columns.items()}
        return Table(self._columns | made, self._count)

    def beside(self, other: Table, *names: str) -> Table:
        """The rows with some columns of as many others."""
        return Table(self._columns | {name: other._columns[name] for name in names}, self._count)

    def only(self, *names: str) -> Table:
        """The rows with those of these columns that there are."""
        columns = {name: self._columns[name] for name in names if name in self._columns}
        return Table(columns, self._count)

    def distinct(self, *names: str) -> tuple[np.ndarray, np.ndarray]:
        """Rows that differ in some columns; a missing one is taken to be empty.

        Returns:
            Position of the first row of each kind, int (kinds,), in rising order; and the kind
            of each row, int (n,).
        """
        kind, count = np.zeros(self._count, np.int64), 1
        for name in names:
            if name in self._columns:
                codes, several = self._codes(name)
                kind *= several
                kind += codes
                kind, count = _dense(kind, count * several)
        first = np.empty(count if self._count else 0, np.int64)
        first[kind[::-1]] = np.arange(self._count)[::-1]  # the last that is written counts
        order = np.argsort(first)
        rank = np.empty_like(first)
        rank[order] = np.arange(len(first))
        return first[order], rank[kind]

    def _codes(self, name: str) -> tuple[np.ndarray, int]:
        column = self._columns[name]
        if isinstance(column, Coded):
            return column.codes, len(column.values)
        values, codes = np.unique(self.column(name), return_inverse=True)
        return codes, len(values)


def _dense(numbers: np.ndarray, limit: int) -> tuple[np.ndarray, int]:
    """Numbers below a limit, int (n,), as places among those that occur; how many these are."""
    if limit > 4 * len(numbers):
        found, places = np.unique(numbers, return_inverse=True)
        return places, len(found)
    occurs = np.zeros(limit, bool)
    occurs[numbers] = True
    return (np.cumsum(occurs) - 1)[numbers], int(occurs.sum())


def of(rows: Sequence[Mapping]) -> Table:
    """Rows as a table: itself, or one made of dicts, in which what a row lacks is empty."""
    if isinstance(rows, Table):
        return rows
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: column([row.get(name, "") for row in rows]) for name in names}
    return Table(columns, len(rows))


def read(path: str | Path, columns: Sequence[str] | None = None, left: Sequence[str] = ()) -> Table:
    """The rows of a table, as strings.

    Args:
        columns: to read, of those that there are; all by default.
        left: those of them that stay in the file, which must not change.

    Raises:
        TableError: a row with more or fewer cells than the header.
    """
    reading: dict[str, Reading] = {}
    count, names = _read(path, columns, left, reading)
    made: dict[str, Coded | Text] = {}
    for name in names:  # in the order of the file; what was read is let go at once
        made[name] = on_disk(path, name) if name in left else reading.pop(name).done()
    return Table(made, count)


def read_all(paths: Sequence[str | Path], columns: Sequence[str]) -> Table:
    """The rows of several tables one after another, with the number of the table of each, `file`.

    Args:
        columns: to read, of those that the tables have.

    Raises:
        TableError: a row with more or fewer cells than the header, or a table that lacks a column
            which another one has.
    """
    reading: dict[str, Reading] = {}
    found = [_read(path, columns, (), reading) for path in paths]
    for path, (_, names) in zip(paths, found, strict=True):
        for name in sorted(reading.keys() - set(names)):
            raise TableError(f"{path}: there is no column {name}, which other tables have")
    counts = [count for count, _ in found]
    made = {name: reading.pop(name).done() for name in list(reading)}
    made["file"] = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return Table(made, sum(counts))


def _read(
    path: str | Path,
    columns: Sequence[str] | None,
    left: Sequence[str],
    reading: dict[str, Reading],
) -> tuple[int, list[str]]:
    """Add the cells of a table to its columns; how many rows it has, and which of the columns."""
    with open(path, encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split("\t")
        places = {n: p for p, n in enumerate(header) if columns is None or n in columns}
        held = {
            n: (p, reading.setdefault(n, Reading())) for n, p in places.items() if n not in left
        }
        count = 0
        while some := list(itertools.islice(file, CHUNK)):
            some = [
                _cells(path, number, line, len(header))
                for number, line in enumerate(some, start=count + 2)
            ]
            count += len(some)
            for place, one in held.values():
                one.add([cells[place] for cells in some])
    return count, list(places)


def _cells(path: str | Path, number: int, line: str, count: int) -> list[str]:
    cells = line.rstrip("\n").split("\t")
    if len(cells) != count:
        raise TableError(f"{path}: line {number}: {len(cells)} cells, not {count}")
    return cells


def write(rows: Iterable[Mapping], path: str | Path, columns: Sequence[str]) -> None:
    """Write the columns of rows; a tab or line break in a cell becomes a space."""
    if isinstance(rows, Table):
        rows = rows.only(*columns)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("\t".join(columns) + "\n")
        for row in rows:
            file.write("\t".join(_text(row.get(column, "")) for column in columns) + "\n")


def _text(value: object) -> str:
    """A cell. Floats in Python's shortest form that reads back as the same number."""
    if isinstance(value, float):
        return repr(float(value))
    text = "" if value is None else str(value)
    return text if text.isprintable() else " ".join(" ".join(text.split("\t")).splitlines())
