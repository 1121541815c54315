"""The keys of `snakemake robustness`; no result of the run itself depends on them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, create_model, model_validator

from deepfake.core.schema import Float, Int, Section, key, several
from deepfake.preprocessing.perturbations import registry
from deepfake.preprocessing.perturbations.record import Perturbation


class _Robustness(Section):
    """What `snakemake robustness` does to the clips of the test; an empty list leaves it out."""

    @model_validator(mode="after")
    def _check(self) -> _Robustness:
        settings = {name: getattr(self, name) for name in type(self).model_fields}
        for name, strengths in settings.items():
            if isinstance(strengths, list) and len(set(strengths)) != len(strengths):
                raise ValueError(f"{name} names a strength twice")
        if not any(settings.values()):
            raise ValueError("every perturbation is left out: name a strength, or mirror: true")
        return self


def _field(one: Perturbation) -> tuple[Any, Any]:
    """Type and default of a perturbation's key."""
    if one.limits is None:
        return bool, key(one.default, one.key, "robustness")
    low, high = one.limits
    strength = Annotated[Int if one.whole else Float, Field(ge=low, le=high)]
    return several(strength), key(list(one.default), one.key, "robustness")


Robustness = create_model(
    "Robustness",
    __base__=_Robustness,
    **{name: _field(one) for name, one in registry.ALL.items()},
)
