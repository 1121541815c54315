"""Logistic regression as a run sees it; its mathematics: `models.logistic`."""

from __future__ import annotations

from typing import Literal

from deepfake.core.schema import Positive, Section, grid, key
from deepfake.models.job_size import FLOPS, MB
from deepfake.models.model_spec import SCALINGS, Formulas, ModelSpec, linear_algebra_threads

INTERCEPTS = ("penalised", "free")  # the simpler first


class LogisticGrid(Section):
    """Settings of logistic regression to try."""

    C: grid(Positive) = key([1.0], "inverse strength of the L2 penalty", "search")
    scaling: grid(Literal["standard", "none"]) = key(
        ["standard"], "pixels standardised by the training rows, or as they are", "gram"
    )
    intercept: grid(Literal["free", "penalised"]) = key(
        ["free"], "intercept free, or penalised as liblinear does", "search"
    )


SPEC = ModelSpec(
    grid=LogisticGrid,
    position=20,
    rank=20,
    order=lambda c: (SCALINGS.index(c["scaling"]), INTERCEPTS.index(c["intercept"]), c["C"]),
    axis="C",
    in_columns=lambda c: True,
    formulas={
        "search": Formulas(
            memory=lambda s: 4.8 * s.square + 300 * MB,
            seconds=lambda s, t: 120 + s.candidates * 15 * s.training**3 / (FLOPS * t),
            threads=linear_algebra_threads,
        ),
        "columns": Formulas(
            memory=lambda s: s.in_columns,
            seconds=lambda s, t: 120 + s.candidates * (100 * s.a_pass + 4 * s.products / t),
            threads=linear_algebra_threads,
        ),
    },
)
