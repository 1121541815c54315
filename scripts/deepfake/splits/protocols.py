"""The split protocols: their names, what each means, and what each needs of a sheet.

The Snakefile imports this, so nothing heavy is imported.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from deepfake.core.filenames import quoted
from deepfake.core.row import Row

ABOUT = {
    "grouped": "People and clips that the sheet links are on one side.",
    "official": "The dataset's own lists define the test. Its validation videos are in training, "
    "from which the folds are cut as in every protocol.",
    "identity": "No person of the test is in training, neither as a body nor as a face. Fakes that "
    "mix people of both sides are not used.",
    "video": "Whole videos are assigned at random, regardless of the people in them.",
    "frame": "Frames are assigned at random, as in the original experiment, regardless of the "
    "people in them.",
    "cross": "Training and test hold different {by}s: training {train}, test {test}. People that "
    "the sheet links are on one side.",
}
AXES = ("dataset", "method", "compression")  # columns of the sheet for `cross`
SIDES = ("train", "test")
MIXING = ("frame", "video")  # people may be on both sides

# The leakage ablation: splits like equal-frame, of a kind and a protocol. Labels are shuffled where
# a model can recognise a test row's video, and where it cannot.
EQUAL, SHUFFLED = "equal", "shuffled"
PLAIN = "plain"  # the kind of a protocol's split without its training copies: plain-grouped
COMPARED = {EQUAL: ("frame", "video", "grouped", "official"), SHUFFLED: ("frame", "grouped")}
UNITS = {"grouped": ("group_id", "groups"), "video": ("video_id", "videos")}


def describe(protocol: str, cross: dict | None = None) -> str:
    """The description of a protocol, or of a split that leaves one out, for a page."""
    if not cross or (protocol in ABOUT and protocol != "cross"):
        return ABOUT[protocol]
    sides = {side: ", ".join(cross[side]) for side in SIDES}
    return ABOUT["cross"].format(by=cross["by"], **sides)


def person_disjoint(names: Sequence[str]) -> list[str]:
    """The person-disjoint protocols among some; all if there is none."""
    return [name for name in names if name not in MIXING] or list(names)


def split_name(name: str) -> tuple[str, str]:
    """Kind and protocol of a split; the kind is "" where it is the protocol's own."""
    kind, dash, protocol = name.partition("-")
    return (kind, protocol) if dash else ("", name)


def fits(row: Row, by: str, values: Sequence[str]) -> bool:
    """Whether a row can be on the side that has these values of a column."""
    return row.get(by, "") in values or of_both(row, by)


def of_both(row: Row, by: str) -> bool:
    """Whether a row can be on any side, whatever it has in a column: a real video has no method."""
    return by == "method" and row["label"] == "real"


def leakage(rows: Sequence[Row], k: int) -> dict[str, str]:
    """The splits of the ablation, and why one cannot be made from a sheet; mostly "".

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
    """What a sheet lacks for a protocol, a line each with the remedy; mostly empty.

    Args:
        rows: of the sheet or of the matrix.
        cross: `by` and the values of each side, for the protocol of that name.
    """
    if protocol == "official" and not any(row.get("official") for row in rows):
        return [
            "official split: no video of the sheet has a part (train, val, test) in its column "
            "official; scan a dataset with its own lists, or use another protocol"
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
