"""The network MesoNet as a run sees it; its mathematics: `models.mesonet`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deepfake.core.schema import Count, NotBool, Positive, Section, grid, key
from deepfake.models.job_size import MB
from deepfake.models.model_spec import Formulas, ModelSpec


class MesonetGrid(Section):
    """Settings of the neural network MesoNet to try."""

    epochs: grid(Count) = key(
        [20], "epochs; the most are trained once, and fewer scored on the way", "train"
    )
    batch_size: grid(Count) = key([32], "faces of a step", "train")
    learning_rate: grid(Positive) = key([1e-3], "of Adam", "train")
    augment: grid(bool) = key([True], "faces changed a little in each epoch", "train")
    side: grid(Annotated[int, Field(ge=32, le=512, multiple_of=32), NotBool]) = key(
        [128], "side that faces are shrunk to, in steps of 32 (the paper: 256)", "train"
    )


SPEC = ModelSpec(
    grid=MesonetGrid,
    position=40,
    rank=90,
    order=lambda c: (c["epochs"], c["side"], c["augment"], -c["batch_size"], c["learning_rate"]),
    axis="epochs",
    prefix="epochs",
    pixels_only=True,
    search_rule="train",
    formulas={
        # TensorFlow, the layers' values for a step, and lines of all faces while they are shrunk
        "search": Formulas(
            memory=lambda s: (
                1150 * MB + 500 * s.batch * s.side**2 + 4 * s.line + 80 * s.rows * s.side
            ),
            # three times the 6e-7 s a pixel that a thread took
            seconds=lambda s, t: 120 + s.matrix / 10e6 + 2e-6 * s.shown / t,
            threads=lambda s: min(4, 1 + int(s.shown // 1e9)),  # a fifth of a step takes one
        ),
        "evaluate": Formulas(
            memory=lambda s: 250 * MB + 500 * s.side**2 + 4 * s.line + 80 * s.rows * s.side,
            seconds=lambda s, t: 120 + s.matrix / 10e6 + 2e-6 * s.tested * s.side**2,
        ),
    },
)
