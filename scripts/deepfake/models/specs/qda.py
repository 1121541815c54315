"""Quadratic discriminant analysis as a run sees it; its mathematics: `models.qda`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deepfake.core.schema import NotBool, Section, grid, key
from deepfake.models.job_size import FLOPS, MB, WIDEST
from deepfake.models.model_spec import Formulas, ModelSpec, linear_algebra_threads


class QdaGrid(Section):
    """Settings of quadratic discriminant analysis to try."""

    reg_param: grid(Annotated[float, Field(ge=1e-6, le=1), NotBool]) = key(
        [0.1], "share of each class' covariance that is the identity", "search"
    )


SPEC = ModelSpec(
    grid=QdaGrid,
    position=80,
    rank=70,
    order=lambda c: -c["reg_param"],
    axis="reg_param",
    max_columns=WIDEST,
    formulas={
        # and ten matrices as the singular values of a class need them
        "search": Formulas(
            memory=lambda s: 300 * MB + 3 * s.table + 84.0 * min(s.training, s.narrow) ** 2,
            seconds=lambda s, t: 120 + 2 * s.decomposition / t,
            threads=linear_algebra_threads,
        ),
        # its directions are as many as the rows of each class, or its features
        "evaluate": Formulas(
            memory=lambda s: (
                250 * MB
                + 8.0 * min(s.training, 2 * s.narrow) * s.narrow
                + 40.0 * s.tested * s.narrow
            ),
            seconds=lambda s, t: 120 + 4.0 * s.tested * s.narrow**2 / FLOPS,
        ),
    },
)
