"""Who is in training, who is in the test, who is in which fold; and whether anything leaks.

Protocols:
    grouped  no group (people and clips that are linked) on two sides; the default.
    frame    rows at random, as the original experiment did: siblings of nearly every test frame
             are in training. Kept to be compared with, and stamped as leaky.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Row = dict[str, str]

# What two sides must not share, and the columns that name it.
LINKS = {
    "videos": ("video_id",),
    "clips": ("clip_id",),
    "people": ("target_id", "source_id"),
    "groups": ("group_id",),
}
COLUMNS = ("row", "video_id", "frame", "part", "fold")


class SplitError(ValueError):
    """A split that cannot be made, and why."""


def make(
    rows: Sequence[Row],
    protocol: str,
    *,
    test_size: float,
    k: int,
    shuffle: bool,
    every: int,
    seed: int,
) -> list[dict]:
    """Assign each row of the matrix to a part and, in training, to a fold.

    Args:
        rows: rows of the matrix, in order, with label, group_id and method.
        protocol: "grouped" or "frame".
        test_size: share of the rows in the test.
        k, shuffle: the folds inside training.
        every: keep one row in so many of each class; the others have part "unused".
        seed: of the shuffles.

    Returns:
        One dict a row: row, video_id, frame, part ("train", "test", "unused"), fold (0 to k-1
        in training, else "").

    Raises:
        SplitError: too few groups or rows, or a part without one of the classes.
    """
    used = _subset(rows, every)
    labels = [rows[index]["label"] for index in used]
    if len(set(labels)) < 2:
        raise SplitError(f"every face is {labels[0] if labels else 'missing'}; need both classes")
    folds = PROTOCOLS[protocol]([rows[i] for i in used], test_size, k, shuffle, seed)
    parts = dict(zip(used, folds, strict=True))
    result = []
    for index, row in enumerate(rows):
        fold = parts.get(index)
        part = "unused" if fold is None else "test" if fold < 0 else "train"
        result.append(
            {
                "row": index,
                "video_id": row["video_id"],
                "frame": row["frame"],
                "part": part,
                "fold": fold if part == "train" else "",
            }
        )
    _check_classes(rows, result, protocol, k)
    return result


def _subset(rows: Sequence[Row], every: int) -> list[int]:
    """Row numbers used, fakes first: the order that the original's split depends on."""
    by_label = [
        [i for i, row in enumerate(rows) if row["label"] == name] for name in ("fake", "real")
    ]
    return [index for numbers in by_label for index in numbers[::every]]


def _frame(rows: Sequence[Row], test_size: float, k: int, shuffle: bool, seed: int) -> np.ndarray:
    """Fold of each row, -1 in the test: scikit-learn's own split and folds, by row."""
    from sklearn.model_selection import StratifiedKFold, train_test_split

    try:
        train, _ = train_test_split(np.arange(len(rows)), test_size=test_size, random_state=seed)
        folds = np.full(len(rows), -1)
        cutter = StratifiedKFold(k, shuffle=shuffle, random_state=seed if shuffle else None)
        labels = np.array([rows[index]["label"] for index in train])
        for number, (_, held_out) in enumerate(cutter.split(train, labels)):
            folds[train[held_out]] = number
    except ValueError as error:
        raise SplitError(f"frame split of {len(rows)} rows: {error}") from None
    return folds


def _grouped(rows: Sequence[Row], test_size: float, k: int, shuffle: bool, seed: int) -> np.ndarray:
    """Fold of each row, -1 in the test: whole groups, stratified by label and method."""
    groups, group_of = np.unique([row["group_id"] for row in rows], return_inverse=True)
    if len(groups) < k + 1:
        raise SplitError(
            f"grouped split: {len(groups)} groups cannot fill a test set and {k} folds; "
            f"set split.folds.k to {len(groups) - 1} or less, or bring more people"
            if len(groups) > 2
            else f"grouped split: {len(groups)} groups are too few; bring more people"
        )
    strata = [f"{row['label']} {row['method']}" for row in rows]
    names, stratum_of = np.unique(strata, return_inverse=True)
    counts = np.zeros((len(groups), len(names)))
    np.add.at(counts, (group_of, stratum_of), 1)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(groups))
    in_test = np.zeros(len(groups), bool)
    in_test[order] = _partition(counts[order], [1 - test_size, test_size]) == 1
    left = np.flatnonzero(~in_test)
    if len(left) < k or len(left) == len(groups):
        raise SplitError(
            f"grouped split: a test share of {test_size:g} leaves {len(left)} of {len(groups)} "
            f"groups to {k} folds; change split.test_size or split.folds.k"
        )
    if shuffle:
        left = generator.permutation(left)
    folds = np.full(len(groups), -1)
    folds[left] = _partition(counts[left], [1 / k] * k)
    return folds[group_of]


def _partition(counts: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Deal groups to parts so that each part comes near its share of every stratum.

    Large groups first, each to the part that lacks most of it (iterative stratification,
    Sechidis et al. 2011, with groups for examples).

    Args:
        counts: rows of each group and stratum, shape (groups, strata).
        shares: of each part; they sum to 1.

    Returns:
        Part of each group, shape (groups,).
    """
    counts = counts[:, counts.any(axis=0)]  # a stratum may be in none of these groups
    totals = counts.sum(axis=0)
    targets = np.outer(shares, totals)
    have = np.zeros_like(targets)
    part_of = np.empty(len(counts), int)
    for group in np.argsort(-counts.sum(axis=1), kind="stable"):
        lack = ((targets - have) / targets * counts[group] / totals).sum(axis=1)
        part_of[group] = int(np.argmax(np.round(lack, 12)))
        have[part_of[group]] += counts[group]
    return part_of


PROTOCOLS: dict[str, Callable[..., np.ndarray]] = {"grouped": _grouped, "frame": _frame}


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


def audit(rows: Sequence[Row], split: Sequence[dict]) -> dict:
    """What training and test share, and what the folds share.

    Returns:
        Counts of rows, videos and groups a part; for "test" and "folds": shared videos, clips,
        people and groups, and the share of held-out rows with a frame of the same video on the
        other side; `leaky`, true where anything is shared; and `unlinked_fakes`, fake videos of
        unknown people, where no audit can see a leak.
    """
    train = [r for r, s in zip(rows, split, strict=True) if s["part"] == "train"]
    test = [r for r, s in zip(rows, split, strict=True) if s["part"] == "test"]
    folds: dict[int, list[Row]] = {}
    for row, assigned in zip(rows, split, strict=True):
        if assigned["part"] == "train":
            folds.setdefault(int(assigned["fold"]), []).append(row)
    between = []
    for number, held_out in sorted(folds.items()):
        others = [row for other, mine in folds.items() if other != number for row in mine]
        between.append(_shared(others, held_out))
    found = {
        "parts": {name: _count(part) for name, part in (("train", train), ("test", test))},
        "test": _shared(train, test),
        "folds": {key: max(shared[key] for shared in between) for key in between[0]},
    }
    leaks = [found[where][key] for where in ("test", "folds") for key in found[where]]
    return found | {"leaky": any(leaks), "unlinked_fakes": _unlinked(rows)}


def _unlinked(rows: Sequence[Row]) -> int:
    """Fake videos of which nobody said whose body and face they show: they may leak unseen."""
    fakes = [row for row in rows if row["label"] == "fake"]
    return len({r["video_id"] for r in fakes if not (r.get("target_id") or r.get("source_id"))})


def _count(rows: Sequence[Row]) -> dict:
    counts = {key: len({row[key] for row in rows}) for key in ("video_id", "group_id")}
    fakes = sum(row["label"] == "fake" for row in rows)
    return {
        "rows": len(rows),
        "fake": fakes,
        "real": len(rows) - fakes,
        "videos": counts["video_id"],
        "groups": counts["group_id"],
    }


def _shared(one: Sequence[Row], other: Sequence[Row]) -> dict:
    """What two sides share; the last entry is the share of `other`'s rows with a sibling."""
    shared = {}
    for name, keys in LINKS.items():
        sides = [{row.get(key, "") for row in side for key in keys} - {""} for side in (one, other)]
        shared[name] = len(sides[0] & sides[1])
    videos = {row["video_id"] for row in one}
    siblings = sum(row["video_id"] in videos for row in other)
    return shared | {"rows_with_sibling": round(siblings / max(1, len(other)), 6)}
