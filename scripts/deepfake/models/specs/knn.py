"""Nearest neighbours as a run sees them; their mathematics: `models.knn`."""

from __future__ import annotations

from deepfake.core.schema import Count, Section, grid, key
from deepfake.models.job_size import FLOPS, MB, WIDEST, Size
from deepfake.models.model_spec import Formulas, ModelSpec


class KnnGrid(Section):
    """Settings of nearest neighbours to try."""

    n_neighbors: grid(Count) = key([15], "neighbours that vote", "search")


def _seconds(size: Size, _threads: int) -> float:
    """Of a search, of a fit, and of the test."""
    return 120 + size.training**2 * 1e-6 + size.training * size.table / FLOPS


SPEC = ModelSpec(
    grid=KnnGrid,
    position=90,
    rank=80,
    order=lambda c: -c["n_neighbors"],
    axis="n_neighbors",
    max_columns=WIDEST,
    keeps_training_rows=True,
    formulas={
        # the distances of a fold's rows, or of the test's, and bytes of the training rows
        "search": Formulas(
            memory=lambda s: 270 * MB + 0.3 * s.square + 0.25 * s.table, seconds=_seconds
        ),
        "evaluate": Formulas(
            memory=lambda s: 370 * MB + 9.0 * s.tested * s.training + 0.25 * s.table,
            seconds=_seconds,
        ),
    },
)
