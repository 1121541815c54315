"""The section `sweep`: a key a model, from the models' records. How they are combined: `sweep`.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

from pydantic import create_model, model_validator

from deepfake.core.schema import Section
from deepfake.models.catalogue import SPECS


class _Sweep(Section):
    """The models to search, each with its grid."""

    @model_validator(mode="after")
    def _check(self) -> _Sweep:
        others = self._searched()
        if not others:
            known = [name for name in type(self).model_fields if not SPECS[name].combines]
            raise ValueError(f"names no model; give at least one of {', '.join(known)}")
        for combined in (name for name in self.names() if SPECS[name].combines):
            members = getattr(self, combined).members or others
            if unknown := [name for name in members if name not in others]:
                raise ValueError(
                    f"{combined}.members names {', '.join(unknown)[:60]}; the sweep has "
                    f"{', '.join(others)}"
                )
            if len(set(members)) < 2 or len(set(members)) != len(members):
                raise ValueError(f"{combined} needs two models or more, each named once")
        return self

    def members(self, combined: str = "average") -> list[str]:
        """The models that a model joins, in a fixed order; none where it is not in the sweep."""
        section = getattr(self, combined)
        if section is None:
            return []
        return [name for name in self._searched() if name in (section.members or [name])]

    def names(self) -> list[str]:
        """The models of this sweep, in a fixed order."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    def _searched(self) -> list[str]:
        return [name for name in self.names() if not SPECS[name].combines]


Sweep = create_model(
    "Sweep", __base__=_Sweep, __doc__=_Sweep.__doc__,
    **{name: (spec.grid | None, None) for name, spec in SPECS.items()},
)  # fmt: skip
