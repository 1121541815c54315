"""The candidates of a sweep: every combination of a grid, and how they are dealt to jobs.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

Candidate = dict[str, Any]

_KERNELS = ("linear", "rbf", "poly")
_SCALINGS = ("none", "standard")
_INTERCEPTS = ("penalised", "free")
_CRITERIA = ("gini", "entropy")
WIDEST = 5000  # columns of a feature set that the models of NARROW take: they hold it whole
NARROW = ("lda", "qda", "knn")


def candidates(model: str, grid: dict[str, list]) -> list[Candidate]:
    """Every combination of a grid, the simpler before the less simple: ties go to the first.

    Args:
        model: its name.
        grid: a list of values for each setting.
    """
    if model == "average":
        return [dict(grid)]  # its members are one setting, and chosen already
    names = list(grid)
    found: list[Candidate] = []
    for values in itertools.product(*grid.values()):
        candidate = dict(zip(names, values, strict=True))
        if candidate.get("kernel") == "linear":
            candidate.pop("gamma")  # a linear kernel has none
        if not any(_same(candidate, other) for other in found):
            found.append(candidate)
    return sorted(found, key=_SIMPLICITY[model])


def _same(one: Candidate, other: Candidate) -> bool:
    """Equal in values and types: max_features 1 is one feature, 1.0 is all of them."""
    return one == other and [*map(type, one.values())] == [*map(type, other.values())]


def _number(value: Any) -> tuple[bool, float, str]:
    """Words before numbers, numbers ascending."""
    return (True, value, "") if isinstance(value, int | float) else (False, 0, str(value))


_SIMPLICITY = {
    "svm": lambda c: (
        _KERNELS.index(c["kernel"]),
        _SCALINGS.index(c["scaling"]),
        c["C"],
        _number(c.get("gamma", "")),
    ),
    "logistic": lambda c: (
        _SCALINGS.index(c["scaling"]),
        _INTERCEPTS.index(c["intercept"]),
        c["C"],
    ),
    "forest": lambda c: (
        c["n_estimators"],
        -c["min_samples_leaf"],
        -c["min_samples_split"],
        c["max_depth"] or math.inf,
        _CRITERIA.index(c["criterion"]),
        _number(c["max_features"]),
        c["class_weight"] or "",
    ),
    "mesonet": lambda c: (
        c["epochs"],
        c["side"],
        c["augment"],
        -c["batch_size"],
        c["learning_rate"],
    ),
    "ridge": lambda c: (_SCALINGS.index(c["scaling"]), -c["alpha"]),
    "elasticnet": lambda c: (c["C"], -c["l1_ratio"]),
    "lda": lambda c: (c["shrinkage"] != "auto", -_number(c["shrinkage"])[1]),
    "qda": lambda c: -c["reg_param"],
    "knn": lambda c: -c["n_neighbors"],
    "average": lambda c: len(c["members"]),
}
MODELS = tuple(_SIMPLICITY)
# A grid over this setting is scored on the way to its largest value.
_PREFIXES = {"forest": "n_estimators", "mesonet": "epochs"}


def chunks(model: str, found: list[Candidate], per_job: int) -> list[list[int]]:
    """Positions of the candidates of each job.

    Candidates of one scaling share a Gram matrix: up to `per_job` of them make a job. Forests that
    differ only in their number of trees are one forest, and networks that differ only in their
    epochs one training: always one job. An average is not searched.
    """
    if model == "average":
        return []
    families: dict[tuple, list[int]] = {}
    for position, candidate in enumerate(found):
        if model in _PREFIXES:
            apart = [v for k, v in sorted(candidate.items()) if k != _PREFIXES[model]]
        else:
            apart = [candidate.get("scaling")]
        families.setdefault(tuple(map(str, apart)), []).append(position)
    size = len(found) if model in _PREFIXES else per_job
    return [
        members[first : first + size]
        for members in families.values()
        for first in range(0, len(members), size)
    ]


def scalings(found: list[Candidate]) -> list[str]:
    """The scalings whose Gram matrices these candidates need; perhaps none."""
    return sorted({candidate["scaling"] for candidate in found if "scaling" in candidate})


def takes(model: str, features: str) -> bool:
    """Whether a model is swept over a feature set; what could not be at all is refused."""
    return model != "mesonet" or features == "pixels"  # a network sees pictures
