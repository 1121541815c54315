"""The candidates of a sweep: every combination of a grid, and how they are dealt to jobs.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

import itertools

from deepfake.features.registry import PIXELS
from deepfake.models.catalogue import SPECS
from deepfake.models.model_spec import Candidate


def candidates(model: str, grid: dict[str, list]) -> list[Candidate]:
    """Every combination of a grid, the simpler before the less simple: ties go to the first.

    Args:
        model: its name.
        grid: a list of values for each setting.
    """
    spec = SPECS[model]
    if spec.combines:
        return [dict(grid)]  # its members are one setting, and chosen already
    found: list[Candidate] = []
    for values in itertools.product(*grid.values()):
        candidate = spec.meaningful(dict(zip(grid, values, strict=True)))
        if not any(_same(candidate, other) for other in found):
            found.append(candidate)
    return sorted(found, key=spec.order)


def _same(one: Candidate, other: Candidate) -> bool:
    """Equal in values and types: max_features 1 is one feature, 1.0 is all of them."""
    return one == other and [*map(type, one.values())] == [*map(type, other.values())]


def chunks(model: str, found: list[Candidate], per_job: int) -> list[list[int]]:
    """Positions of the candidates of each job.

    Candidates of one scaling share a Gram matrix, and those with landmarks need none: up to
    `per_job` of a kind make a job. Forests that
    differ only in their number of trees are one forest, and networks that differ only in their
    epochs one training: always one job. An average is not searched.
    """
    spec = SPECS[model]
    if spec.combines:
        return []
    families: dict[tuple, list[int]] = {}
    for position, candidate in enumerate(found):
        if spec.prefix:
            apart = [value for name, value in sorted(candidate.items()) if name != spec.prefix]
        else:
            apart = [candidate.get("scaling"), "landmarks" in candidate]
        families.setdefault(tuple(map(str, apart)), []).append(position)
    size = len(found) if spec.prefix else per_job
    return [
        members[first : first + size]
        for members in families.values()
        for first in range(0, len(members), size)
    ]


def scalings(found: list[Candidate]) -> list[str]:
    """The scalings whose Gram matrices these candidates need; perhaps none."""
    return sorted({one["scaling"] for one in found if "scaling" in one and "landmarks" not in one})


def takes(model: str, features: str) -> bool:
    """Whether a model is swept over a feature set; what could not be at all is refused."""
    return not SPECS[model].pixels_only or features == PIXELS
