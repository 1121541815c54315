"""All perturbations, found by their files: a module in this folder is one more of them.

The Snakefile reads this, so nothing heavy is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from deepfake.preprocessing import perturbations
from deepfake.preprocessing.perturbations.record import Perturbation

_NO_PERTURBATIONS = ("record", "registry")


def _found() -> dict[str, Perturbation]:
    records = []
    for module in pkgutil.iter_modules(perturbations.__path__):
        if module.name not in _NO_PERTURBATIONS:
            record = importlib.import_module(f"{perturbations.__name__}.{module.name}").PERTURBATION
            if record.name != module.name:
                raise ValueError(f"{module.name}.py names its perturbation {record.name}")
            records.append(record)
    return {one.name: one for one in sorted(records, key=lambda one: (one.position, one.name))}


ALL = _found()  # by name, in the order of tables


def requested(settings: Mapping) -> list[tuple[str, float]]:
    """Name and strength of every perturbation that a configuration asks for.

    Args:
        settings: of the section `robustness`, by name.
    """
    return [
        (name, strength)
        for name, record in ALL.items()
        for strength in record.strengths(settings[name])
    ]


def modules(settings: Mapping) -> list[str]:
    """The library modules of the perturbations that a configuration asks for."""
    names = dict.fromkeys(name for name, _ in requested(settings))
    return [f"preprocessing.perturbations.{name}" for name in names]
