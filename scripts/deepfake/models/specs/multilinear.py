"""Multilinear regression on both classes' components as a run sees it; see `models.multilinear`."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from deepfake.core.schema import Positive, Section, grid, key
from deepfake.models.job_size import FLOPS, MB, Size
from deepfake.models.model_spec import (
    SCALINGS,
    Candidate,
    Formulas,
    ModelSpec,
    linear_algebra_threads,
)

SHARE = r"(\d{1,9}(/[1-9]\d{0,8})?|\d{0,9}\.\d{1,9})"


def _rising(kept: str) -> str:
    first, last = map(Fraction, kept.split("-"))
    if not first < last <= 1:
        raise ValueError("should be two shares that rise, 1 at most, like 1/7-1")
    return kept


Range = Annotated[str, Field(pattern=f"^{SHARE}-{SHARE}$"), AfterValidator(_rising)]


class MultilinearGrid(Section):
    """Settings of multilinear regression on both classes' components to try."""

    components: grid(Range) = key(
        ["0-1", "0-1/2", "1/2-1"],
        "which principal components are used, the longest first, as shares of them: 1/7-1 are all "
        "but the first seventh",
        "search",
    )
    C: grid(Positive) = key([1.0], "inverse strength of the SVM's penalty", "search")
    scaling: grid(Literal["standard", "none"]) = key(
        ["none"], "features standardised by the training rows, or as they are", "gram"
    )


def _order(candidate: Candidate) -> tuple:
    """Few components before many, then the longest ones."""
    first, last = map(Fraction, candidate["components"].split("-"))
    return SCALINGS.index(candidate["scaling"]), last - first, first, candidate["C"]


def _seconds(candidates: int, size: Size, threads: int) -> float:
    """Of two classes' components, and of a decomposition of both for each candidate."""
    products = (5 + 15 * candidates) * float(size.training) ** 3
    return 120 + products / (FLOPS * threads) + size.matrix / 50e6


SPEC = ModelSpec(
    grid=MultilinearGrid,
    position=95,
    rank=65,
    order=_order,
    axis="components",
    formulas={
        "search": Formulas(
            memory=lambda s: 7.5 * s.square + 300 * MB,
            seconds=lambda s, t: _seconds(s.candidates, s, t),
            threads=linear_algebra_threads,
        ),
        # and what gives the coefficients of a new row: as many numbers a feature as rows, at most
        "fit": Formulas(
            memory=lambda s: 7.5 * s.square + 9.0 * s.training * s.features + 300 * MB,
            seconds=lambda s, t: (
                _seconds(1, s, t) + float(s.training) * s.training_matrix / (FLOPS * t)
            ),
            threads=linear_algebra_threads,
        ),
        "evaluate": Formulas(
            memory=lambda s: (
                300 * MB + 8.0 * s.training * s.features + 10.0 * s.tested * s.training
            ),
            seconds=lambda s, t: 120 + 2.0 * s.tested * s.training_matrix / FLOPS,
        ),
    },
)
