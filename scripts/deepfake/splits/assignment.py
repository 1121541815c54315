"""Assign rows to training, test and folds. `leak_audit` checks the result.

`protocols.ABOUT` describes each protocol; the modules assign the rows:

    grouped, video, frame       whole groups, videos or single rows, by a share: `dealing`
    official, identity, cross   sides decided by a list, the people or a column: `sides`
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.row import Row
from deepfake.core.tables import Table
from deepfake.dataset import grouping
from deepfake.splits import dealing, parts, protocols, sides
from deepfake.splits.dealing import TEST, UNUSED, Dealt, SplitError, SplitSettings

__all__ = ["COLUMNS", "PROTOCOLS", "SplitError", "make", "unused"]

COLUMNS = ("row", "video_id", "frame", "part", "fold", "reason")
# columns that protocols use
SPLIT_BY = ("video_id", "label", "group_id", "official", *grouping.NAMES, *protocols.AXES)
THINNED = "thinned by split.rows.every"
UNPAIRED = "its original is not in training (split.paired)"
COPY = "a training copy of a face that is not in training"
PLAIN = "left out to compare with a training without copies"
NOT_IN_BASE = "not in the base variant, whose split the others follow"
PROTOCOLS: dict[str, Callable[[Table, SplitSettings], Dealt]] = {
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
) -> Table:
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
        For each row: row, video_id, frame, part ("train", "test", "unused"), fold (0 to k-1
        in training, else ""), reason (why it is unused, else "").

    Raises:
        SplitError: too few groups or rows, a part without one of the classes, or a sheet that
            lacks what the protocol needs.
    """
    every_row = tables.of(rows)
    rows = every_row.at(~parts.copies(every_row))
    used = _subset(rows, every)
    used_rows = rows.only(*SPLIT_BY).at(used)
    labels = sorted(set(used_rows.column("label", "")))
    if len(labels) < 2:
        raise SplitError(f"every face is {labels[0] if labels else 'missing'}; need both classes")
    kinds, _ = used_rows.distinct("official", *protocols.AXES)
    if lacking := protocols.problems(protocol, used_rows.at(kinds), cross):
        raise SplitError("\n".join(lacking))
    fold, reason = np.full(len(rows), UNUSED), np.full(len(rows), THINNED, object)
    fold[used], reason[used] = PROTOCOLS["cross" if cross else protocol](
        used_rows, SplitSettings(test_size, k, shuffle, seed, cross)
    )
    return _finished(every_row, fold, reason, protocol, k, paired)


def like(
    base: Sequence[Row],
    rows: Sequence[Row],
    protocol: str,
    *,
    k: int,
    every: int,
    paired: bool = False,
    **_dealt: object,
) -> Table:
    """Assign the rows of a variant as the base variant's are, so that differences are paired.

    A video whose rows are all in one part and fold there has the same here. Of another, as in the
    protocol frame, each frame has its own part. What the base does not have is in no part.

    Args:
        base: the split of the base variant, as `make` gave it or as strings.
        rows, protocol, k, every, paired: as in `make`.

    Returns, raises:
        As `make`.
    """
    every_row = tables.of(rows)
    rows = every_row.at(~parts.copies(every_row))
    fold, reason = np.full(len(rows), UNUSED), np.full(len(rows), THINNED, object)
    used = _subset(rows, every)
    fold[used], reason[used] = _as_in(tables.of(base), rows.at(used))
    return _finished(every_row, fold, reason, protocol, k, paired)


def _as_in(base: Table, rows: Table) -> Dealt:
    """The folds that rows have in another split: those of the video, or of the frame if several."""
    base = base.at(~np.isin(base.column("reason"), (THINNED, COPY)))
    first, kind = base.distinct("part", "fold", "reason")
    kinds = [(_number(one), one["reason"]) for one in base.at(first)]
    kinds.append((UNUSED, NOT_IN_BASE))
    several, nowhere = -2, -1
    of_video: dict[str, int] = {}
    for video, here in zip(base.column("video_id"), kind.tolist(), strict=True):
        if of_video.setdefault(video, here) != here:
            of_video[video] = several
    frames = base.column("frame").astype(str)
    of_frame = {
        (video, frame): here
        for video, frame, here in zip(base.column("video_id"), frames, kind.tolist(), strict=True)
        if of_video[video] == several
    }
    found = []
    frames = rows.column("frame").astype(str)
    for video, frame in zip(rows.column("video_id"), frames, strict=True):
        here = of_video.get(video, nowhere)
        found.append(of_frame.get((video, frame), nowhere) if here == several else here)
    reasons = np.empty(len(kinds), object)
    reasons[:] = [reason for _, reason in kinds]
    return np.array([fold for fold, _ in kinds])[found], reasons[found]


def _number(cut: Row) -> int:
    """The fold of a line of a split, TEST or UNUSED."""
    return int(cut["fold"]) if cut["part"] == "train" else TEST if cut["part"] == "test" else UNUSED


def _finished(
    every_row: Table, fold: np.ndarray, reason: np.ndarray, protocol: str, k: int, paired: bool
) -> Table:
    """The split, with what is unpaired left out and with its copies, if it has both classes.

    Args:
        fold, reason: of the faces themselves.
    """
    copied = parts.copies(every_row)
    rows = every_row.at(~copied)
    if paired:
        unpaired = _unpaired(rows, fold >= 0)
        fold[unpaired], reason[unpaired] = UNUSED, UNPAIRED
    _check_classes(rows, fold, protocol, k)
    if copied.any():
        of_copies = fold[_faces_of(rows, every_row.at(copied))]
        fold = np.concatenate([fold, np.where(of_copies < 0, UNUSED, of_copies)])
        reason = np.concatenate([reason, np.full(len(of_copies), COPY, object)])
    part = np.where(fold >= 0, "train", np.where(fold == UNUSED, "unused", "test"))
    lines = every_row.only("video_id", "frame").with_columns(
        part=part,
        fold=np.where(fold >= 0, fold.astype(object), ""),
        reason=np.where(fold == UNUSED, reason, ""),
    )
    numbers = Table({"row": np.arange(len(lines), dtype=np.int32)}, len(lines))
    return numbers.beside(lines, *COLUMNS[1:])


def leave_out(split: Sequence[dict], where: np.ndarray, reason: str) -> Table:
    """A split without some rows, bool (n,): they are of no part, for this reason."""
    split = tables.of(split)
    if not where.any():
        return split
    changed = {"part": "unused", "fold": "", "reason": reason}
    return split.with_columns(
        **{name: np.where(where, value, split.column(name)) for name, value in changed.items()}
    )


def unused(split: Sequence[dict]) -> list[dict]:
    """Why rows are in no part: reason, rows and videos of each, by reason."""
    split = tables.of(split)
    left = split.at(split.column("part") == "unused")
    rows = Counter(left.column("reason"))
    videos = Counter(left.at(left.distinct("reason", "video_id")[0]).column("reason"))
    return [{"reason": name, "rows": rows[name], "videos": videos[name]} for name in sorted(rows)]


def _subset(rows: Table, every: int) -> np.ndarray:
    """Row numbers used, fakes first: the order that the original's split depends on."""
    labels = rows.column("label", "")
    return np.concatenate([np.flatnonzero(labels == name)[::every] for name in ("fake", "real")])


def _faces_of(rows: Table, copies: Table) -> np.ndarray:
    """The position of each copy's face among the rows."""
    names = ("video_id", "frame", "face")
    places = {face: n for n, face in enumerate(zip(*map(rows.column, names), strict=True))}
    return np.array([places[face] for face in zip(*map(copies.column, names), strict=True)])


def _unpaired(rows: Table, train: np.ndarray) -> np.ndarray:
    """Fakes of the training, bool (n,), whose original is not in it, or is not known."""
    fake, clips = rows.column("label") == "fake", rows.column("clip_id")
    originals = set(clips[train & ~fake]) - {""}
    return train & fake & np.array([clip not in originals for clip in clips])


def _check_classes(rows: Table, folds: np.ndarray, protocol: str, k: int) -> None:
    """Raise a SplitError unless the test and each fold have both classes."""
    labels = rows.column("label")
    for fold in (TEST, *range(k)):
        missing = {"real", "fake"} - set(labels[folds == fold])
        if missing:
            where = "the test set" if fold == TEST else f"fold {fold}"
            raise SplitError(
                f"{protocol} split: {where} has no {' and no '.join(sorted(missing))} face; "
                "use fewer folds, another seed or more videos"
            )
