"""Who is in training, who is in the test, who is in which fold. Whether anything leaks: `audit`.

What each protocol means is told in `protocols.ABOUT`; this package deals the rows by it:

    grouped, video, frame       whole groups, videos or single rows, by a share: `dealing`
    official, identity, cross   sides that a list, the people or a column decide: `sides`
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from deepfake import protocols
from deepfake.splits import dealing, sides
from deepfake.splits.dealing import UNUSED, Row, SplitError, Wanted

__all__ = ["COLUMNS", "PROTOCOLS", "SplitError", "make", "unused"]

COLUMNS = ("row", "video_id", "frame", "part", "fold", "reason")
THINNED = "thinned by split.rows.every"
PROTOCOLS: dict[str, Callable[[Sequence[Row], Wanted], tuple[np.ndarray, list[str]]]] = {
    "grouped": dealing.grouped,
    "official": sides.official,
    "identity": sides.identity,
    "video": dealing.video,
    "frame": dealing.frame,
    "cross": sides.cross,
}


def make(
    rows: Sequence[Row],
    protocol: str,
    *,
    test_size: float,
    k: int,
    shuffle: bool,
    every: int,
    seed: int,
    cross: dict | None = None,
) -> list[dict]:
    """Assign each row of the matrix to a part and, in training, to a fold.

    Args:
        rows: rows of the matrix, in order, with label, group_id and method.
        protocol: one of PROTOCOLS.
        test_size: share of the rows in the test, where the protocol leaves a choice.
        k, shuffle: the folds inside training.
        every: keep one row in so many of each class; the others have part "unused".
        seed: of the shuffles.
        cross: `by`, `train` and `test` of the protocol cross.

    Returns:
        One dict a row: row, video_id, frame, part ("train", "test", "unused"), fold (0 to k-1
        in training, else ""), reason (why it is unused, else "").

    Raises:
        SplitError: too few groups or rows, a part without one of the classes, or a sheet that
            lacks what the protocol needs.
    """
    used = _subset(rows, every)
    labels = [rows[index]["label"] for index in used]
    if len(set(labels)) < 2:
        raise SplitError(f"every face is {labels[0] if labels else 'missing'}; need both classes")
    mine = [rows[i] for i in used]
    if lacking := protocols.problems(protocol, mine, cross):
        raise SplitError("\n".join(lacking))
    folds, reasons = PROTOCOLS[protocol](mine, Wanted(test_size, k, shuffle, seed, cross))
    placed = dict(zip(used, zip(folds, reasons, strict=True), strict=True))
    result = []
    for index, row in enumerate(rows):
        fold, reason = placed.get(index, (UNUSED, THINNED))
        part = "unused" if fold == UNUSED else "test" if fold < 0 else "train"
        result.append(
            {
                "row": index,
                "video_id": row["video_id"],
                "frame": row["frame"],
                "part": part,
                "fold": int(fold) if part == "train" else "",
                "reason": reason if part == "unused" else "",
            }
        )
    _check_classes(rows, result, protocol, k)
    return result


def unused(split: Sequence[dict]) -> list[dict]:
    """Why rows are in no part: reason, rows and videos of each, by reason."""
    rows = Counter(cut["reason"] for cut in split if cut["part"] == "unused")
    videos = Counter(
        reason
        for reason, _ in {(c["reason"], c["video_id"]) for c in split if c["part"] == "unused"}
    )
    return [{"reason": name, "rows": rows[name], "videos": videos[name]} for name in sorted(rows)]


def _subset(rows: Sequence[Row], every: int) -> list[int]:
    """Row numbers used, fakes first: the order that the original's split depends on."""
    by_label = [
        [i for i, row in enumerate(rows) if row["label"] == name] for name in ("fake", "real")
    ]
    return [index for numbers in by_label for index in numbers[::every]]


def _check_classes(rows: Sequence[Row], result: list[dict], protocol: str, k: int) -> None:
    """Both classes in the test and in each fold, or a clear refusal."""
    seen: dict[object, set[str]] = {"test": set(), **{fold: set() for fold in range(k)}}
    for row, assigned in zip(rows, result, strict=True):
        if assigned["part"] != "unused":
            place = assigned["fold"] if assigned["part"] == "train" else "test"
            seen[place].add(row["label"])
    for place, labels in seen.items():
        missing = {"real", "fake"} - labels
        if missing:
            where = "the test set" if place == "test" else f"fold {place}"
            raise SplitError(
                f"{protocol} split: {where} has no {' and no '.join(sorted(missing))} face; "
                "use fewer folds, another seed or more videos"
            )
