"""The splits of `snakemake transfer`: each value of a column is left out of training once.

Which values there are, the name of the split of each, and what a sheet cannot hold out. `sides`
assigns the rows, as by the protocol cross. The Snakefile imports this: nothing heavy is imported.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from deepfake.core.row import Row
from deepfake.core.schema import Section, key
from deepfake.splits import protocols

NAMED = "transfer-"  # how the name of each of these splits begins
LONGEST = 40  # letters of a value in it


class Transfer(Section):
    """What `snakemake transfer` leaves out of training."""

    by: Literal[protocols.AXES] = key(
        "method", "column of the sheet of which each value is left out of training once", "transfer"
    )


def splits(rows: Sequence[Row], by: str, k: int) -> dict[str, dict]:
    """The split of each value that a sheet has in a column, by its name, in order of the values.

    Args:
        rows: of the sheet. by: the column, one of `protocols.AXES`. k: folds of the training.

    Returns:
        By name `cross`, the sides as the protocol cross has them (by, train, test), and `reason`,
        why the sheet cannot hold this value out, "" where it can.
    """
    values = sorted({row.get(by, "") for row in rows if not protocols.of_both(row, by)} - {""})
    found = {}
    for name, value in _names(values).items():
        others = [other for other in values if other != value]
        cross = {"by": by, "train": others, "test": [value]}
        found[name] = {"cross": cross, "reason": _lacks(rows, cross, k)}
    return found


def _names(values: Sequence[str]) -> dict[str, str]:
    """Values by the name of their split, which a path and a wildcard can hold."""
    plain = {value: re.sub("[^a-z0-9]+", "-", value.lower()).strip("-") for value in values}
    short = {value: name[:LONGEST].strip("-") for value, name in plain.items()}
    alike = Counter(short.values())
    found = {}
    for value, name in short.items():
        if not name or alike[name] > 1:
            digest = hashlib.sha256(value.encode(errors="surrogateescape")).hexdigest()[:8]
            name = f"{name}-{digest}".strip("-")
        found[NAMED + name] = value
    return found


def _lacks(rows: Sequence[Row], cross: Mapping, k: int) -> str:
    """Why a sheet cannot hold a value out, or "".

    It counts groups, which are assigned whole: a test needs one with each class, and each fold of
    the training too. That there are enough does not promise that they can be dealt so.
    """
    by = cross["by"]
    if not cross["train"]:
        return f"the sheet has no other {by} to train on"
    for label in ("fake", "real"):
        groups = {
            side: {
                row["group_id"]
                for row in rows
                if row["label"] == label and protocols.fits(row, by, cross[side])
            }
            for side in protocols.SIDES
        }
        train, test = groups["train"], groups["test"]
        if not test:
            return f"no {label} video can be in its test"
        if len(train) < k:
            return f"{_groups(train)} with a {label} video cannot fill {k} folds of a training"
        if len(train | test) < k + 1:
            return (
                f"{_groups(train | test)} with a {label} video cannot fill its test and {k} folds "
                "of a training"
            )
    return ""


def _groups(found: Iterable[str]) -> str:
    count = len(set(found))
    return f"{count} group{'s' if count != 1 else ''}"
