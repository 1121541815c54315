"""The keys of the training rows: copies of the faces, made from perturbed clips."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, create_model, model_validator

from deepfake.core.schema import Count, Float, Int, Section, key, several
from deepfake.preprocessing.perturbations import registry

POSSIBLE = {name: one for name, one in registry.ALL.items() if one.box_factor and one.limits}


class _Copies(Section):
    """Copies of each face of the training, from its clip encoded again, scaled or relit.

    None where no strength is named.
    """

    per_face: Count = key(
        1,
        "copies of each training face; each is of another strength, drawn by `seed` for each clip, "
        "so that a fake has those of its original",
        "copies",
    )

    @model_validator(mode="after")
    def _check(self) -> _Copies:
        wanted = self.wanted()
        if len(set(wanted)) != len(wanted):
            raise ValueError("a strength is named twice")
        if wanted and self.per_face > len(wanted):
            raise ValueError(f"per_face is {self.per_face}, but {len(wanted)} strengths are named")
        return self

    def wanted(self) -> list[tuple[str, float]]:
        """Name and strength of every perturbation that copies are drawn from; mostly none."""
        return registry.requested({name: getattr(self, name) for name in POSSIBLE})

    @property
    def count(self) -> int:
        """Copies of each face."""
        return self.per_face if self.wanted() else 0


Copies = create_model(
    "Copies",
    __base__=_Copies,
    **{
        name: (
            several(
                Annotated[Int if one.whole else Float, Field(ge=one.limits[0], le=one.limits[1])]
            ),
            key([], f"training copies: {one.key}", "copies"),
        )
        for name, one in POSSIBLE.items()
    },
)


class TrainingRows(Section):
    """What the training holds beside the faces of its clips."""

    copies: Copies = Copies()
