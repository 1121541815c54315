"""The average of other models as a run sees it; its mathematics: `models.average`."""

from __future__ import annotations

from deepfake.core.schema import Section, Words, key
from deepfake.models.job_size import MB
from deepfake.models.model_spec import Formulas, ModelSpec


class Average(Section):
    """The models whose probabilities are averaged."""

    members: Words = key(
        [], "models whose calibrated probabilities are averaged; none: all of the sweep", "average"
    )


SPEC = ModelSpec(
    grid=Average,
    position=100,
    rank=100,
    order=lambda c: len(c["members"]),
    axis="members",
    combines=True,
    formulas={
        "search": Formulas(
            memory=lambda s: 250 * MB + s.trees * s.training * 26,
            seconds=lambda s, t: 120 + s.trees * s.training / 2e6,
        ),
    },
)
