"""Read and write tab-separated tables with a header."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

Row = dict[str, str]  # a row of a table, by column


class TableError(ValueError):
    """A table that cannot be read, with file and line."""


def read(path: str | Path) -> list[Row]:
    """Rows of a table as dicts of strings.

    Raises:
        TableError: a row with more or fewer cells than the header.
    """
    with open(path, encoding="utf-8") as file:
        lines = (line.rstrip("\n").split("\t") for line in file)
        header = next(lines, [])
        rows = []
        for number, cells in enumerate(lines, start=2):
            if len(cells) != len(header):
                raise TableError(f"{path}: line {number}: {len(cells)} cells, not {len(header)}")
            rows.append(dict(zip(header, cells, strict=True)))
    return rows


def write(rows: Iterable[dict], path: str | Path, columns: Sequence[str]) -> None:
    """Write the columns of rows; a tab or line break in a cell becomes a space."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("\t".join(columns) + "\n")
        for row in rows:
            cells = (" ".join(_text(row.get(column, "")).split("\t")) for column in columns)
            file.write("\t".join(" ".join(cell.splitlines()) for cell in cells) + "\n")


def _text(value: object) -> str:
    """A cell. Floats in Python's shortest form that reads back as the same number."""
    if isinstance(value, float):
        return repr(float(value))
    return "" if value is None else str(value)
