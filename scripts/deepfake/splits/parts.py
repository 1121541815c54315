"""Join rows of the matrix with their lines of a split; tell copies from faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.tables import Table


def is_copy(row: Mapping) -> bool:
    """Whether a row is a training copy of a face (`training.copies`)."""
    return bool(row.get("copy"))


def copies(rows: Table) -> np.ndarray:
    """Which rows are training copies of faces, bool (n,)."""
    return ~rows.among("copy", "")


def rows_of(rows: Sequence[Mapping], split: Sequence[Mapping], *parts: str) -> Table:
    """The rows that are in some parts of a split, in order, with their `part` and `fold`.

    Args:
        rows: of the whole matrix.
        split: what `assignment.make` gave for them, as it is or as strings.
        parts: of "train", "test" and "unused".

    Raises:
        ValueError: the split belongs to other rows.
    """
    rows, split = tables.of(rows), tables.of(split)
    if not np.array_equal(split.integers("row"), np.arange(len(rows))):
        raise ValueError(
            f"the split has {len(split)} rows and the matrix {len(rows)}, or other rows; remove "
            "the split's table and run again"
        )
    return rows.beside(split, "part", "fold").at(split.among("part", *parts))
