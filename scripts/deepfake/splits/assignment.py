"""Assign rows to training, test and folds. `leak_audit` checks the result.

`protocols.ABOUT` describes each protocol; the modules assign the rows:

    grouped, video, frame       whole groups, videos or single rows, by a share: `dealing`
    official, identity, cross   sides decided by a list, the people or a column: `sides`
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from deepfake.core.tables import Row
from deepfake.splits import dealing, protocols, sides
from deepfake.splits.dealing import UNUSED, SplitError, SplitSettings
from deepfake.splits.parts import is_copy

__all__ = ["COLUMNS", "PROTOCOLS", "SplitError", "make", "unused"]

COLUMNS = ("row", "video_id", "frame", "part", "fold", "reason")
THINNED = "thinned by split.rows.every"
UNPAIRED = "its original is not in training (split.paired)"
COPY = "a training copy of a face that is not in training"
PLAIN = "left out to compare with a training without copies"
NOT_IN_BASE = "not in the base variant, whose split the others follow"
PROTOCOLS: dict[str, Callable[[Sequence[Row], SplitSettings], tuple[np.ndarray, list[str]]]] = {
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
    paired: bool = False,
) -> list[dict]:
    """Assign each row of the matrix to a part and, in training, to a fold.

    A training copy goes with its face: into the same fold, and never into a test.

    Args:
        rows: rows of the matrix, in order, with label, group_id and method; copies last.
        protocol: one of PROTOCOLS, or with `cross` any name.
        test_size: share of the rows in the test, if the protocol does not fix it.
        k, shuffle: the folds inside training.
        every: keep one row in so many of each class; the others have part "unused".
        seed: of the shuffles.
        cross: `by`, `train` and `test` of the protocol cross, and of a split that leaves one out.
        paired: keep a fake in training only if a real video of its clip is in training too; the
            first finding of "GenD" (arXiv 2508.06248).

    Returns:
        One dict a row: row, video_id, frame, part ("train", "test", "unused"), fold (0 to k-1
        in training, else ""), reason (why it is unused, else "").

    Raises:
        SplitError: too few groups or rows, a part without one of the classes, or a sheet that
            lacks what the protocol needs.
    """
    rows, copies = parted(rows)
    used = _subset(rows, every)
    labels = [rows[index]["label"] for index in used]
    if len(set(labels)) < 2:
        raise SplitError(f"every face is {labels[0] if labels else 'missing'}; need both classes")
    used_rows = [rows[i] for i in used]
    if lacking := protocols.problems(protocol, used_rows, cross):
        raise SplitError("\n".join(lacking))
    folds, reasons = PROTOCOLS["cross" if cross else protocol](
        used_rows, SplitSettings(test_size, k, shuffle, seed, cross)
    )
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
    return _finished(rows, result, copies, protocol, k, paired)


def like(
    base: Sequence[Row],
    rows: Sequence[Row],
    protocol: str,
    *,
    k: int,
    every: int,
    paired: bool = False,
    **_dealt: object,
) -> list[dict]:
    """Assign the rows of a variant as the base variant's are, so that differences are paired.

    A video whose rows are all in one part and fold there has the same here. Of another, as in the
    protocol frame, each frame has its own part. What the base does not have is in no part.

    Args:
        base: the split of the base variant, as `make` gave it or as strings.
        rows, protocol, k, every, paired: as in `make`.

    Returns, raises:
        As `make`.
    """
    rows, copies = parted(rows)
    parts_of: dict[object, dict[tuple, None]] = {}
    for cut in base:
        if cut["reason"] not in (THINNED, COPY):
            part = cut["part"], str(cut["fold"]), cut["reason"]
            for place in (cut["video_id"], (cut["video_id"], str(cut["frame"]))):
                parts_of.setdefault(place, {})[part] = None
    used, result = set(_subset(rows, every)), []
    for index, row in enumerate(rows):
        found = parts_of.get(row["video_id"], {})
        if len(found) > 1:
            found = parts_of.get((row["video_id"], str(row["frame"])), {})
        part, fold, reason = next(iter(found), ("unused", "", NOT_IN_BASE))
        if index not in used:
            part, fold, reason = "unused", "", THINNED
        place = {"part": part, "fold": int(fold) if fold else "", "reason": reason}
        line = {"row": index, "video_id": row["video_id"], "frame": row["frame"]}
        result.append(line | place)
    return _finished(rows, result, copies, protocol, k, paired)


def _finished(
    rows: Sequence[Row], result: list[dict], copies: Sequence[Row], protocol: str, k: int,
    paired: bool,
) -> list[dict]:  # fmt: skip
    """The split with what is unpaired left out and with its copies, if it has both classes."""
    if paired:
        _leave_out_unpaired(rows, result)
    _check_classes(rows, result, protocol, k)
    return result + _of_copies(rows, result, copies)


def parted(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows of the faces themselves, which are the first, and those of their training copies."""
    copies = [row for row in rows if is_copy(row)]
    return list(rows[: len(rows) - len(copies)]), copies


def left_out(rows: Sequence[Row], first: int, reason: str) -> list[dict]:
    """Lines of a split for rows of no part, numbered from `first`."""
    return [
        {"row": number, "video_id": row["video_id"], "frame": row["frame"]}
        | {"part": "unused", "fold": "", "reason": reason}
        for number, row in enumerate(rows, start=first)
    ]


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


def _of_copies(rows: Sequence[Row], result: Sequence[dict], copies: Sequence[Row]) -> list[dict]:
    """The lines of the training copies: those of their faces, or of no part."""
    if not copies:
        return []
    names = ("video_id", "frame", "face")
    of_face = {
        tuple(row[name] for name in names): cut for row, cut in zip(rows, result, strict=True)
    }
    found = []
    for number, copy in enumerate(copies, start=len(rows)):
        cut = of_face[tuple(copy[name] for name in names)]
        place = {} if cut["part"] == "train" else {"part": "unused", "reason": COPY}
        found.append({**cut, "row": number, **place})
    return found


def _leave_out_unpaired(rows: Sequence[Row], result: list[dict]) -> None:
    """Take fakes out of training whose original is not in it, or is not known."""
    training = [(row, cut) for row, cut in zip(rows, result, strict=True) if cut["part"] == "train"]
    originals = {row["clip_id"] for row, _ in training if row["label"] == "real"} - {""}
    for row, cut in training:
        if row["label"] == "fake" and row["clip_id"] not in originals:
            cut.update(part="unused", fold="", reason=UNPAIRED)


def _check_classes(rows: Sequence[Row], result: list[dict], protocol: str, k: int) -> None:
    """Raise a SplitError unless the test and each fold have both classes."""
    classes: dict[object, set[str]] = {"test": set(), **{fold: set() for fold in range(k)}}
    for row, assigned in zip(rows, result, strict=True):
        if assigned["part"] != "unused":
            place = assigned["fold"] if assigned["part"] == "train" else "test"
            classes[place].add(row["label"])
    for place, labels in classes.items():
        missing = {"real", "fake"} - labels
        if missing:
            where = "the test set" if place == "test" else f"fold {place}"
            raise SplitError(
                f"{protocol} split: {where} has no {' and no '.join(sorted(missing))} face; "
                "use fewer folds, another seed or more videos"
            )
