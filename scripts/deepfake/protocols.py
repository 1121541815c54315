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
MIXING = ("frame", "video")  # whoever is in them

# The ablation of the leak: splits like equal-frame, of a kind and a protocol. The labels are
# shuffled where a model can know a test row's video, and where it cannot.
EQUAL, SHUFFLED = "equal", "shuffled"
COMPARED = {EQUAL: ("frame", "video", "grouped", "official"), SHUFFLED: ("frame", "grouped")}
UNITS = {"grouped": ("group_id", "groups"), "video": ("video_id", "videos")}

Row = dict[str, str]


def told(protocol: str, cross: dict | None = None) -> str:
    """What a protocol is, in a sentence or two for a page."""
    if protocol != "cross" or not cross:
        return ABOUT[protocol]
    sides = {side: ", ".join(cross[side]) for side in SIDES}
    return ABOUT[protocol].format(by=cross["by"], **sides)


def apart(names: Sequence[str]) -> list[str]:
    """Of some protocols those that hold people apart by design; all where none does."""
    return [name for name in names if name not in MIXING] or list(names)


def parted(name: str) -> tuple[str, str]:
    """Kind and protocol of a split of the ablation; the kind is "" for every other split."""
    kind, _, protocol = name.rpartition("-")
    return kind, protocol


def leakage(rows: Sequence[Row], k: int) -> dict[str, str]:
    """The splits of the ablation, and why one cannot be made of a sheet; mostly "".

    Args:
        rows: of the sheet. k: folds.
    """
    return {
        f"{kind}-{protocol}": _impossible(protocol, rows, k)
        for kind, compared in COMPARED.items()
        for protocol in compared
    }


def _impossible(protocol: str, rows: Sequence[Row], k: int) -> str:
    if lacking := problems(protocol, rows):
        return "; ".join(lacking)
    if protocol == "official":
        parts = {row.get("official", "") for row in rows}
        missing = [] if "test" in parts else ["test"]
        missing += [] if parts & {"train", "val"} else ["train or val"]
        return f"official split: no video has the part {' or '.join(missing)}" if missing else ""
    if protocol in UNITS:
        column, units = UNITS[protocol]
        count = len({row[column] for row in rows})
        if count < k + 1:
            return f"{protocol} split: {count} {units} cannot fill a test set and {k} folds"
    return ""


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
