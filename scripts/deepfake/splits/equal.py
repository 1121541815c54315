"""Splits for the leakage ablation: training sets of one size, or shuffled labels.

Scores then differ because of the split, not because of the amount of training data.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.row import Row
from deepfake.core.tables import Table
from deepfake.splits import assignment, parts, protocols
from deepfake.splits.dealing import SplitError

CUT = "reduced to the size of the smallest training set"
NO_COPIES = "training copies take no part in the leakage ablation"
DRAWS = 50  # of shuffled labels, of which the first that fills every fold is taken
WHOLE = {"grouped": "group_id", "official": "group_id", "video": "video_id"}  # as its split is


def make(
    rows: Sequence[Row], names: Sequence[str], seed: int, **settings
) -> tuple[Table, dict[str, Table]]:
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
    rows = tables.of(rows)
    kinds = {name: protocols.split_name(name) for name in names}
    plain = {name: assignment.make(rows, protocol, seed=seed, **settings)
             for name, (kind, protocol) in kinds.items() if kind == protocols.EQUAL}  # fmt: skip
    mixed, others = _shuffled(
        rows, {name: protocol for name, (kind, protocol) in kinds.items() if name not in plain},
        seed, settings,
    )  # fmt: skip
    copied = parts.copies(rows)
    made = {
        name: assignment.leave_out(split, copied, NO_COPIES)
        for name, split in (plain | others).items()
    }
    labelled = {name: rows if name in plain else mixed for name in made}
    counts = [_training(labelled[name], split) for name, split in made.items()]
    keep = {label: min(count[label] for count in counts) for label in ("fake", "real")}
    return mixed, {
        name: cut(labelled[name], made[name], keep, WHOLE.get(kinds[name][1]), seed)
        for name in names
    }


def shuffled(rows: Sequence[Row], seed: int | Sequence[int]) -> Table:
    """The rows with the labels permuted between videos: all rows of a video have one.

    Training copies keep theirs.

    The number of fake videos stays the same; a label keeps its method, so that the table stays
    valid. Clips, people and groups stay, so labels have no relation to the faces.
    """
    rows = tables.of(rows)
    first, video_of = rows.distinct("video_id")
    videos = np.argsort(rows.column("video_id")[first])
    other = np.empty(len(videos), int)
    other[videos] = videos[np.random.default_rng(seed).permutation(len(videos))]
    taken = np.where(parts.copies(rows), np.arange(len(rows)), first[other[video_of]])
    return rows.with_columns(**{name: rows.column(name, "")[taken] for name in ("label", "method")})


def _shuffled(
    rows: Table, wanted: Mapping[str, str], seed: int, settings: dict
) -> tuple[Table, dict[str, Table]]:
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


def cut(rows: Table, split: Table, keep: Mapping[str, int], whole: str | None, seed: int) -> Table:
    """A split with so many training rows of each class; the others are of no part.

    Rows with one value in the column `whole` are removed together, from the largest fold first, as
    long as the counts allow; then single rows. `None`: single rows only.

    Args:
        rows, split: of the matrix. keep: rows by label. seed: of the choice.
    """
    generator = np.random.default_rng([seed, 1])
    have = _training(rows, split)
    surplus = Counter({label: have[label] - keep[label] for label in keep})
    removed = np.zeros(len(rows), bool)
    if whole:
        removed[_units(rows, split, whole, surplus, generator)] = True
    for label in keep:
        train = split.among("part", "train") & rows.among("label", label)
        left = np.flatnonzero(train & ~removed)
        removed[generator.choice(left, len(left) - keep[label], replace=False)] = True
    return assignment.leave_out(split, removed, CUT)


def _units(
    rows: Table,
    split: Table,
    whole: str,
    surplus: Counter,
    generator: np.random.Generator,
) -> np.ndarray:
    """Rows of whole units to remove: at most the surplus of a class, never the last of a fold."""
    training = np.flatnonzero(split.among("part", "train"))
    units = split.only("fold").beside(rows, whole).at(training)
    kinds, unit_of = units.distinct("fold", whole)
    fold_of = units.at(kinds).column("fold").tolist()
    names = units.at(kinds).column(whole).tolist()
    order = sorted(range(len(kinds)), key=lambda unit: (fold_of[unit], names[unit]))
    order = [order[place] for place in generator.permutation(len(order))]
    fake = rows.among("label", "fake")[training]
    of_class = [np.bincount(unit_of[which], minlength=len(kinds)) for which in (fake, ~fake)]
    counts = np.column_stack(of_class).tolist()
    left = [surplus["fake"], surplus["real"]]
    folds = {fold: [0, 0] for fold in fold_of}
    for fold, count in zip(fold_of, counts, strict=True):
        folds[fold] = [had + n for had, n in zip(folds[fold], count, strict=True)]

    def can_go(unit: int) -> bool:
        return all(
            count <= may and (not of_fold or of_fold > count)
            for count, may, of_fold in zip(counts[unit], left, folds[fold_of[unit]], strict=True)
        )

    # Units wait by fold, the largest first; of folds that were equal from the start, as drawn. One
    # that cannot go never can, since what may go and the folds only become smaller.
    removed = np.zeros(len(kinds), bool)
    queues = [(list(folds), deque(order))]
    while True:
        queues = [one for queue in queues for one in _by_size(*queue, folds, fold_of)]
        queues.sort(key=lambda queue: -sum(folds[queue[0][0]]))  # stable
        waiting = (queue.popleft() for _, queue in queues for _ in range(len(queue)))
        unit = next(filter(can_go, waiting), None)
        if unit is None:
            return training[removed[unit_of]]
        removed[unit] = True
        for numbers in (left, folds[fold_of[unit]]):
            numbers[:] = [had - n for had, n in zip(numbers, counts[unit], strict=True)]


def _by_size(
    names: list, waiting: deque[int], folds: Mapping[object, list[int]], fold_of: Sequence
) -> list[tuple[list, deque[int]]]:
    """Some folds and their units, apart where the folds have different numbers of rows."""
    sizes: dict[int, list] = {}
    for name in names:
        sizes.setdefault(sum(folds[name]), []).append(name)
    if len(sizes) == 1:
        return [(names, waiting)]
    parts = [sizes[size] for size in sorted(sizes, reverse=True)]
    return [(part, deque(unit for unit in waiting if fold_of[unit] in part)) for part in parts]


def _training(rows: Table, split: Table) -> Counter:
    """Training rows by label."""
    return Counter(rows.at(split.among("part", "train")).cells("label"))
