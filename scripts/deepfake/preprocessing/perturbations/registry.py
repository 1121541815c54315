"""All perturbations, found by their files: a module in this folder is one more of them.

The Snakefile reads this, so nothing heavy is imported.
"""

from __future__ import annotations

import hashlib
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
    """Name and strength of every perturbation that a configuration names.

    Args:
        settings: of the section `robustness` or `training.copies`, by name.
    """
    return [
        (name, strength)
        for name, record in ALL.items()
        if name in settings
        for strength in record.strengths(settings[name])
    ]


def drawn(
    wanted: list[tuple[str, float]], clip: str, count: int, seed: int
) -> list[tuple[str, float]]:
    """The perturbations of a clip's training copies, in the order of `wanted`.

    Each is ranked by a hash of itself, the clip and the seed, and the first are taken (rendezvous
    hashing). So clips do not depend on each other, a fake has those of its original, and one
    strength more in the configuration changes only the clips that draw it.

    Args:
        wanted: of `requested`. clip: of the original that a video shows.
        count: of the copies; no perturbation is drawn twice.
    """

    def rank(one: tuple[str, float]) -> bytes:
        text = f"{seed}\t{clip}\t{one[0]}\t{one[1]:g}"
        return hashlib.sha256(text.encode()).digest()

    chosen = sorted(wanted, key=rank)[:count]
    return [one for one in wanted if one in chosen]


def modules(settings: Mapping) -> list[str]:
    """The library modules of the perturbations that a configuration names."""
    names = dict.fromkeys(name for name, _ in requested(settings))
    return [f"preprocessing.perturbations.{name}" for name in names]
