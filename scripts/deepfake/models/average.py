"""The average of other models' probabilities, each calibrated on rows that it did not learn from.

Nothing is fitted but what its members were. It holds all their arrays and settings, under their
names, so that its bundle needs no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.tables import Table
from deepfake.evaluation import calibration
from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import registry as models
from deepfake.models.registry import Fitted

THRESHOLD = 0.5


def out_of_fold(members: Mapping[str, Sequence[dict]]) -> Table:
    """The score of each training row by an average that did not learn from its fold.

    A member's scores of a fold become probabilities by what the other folds teach of them.

    Args:
        members: by member, the rows of its out-of-fold table.

    Raises:
        ValueError: the members' tables are not of the same rows.
    """
    found = {name: tables.of(table) for name, table in members.items()}
    first, *others = found.values()
    for name in ("row", "fold"):
        if any(not np.array_equal(one.column(name), first.column(name)) for one in others):
            raise ValueError(f"the folds of {', '.join(found)} are not the same rows")
    mean = np.mean([_by_the_other_folds(found[name]) for name in sorted(found)], axis=0)
    return first.with_columns(score=mean)


def _by_the_other_folds(table: Table) -> np.ndarray:
    """A member's probability of each row, float64 (rows,)."""
    fold_of, scores = table.column("fold"), table.floats("score")
    found = np.empty(len(table))
    for fold in sorted(set(fold_of)):
        inside = fold_of == fold
        fitted = calibration.fit_on_folds(table.at(~inside))
        found[inside] = calibration.probability(fitted, scores[inside])
    return found


def join(members: Mapping[str, tuple[Fitted, dict]]) -> Fitted:
    """The average of fitted models, each with its calibration, by their names."""
    arrays: dict[str, np.ndarray] = {}
    settings: dict[str, float] = {}
    for name, (fitted, calibrated) in sorted(members.items()):
        arrays |= {f"{name}.{key}": array for key, array in fitted.arrays.items()}
        settings |= {f"{name}.{key}": value for key, value in fitted.settings.items()}
        settings |= {f"{name}.calibration.{key}": calibrated[key] for key in ("slope", "intercept")}
    return Fitted(
        "average",
        {"members": {name: members[name][0].candidate for name in sorted(members)}},
        arrays,
        settings,
        THRESHOLD,
        any(fitted.contains_training_images for fitted, _ in members.values()),
    )


def unfinished(records: Mapping[str, dict]) -> str:
    """Which members' fits did not finish and why, or ""; records: of their bundles, by name."""
    return "; ".join(
        f"{name}: {note}"
        for name, record in sorted(records.items())
        if (note := record["search"].get("note"))
    )


SHARED = ("preprocessing", "features", "training", "domain")


def facts(records: Sequence[dict]) -> dict:
    """What the members' bundles say alike of their training, and the versions of all.

    Args:
        records: of bundle.json.

    Raises:
        ValueError: they were not trained on the same rows of the same features.
    """
    first, *others = records
    for other in others:
        for name in SHARED:
            if other[name] != first[name]:
                raise ValueError(f"{first['model']} and {other['model']} differ in their {name}")
    versions = {name: version for record in records for name, version in record["versions"].items()}
    return {name: first[name] for name in SHARED} | {"versions": versions}


def member(average: Fitted, name: str) -> tuple[Fitted, dict]:
    """One of the models that were joined, and its calibration."""
    arrays, settings = (
        {key.removeprefix(f"{name}."): value for key, value in some.items()
         if key.startswith(f"{name}.")}
        for some in (average.arrays, average.settings)
    )  # fmt: skip
    calibrated = {key: settings.pop(f"calibration.{key}") for key in ("slope", "intercept")}
    return Fitted(name, average.candidate["members"][name], arrays, settings), calibrated


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Mean of the members' P(fake), float64 (n,)."""
    chances = []
    for name in sorted(fitted.candidate["members"]):
        one, calibrated = member(fitted, name)
        chances.append(calibration.probability(calibrated, models.decide(one, matrix)))
    return np.mean(chances, axis=0)
