"""How many rows are drawn for a tree of a forest: what grows them and what plans them agree."""

from __future__ import annotations


def drawn(max_samples: float | None, rows: int) -> int:
    """How many of so many rows are drawn, as in scikit-learn.

    Args:
        max_samples: a number, of which there may be fewer, a share as a float, or None for as many
            as there are.
    """
    if max_samples is None:
        return rows
    if isinstance(max_samples, float):
        return max(1, round(max_samples * rows))
    return min(max_samples, rows)
