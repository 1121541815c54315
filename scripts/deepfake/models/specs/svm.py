"""Support vector machines as a run sees them; their mathematics: `models.svm`."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from deepfake.core.schema import Count, NumberOrWord, Positive, Section, grid, key
from deepfake.models.job_size import FLOPS, MB, PASSED
from deepfake.models.model_spec import (
    SCALINGS,
    Candidate,
    Formulas,
    ModelSpec,
    linear_algebra_threads,
    number,
)  # fmt: skip

BLOCK = 2**28  # bytes of a block's kernel values: `landmarks.KERNEL_BYTES`
HELD = 2**30  # bytes of rows that are read at once: `landmarks.HELD`
KERNELS = ("linear", "rbf", "poly")  # the simpler first


class SvmGrid(Section):
    """Settings of support vector machines to try."""

    kernel: grid(Literal["linear", "rbf", "poly"]) = key(["rbf"], "kernel", "search")
    C: grid(Positive) = key([1.0], "penalty of a margin error", "search")
    gamma: grid(Annotated[Literal["scale", "auto"] | Positive, NumberOrWord]) = key(
        ["scale"], "width of rbf and poly: 1/(p var), 1/p or a number", "search"
    )
    scaling: grid(Literal["standard", "none"]) = key(
        ["standard"], "pixels standardised by the training rows, or as they are", "gram"
    )
    landmarks: grid(Annotated[Literal["none"] | Count, NumberOrWord]) = key(
        ["none"],
        "training rows that rbf and poly compare rows with, instead of all with each other: an "
        "approximation (Nystroem) for any number of rows; none is exact",
        "search",
    )


def _meaningful(candidate: Candidate) -> Candidate:
    """A linear kernel has no gamma and no landmarks, an exact machine no landmarks."""
    linear = candidate["kernel"] == "linear"
    unused = {"gamma", "landmarks"} if linear else set()
    if candidate.get("landmarks") == "none":
        unused.add("landmarks")
    return {name: value for name, value in candidate.items() if name not in unused}


SPEC = ModelSpec(
    grid=SvmGrid,
    position=10,
    rank=50,
    order=lambda c: (
        KERNELS.index(c["kernel"]),
        SCALINGS.index(c["scaling"]),
        c["C"],
        number(c.get("gamma", "")),
        c.get("landmarks", math.inf),  # exact ones last
    ),
    axis="C",
    in_columns=lambda c: c["kernel"] == "linear" or "landmarks" in c,
    meaningful=_meaningful,
    keeps_training_rows=True,
    formulas={
        "search": Formulas(
            memory=lambda s: 3.8 * s.square + 300 * MB,
            seconds=lambda s, t: 120 + s.candidates * s.training**2 * 5e-7,
            threads=linear_algebra_threads,
        ),
        "columns": Formulas(
            memory=lambda s: s.in_columns,
            # passes over all rows, and Hessians of those near the margin
            seconds=lambda s, t: 120 + s.candidates * (500 * s.a_pass + 6 * s.products / t),
            threads=linear_algebra_threads,
        ),
        "landmarks": Formulas(
            # the training rows and their features, kernel values of a block, products of features
            memory=lambda s: (
                300 * MB
                + min(24.0 * s.training * s.landmarks, 3 * BLOCK)
                + s.training_matrix
                + 1.2 * s.landmarks * s.features
                + 4.0 * s.training * s.landmarks
                + 250.0 * s.training
                + 56.0 * s.landmarks**2
            ),
            seconds=lambda s, t: (
                120
                + 2 * s.matrix / 50e6
                + s.candidates * s.landmarks * s.training_matrix / (FLOPS * t)
                + s.candidates
                * s.training
                * s.landmarks
                * (500 * 4 / PASSED + 6 * s.landmarks / (FLOPS / 4 * t))
            ),
            threads=linear_algebra_threads,
        ),
        "fit": Formulas(  # all rows may be support vectors
            memory=lambda s: 2.8 * s.square + 1.2 * s.training_matrix + 340 * MB,
            seconds=lambda s, t: 120 + s.training**2 * 5e-7 + s.matrix / 50e6,
            threads=linear_algebra_threads,
        ),
        # what new rows are compared with, and products of a block before and after the kernel
        "evaluate": Formulas(
            memory=lambda s: (
                1.2 * s.compared * s.features
                + min(16.0 * s.tested * s.compared, 3 * BLOCK)
                + min(s.tested * s.features, HELD)
                + 400 * MB
            ),
            seconds=lambda s, t: 120 + s.tested * s.compared * s.features / FLOPS,
        ),
    },
)
