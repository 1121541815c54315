"""The elastic net as a run sees it; its mathematics: `models.elasticnet`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deepfake.core.schema import NotBool, Positive, Section, grid, key
from deepfake.models.job_size import MB, Size
from deepfake.models.model_spec import Formulas, ModelSpec


class ElasticNetGrid(Section):
    """Settings of logistic regression with an elastic net to try."""

    C: grid(Positive) = key([0.1], "inverse strength of the penalty", "search")
    l1_ratio: grid(Annotated[float, Field(gt=0, le=1), NotBool]) = key(
        [0.5], "share of the penalty that is L1, which leaves most features out", "search"
    )


def _descent(size: Size) -> float:
    """Seconds in which the weights are found, with all features in play that may be."""
    return size.training * min(2e-5 * size.training, 1.8e-9 * size.in_play**2)


SPEC = ModelSpec(
    grid=ElasticNetGrid,
    position=60,
    rank=30,
    order=lambda c: (c["C"], -c["l1_ratio"]),
    axis="C",
    formulas={
        # the features in play, their products, and a block of the matrix
        "search": Formulas(
            memory=lambda s: (
                500 * MB + (24.0 * s.training + 16.0 * s.in_play) * s.in_play + 100 * s.features
            ),
            # a dozen passes over the matrix, and as much again where many features are in play
            seconds=lambda s, t: 120 + s.candidates * (s.matrix / 5e6 + _descent(s)),
        ),
    },
)
