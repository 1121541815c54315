"""Join rows of the matrix with their lines of a split; tell copies from faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def is_copy(row: Mapping) -> bool:
    """Whether a row is a training copy of a face (`training.copies`)."""
    return bool(row.get("copy"))


def rows_of(rows: Sequence[dict], split: Sequence[dict], *parts: str) -> list[tuple[dict, dict]]:
    """The rows that are in some parts of a split, each with its line of the split, in order.

    Args:
        rows: of the whole matrix.
        split: what `assignment.make` gave for them, as it is or as strings.
        parts: of "train", "test" and "unused".

    Raises:
        ValueError: the split belongs to other rows.
    """
    if [int(cut["row"]) for cut in split] != list(range(len(rows))):
        raise ValueError(
            f"the split has {len(split)} rows and the matrix {len(rows)}, or other rows; remove "
            "the split's table and run again"
        )
    return [(row, cut) for row, cut in zip(rows, split, strict=True) if cut["part"] in parts]
