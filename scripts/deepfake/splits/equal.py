"""Splits for the leakage ablation: training sets of one size, or shuffled labels.

Scores then differ because of the split, not because of the amount of training data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from deepfake.core.tables import Row
from deepfake.splits import assignment, protocols
from deepfake.splits.dealing import SplitError

CUT = "reduced to the size of the smallest training set"
NO_COPIES = "training copies take no part in the leakage ablation"
DRAWS = 50  # of shuffled labels, of which the first that fills every fold is taken
WHOLE = {"grouped": "group_id", "official": "group_id", "video": "video_id"}  # as its split is

Split = list[dict]


def make(
    rows: Sequence[Row], names: Sequence[str], seed: int, **settings
) -> tuple[list[Row], dict[str, Split]]:
    """Every split of an ablation, with as many training rows of each class as every other.

    Args:
        rows: rows of the matrix, in order.
        names: of `protocols.leakage`, like "equal-frame" or "shuffled-grouped".
        seed, settings: see `assignment.make`.

    Returns:
        The rows with shuffled labels, and the splits by name. Tests are those of the protocols,
        whole.

    Raises:
        SplitError: a protocol that cannot split these rows.
    """
    rows, copies = assignment.parted(rows)
    kinds = {name: protocols.split_name(name) for name in names}
    plain = {name: assignment.make(rows, protocol, seed=seed, **settings)
             for name, (kind, protocol) in kinds.items() if kind == protocols.EQUAL}  # fmt: skip
    mixed, others = _shuffled(
        rows, {name: protocol for name, (kind, protocol) in kinds.items() if name not in plain},
        seed, settings,
    )  # fmt: skip
    made = plain | others
    labelled = {name: rows if name in plain else mixed for name in made}
    counts = [_training(labelled[name], split) for name, split in made.items()]
    keep = {label: min(count[label] for count in counts) for label in ("fake", "real")}
    left_out = assignment.left_out(copies, len(rows), NO_COPIES)
    return mixed + copies, {
        name: cut(labelled[name], made[name], keep, WHOLE.get(kinds[name][1]), seed) + left_out
        for name in names
    }


def shuffled(rows: Sequence[Row], seed: int | Sequence[int]) -> list[Row]:
    """The rows with the labels permuted between videos: all rows of a video have one.

    The number of fake videos stays the same; a label keeps its method, so that the table stays
    valid. Clips, people and groups stay, so labels have no relation to the faces.
    """
    first = {row["video_id"]: row for row in reversed(rows)}
    videos = sorted(first)
    order = np.random.default_rng(seed).permutation(len(videos))
    labels = {
        video: {key: first[videos[other]].get(key, "") for key in ("label", "method")}
        for video, other in zip(videos, order, strict=True)
    }
    return [{**row, **labels[row["video_id"]]} for row in rows]


def _shuffled(
    rows: Sequence[Row], wanted: Mapping[str, str], seed: int, settings: dict
) -> tuple[list[Row], dict[str, Split]]:
    """Shuffled labels under which every split has both classes everywhere, and these splits."""
    for draw in range(DRAWS):
        mixed = shuffled(rows, [seed, draw])
        try:
            return mixed, {
                name: assignment.make(mixed, protocol, seed=seed, **settings)
                for name, protocol in wanted.items()
            }
        except SplitError as error:
            last = error
    raise SplitError(f"labels shuffled {DRAWS} times: {last}")


def cut(
    rows: Sequence[Row], split: Split, keep: Mapping[str, int], whole: str | None, seed: int
) -> Split:
    """A split with so many training rows of each class; the others are of no part.

    Rows with one value in the column `whole` are removed together, from the largest fold first, as
    long as the counts allow; then single rows. `None`: single rows only.

    Args:
        rows, split: of the matrix. keep: rows by label. seed: of the choice.
    """
    generator = np.random.default_rng([seed, 1])
    have = _training(rows, split)
    surplus = Counter({label: have[label] - keep[label] for label in keep})
    removed = _units(rows, split, whole, surplus, generator) if whole else set()
    for label in keep:
        left = [i for i in _rows(split) if i not in removed and rows[i]["label"] == label]
        removed |= set(generator.choice(left, len(left) - keep[label], replace=False).tolist())
    return [
        {**one, "part": "unused", "fold": "", "reason": CUT} if number in removed else one
        for number, one in enumerate(split)
    ]


def _units(
    rows: Sequence[Row],
    split: Split,
    whole: str,
    surplus: Counter,
    generator: np.random.Generator,
) -> set[int]:
    """Rows of whole units to remove: at most the surplus of a class, never the last of a fold."""
    members: dict[tuple[int, str], list[int]] = {}
    for i in _rows(split):
        members.setdefault((split[i]["fold"], rows[i][whole]), []).append(i)
    units = sorted(members)
    units = [units[place] for place in generator.permutation(len(units))]
    counts = {unit: Counter(rows[i]["label"] for i in members[unit]) for unit in units}
    folds = {fold: sum((counts[u] for u in units if u[0] == fold), Counter()) for fold, _ in units}
    removed: set[int] = set()
    while True:
        units.sort(key=lambda unit: -folds[unit[0]].total())  # stable: else as drawn
        for unit in units:
            count, fold = counts[unit], folds[unit[0]]
            if all(count[label] <= surplus[label] for label in count) and all(
                fold[label] > count[label] for label in fold
            ):
                break
        else:
            return removed
        units.remove(unit)
        removed |= set(members[unit])
        surplus = surplus - count
        folds[unit[0]] = fold - count


def _rows(split: Split) -> list[int]:
    return [number for number, one in enumerate(split) if one["part"] == "train"]


def _training(rows: Sequence[Row], split: Split) -> Counter:
    """Training rows by label."""
    return Counter(rows[number]["label"] for number in _rows(split))
