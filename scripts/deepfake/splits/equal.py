"""Splits for the leakage ablation: training sets of one size, or shuffled labels.

Scores then differ because of the split, not because of the amount of training data.
"""

from __future__ import annotations

from collections import Counter
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
        train = (split.column("part") == "train") & (rows.column("label") == label)
        left = np.flatnonzero(train & ~removed)
        removed[generator.choice(left, len(left) - keep[label], replace=False)] = True
    return assignment.leave_out(split, removed, CUT)


def _units(
    rows: Table,
    split: Table,
    whole: str,
    surplus: Counter,
    generator: np.random.Generator,
) -> list[int]:
    """Rows of whole units to remove: at most the surplus of a class, never the last of a fold."""
    members: dict[tuple[int, str], list[int]] = {}
    training = np.flatnonzero(split.column("part") == "train")
    keys = zip(split.column("fold")[training], rows.column(whole)[training], strict=True)
    for key, i in zip(keys, training.tolist(), strict=True):
        members.setdefault(key, []).append(i)
    labels = rows.column("label")
    units = sorted(members)
    units = [units[place] for place in generator.permutation(len(units))]
    counts = {unit: Counter(labels[members[unit]]) for unit in units}
    folds = {fold: sum((counts[u] for u in units if u[0] == fold), Counter()) for fold, _ in units}
    removed: list[int] = []
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
        removed += members[unit]
        surplus = surplus - count
        folds[unit[0]] = fold - count


def _training(rows: Table, split: Table) -> Counter:
    """Training rows by label."""
    return Counter(rows.column("label")[split.column("part") == "train"])
