"""The names of the split protocols, what each means, and what each needs of a sheet.

Not how rows are dealt: see `splits`. The Snakefile asks this, so nothing heavy is imported.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from deepfake.names import quoted

ABOUT = {
    "grouped": "People and clips that the sheet links are on one side, whole.",
    "official": "The dataset's own lists say who is in the test. Its validation videos are in "
    "training, from which the folds are cut as everywhere.",
    "identity": "Nobody in the test is in training, neither as a body nor as a face. Fakes that "
    "mix a person of each side are not used.",
    "video": "Whole videos are dealt at random, whoever is in them.",
    "frame": "Frames are dealt at random, as the original experiment did, whoever is in them.",
    "cross": "Training and test hold different {by}s: training {train}, test {test}. People whom "
    "the sheet links are on one side, whole.",
}
AXES = ("dataset", "method", "compression")  # what `cross` can go by: columns of the sheet
SIDES = ("train", "test")

Row = dict[str, str]


def told(protocol: str, cross: dict | None = None) -> str:
    """What a protocol is, in a sentence or two for a page."""
    if protocol != "cross" or not cross:
        return ABOUT[protocol]
    sides = {side: ", ".join(cross[side]) for side in SIDES}
    return ABOUT[protocol].format(by=cross["by"], **sides)


def problems(protocol: str, rows: Sequence[Row], cross: dict | None = None) -> list[str]:
    """What a sheet lacks for a protocol, a line each with the remedy; mostly nothing.

    Args:
        rows: of the sheet or of the matrix.
        cross: `by` and the values of each side, for the protocol of that name.
    """
    if protocol == "official" and not any(row.get("official") for row in rows):
        return [
            "official split: no video of the sheet has a part (train, val, test) in its column "
            "official; scan a dataset with lists of its own, or take another protocol"
        ]
    return _unknown(rows, cross) if protocol == "cross" and cross else []


def _unknown(rows: Sequence[Row], cross: dict) -> list[str]:
    by = cross["by"]
    known = sorted({row.get(by, "") for row in rows} - {""})
    found = []
    for side in SIDES:
        for number, value in enumerate(cross[side]):
            if value not in known:
                near = difflib.get_close_matches(value, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                hint = hint if known else f"its column {by} is empty"
                found.append(
                    f"split.cross.{side}[{number}]: {quoted(value)} is no {by} of the sheet; {hint}"
                )
    return found
