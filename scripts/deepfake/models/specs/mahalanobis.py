"""Distance to the real rows as a run sees it; its mathematics: `models.mahalanobis`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deepfake.core.schema import NotBool, NumberOrWord, Section, grid, key
from deepfake.models.job_size import FLOPS, MB, WIDEST
from deepfake.models.model_spec import Formulas, ModelSpec, linear_algebra_threads, number


class MahalanobisGrid(Section):
    """Settings of the distance to the real rows to try."""

    shrinkage: grid(
        Annotated[Literal["auto"] | Annotated[float, Field(ge=1e-6, le=1), NotBool], NumberOrWord]
    ) = key(
        ["auto"], "of the real rows' covariance: auto is Ledoit and Wolf's, or a share", "search"
    )


SPEC = ModelSpec(
    grid=MahalanobisGrid,
    position=105,
    rank=45,
    order=lambda c: (c["shrinkage"] != "auto", -number(c["shrinkage"])[1]),
    axis="shrinkage",
    max_columns=WIDEST,
    formulas={
        "search": Formulas(
            memory=lambda s: 300 * MB + 1.5 * s.table + 32.0 * s.narrow**2,
            seconds=lambda s, t: 120 + s.candidates * s.decomposition / t,
            threads=linear_algebra_threads,
        ),
        "evaluate": Formulas(
            memory=lambda s: 250 * MB + 8.0 * s.narrow**2 + 24.0 * s.tested * s.narrow,
            seconds=lambda s, t: 120 + 4.0 * s.tested * s.narrow**2 / FLOPS,
        ),
    },
)
