"""Linear discriminant analysis as a run sees it; its mathematics: `models.lda`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deepfake.core.schema import NotBool, NumberOrWord, Section, grid, key
from deepfake.models.job_size import FLOPS, MB, WIDEST
from deepfake.models.model_spec import Formulas, ModelSpec, linear_algebra_threads, number


class LdaGrid(Section):
    """Settings of linear discriminant analysis to try."""

    shrinkage: grid(
        Annotated[Literal["auto"] | Annotated[float, Field(ge=0, le=1), NotBool], NumberOrWord]
    ) = key(["auto"], "of the covariance: auto is Ledoit and Wolf's, or a share", "search")


SPEC = ModelSpec(
    grid=LdaGrid,
    position=70,
    rank=40,
    order=lambda c: (c["shrinkage"] != "auto", -number(c["shrinkage"])[1]),
    axis="shrinkage",
    max_columns=WIDEST,
    formulas={
        "search": Formulas(
            # the rows of a class as bytes, and covariances of both
            memory=lambda s: 250 * MB + s.table / 8 + 250.0 * s.training + 40.0 * s.narrow**2,
            seconds=lambda s, t: (
                120 + s.products / t + s.candidates * 20.0 * s.narrow**3 / (FLOPS * t)
            ),
            threads=linear_algebra_threads,
        ),
    },
)
