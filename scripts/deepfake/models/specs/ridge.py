"""Ridge regression as a run sees it; its mathematics: `models.ridge`."""

from __future__ import annotations

from typing import Literal

from deepfake.core.schema import Positive, Section, grid, key
from deepfake.models.job_size import FLOPS, MB
from deepfake.models.model_spec import SCALINGS, Formulas, ModelSpec, linear_algebra_threads


class RidgeGrid(Section):
    """Settings of ridge regression on the labels to try."""

    alpha: grid(Positive) = key([1.0], "strength of the L2 penalty", "search")
    scaling: grid(Literal["standard", "none"]) = key(
        ["standard"], "features standardised by the training rows, or as they are", "gram"
    )


SPEC = ModelSpec(
    grid=RidgeGrid,
    position=50,
    rank=10,
    order=lambda c: (SCALINGS.index(c["scaling"]), -c["alpha"]),
    axis="alpha",
    in_columns=lambda c: True,
    formulas={
        "search": Formulas(
            memory=lambda s: 4.8 * s.square + 300 * MB,
            seconds=lambda s, t: 120 + 15 * s.training**3 / (FLOPS * t) + s.matrix / 50e6,
            threads=linear_algebra_threads,
        ),
        "columns": Formulas(
            memory=lambda s: s.in_columns,
            seconds=lambda s, t: 120 + s.products / t + s.candidates * 3 * s.a_pass,
            threads=linear_algebra_threads,
        ),
    },
)
