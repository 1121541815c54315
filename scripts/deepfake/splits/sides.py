"""Splits with sides decided by a list, by the people, or by a column of the sheet.

All three make folds with `_folds`: by whole groups, unless one is too large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from deepfake.core.row import Row
from deepfake.core.tables import Table
from deepfake.dataset import grouping
from deepfake.splits import protocols
from deepfake.splits.dealing import TEST, UNUSED, Dealt, SplitError, SplitSettings, deal

DEALS = 50  # of the people of an identity split, from which the best is taken

# Reasons why a row is in no part, for split tables, logs and pages.
NO_PART = "not in the dataset's lists"
MIXES = "mixes people of both sides"
NEITHER = "its {by} is on neither side"
OTHER_SIDE = "its {by} belongs to one side and its people to the other"


def official(rows: Table, settings: SplitSettings) -> Dealt:
    """The dataset's own test; its train and val together are the training.

    Folds are made as in every other protocol: the published validation set alone has few videos.
    """
    parts = rows.column("official", "")
    folds = np.where(parts == "test", TEST, np.where(parts == "", UNUSED, 0))
    train = folds == 0
    if not train.any() or not (folds == TEST).any():
        lacking = "test" if train.any() else "train or val"
        raise SplitError(
            f"official split: no face has the part {lacking} in the sheet's column official"
        )
    folds = _folds(rows, folds, rows.column("group_id"), settings, "official")
    return folds, _reasons(parts == "", NO_PART)


def identity(rows: Table, settings: SplitSettings) -> Dealt:
    """No person of the test in training; fakes with people of both sides are not used.

    Small components are assigned whole, as in the grouped split. Components larger than half a
    test (in Celeb-DF, all) are cut between their people.
    """
    whole = _once_a_kind(rows, _people)
    units = _cut_large(rows, whole, settings.test_size * len(rows) / 2)
    if len(set(units)) < 2:
        raise SplitError("identity split: all videos are of one person; add more people")
    generator = np.random.default_rng(settings.seed)
    shares = [1 - settings.test_size, settings.test_size]
    side, mixes = _cut_with_least_loss(rows, units, shares, generator)
    folds = np.where(mixes, UNUSED, np.where(side == 1, TEST, 0))
    train = folds == 0
    left = np.full(len(rows), "", object)
    left[train] = _once_a_kind(rows.at(train), _people)
    return _folds(rows, folds, left, settings, "identity"), _reasons(mixes, MIXES)


def cross(rows: Table, settings: SplitSettings) -> Dealt:
    """Training of some values of a column, test of others; people on one side, whole.

    A group that fits both sides is assigned by the share of the test; its rows of the other side
    are not used. Real videos have no method and fit both sides.
    """
    if not settings.cross:
        raise SplitError("cross split: split.cross does not set train and test")
    by = settings.cross["by"]
    kinds, kind_of = rows.distinct(by, "label")
    fits = np.array(
        [
            [protocols.fits(row, by, settings.cross[side]) for side in protocols.SIDES]
            for row in rows.at(kinds)
        ]
    )[kind_of]
    groups, group_of = np.unique(rows.column("group_id"), return_inverse=True)
    could = np.zeros((len(groups), 2), bool)
    for side in (0, 1):
        np.logical_or.at(could[:, side], group_of, fits[:, side])
    in_test = could[:, 1] & ~could[:, 0]
    either = np.flatnonzero(could.all(axis=1)[group_of] & fits.any(axis=1))
    if len(either):
        shares = [1 - settings.test_size, settings.test_size]
        generator = np.random.default_rng(settings.seed)
        dealt = deal(rows.at(either), group_of[either], shares, generator)
        in_test[group_of[either]] = dealt == 1
    side = in_test[group_of].astype(int)
    used = fits[np.arange(len(rows)), side]
    folds = np.where(used, np.where(side == 1, TEST, 0), UNUSED)
    other_side, neither = OTHER_SIDE.format(by=by), NEITHER.format(by=by)
    reasons = _reasons(~used, np.where(fits.any(axis=1), other_side, neither))
    return _folds(rows, folds, groups[group_of], settings, "cross"), reasons


def _reasons(unused: np.ndarray, why: np.ndarray | str) -> np.ndarray:
    """Why each row is unused, "" where it is not; objects (n,)."""
    return np.where(unused, why, "").astype(object)


def _once_a_kind(rows: Table, function: Callable[[Sequence[Row]], list[str]]) -> np.ndarray:
    """What a function gives for the rows, called with one row of those with equal names."""
    kinds, kind_of = rows.distinct(*grouping.NAMES, "group_id", "video_id")
    return np.array(function(list(rows.at(kinds))), object)[kind_of]


def _cut_with_least_loss(
    rows: Table, units: np.ndarray, shares: Sequence[float], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The best of DEALS random assignments of units: the one with the fewest mixed fakes.

    Returns:
        Side of each row, and whether its source person is on the other side, shape (rows,). A
        source without own clips is on the side with most of the fakes of it.
    """
    names, unit_of = np.unique(units, return_inverse=True)
    kinds, _ = rows.distinct("clip_id", "target_id")
    unit_of_name = {
        name: unit
        for row, unit in zip(rows.at(kinds), unit_of[kinds], strict=True)
        for name in grouping.names(row, ("clip_id", "target_id"))
    }
    sources, source_of = np.unique(rows.column("source_id", ""), return_inverse=True)
    unit_of_source = np.array([unit_of_name.get(source, -1) for source in sources])
    best = None
    for _ in range(DEALS):
        side = deal(rows, unit_of, shares, generator)
        side_of = np.zeros(len(names), int)
        side_of[unit_of] = side
        most = 2 * np.bincount(source_of, weights=side) > np.bincount(source_of)
        source_side = np.where(unit_of_source >= 0, side_of[unit_of_source], most)
        mixes = (sources != "")[source_of] & (source_side[source_of] != side)
        if best is None or mixes.sum() < best[1].sum():
            best = side, mixes
        if not mixes.any():
            break
    return best


def _people(rows: Sequence[Row]) -> list[str]:
    """The component of each row over clips and people; without any, its group or its video."""
    return grouping.components(
        [grouping.names(row) or [row["group_id"] or row["video_id"]] for row in rows]
    )


def _cut_large(rows: Table, whole: np.ndarray, most: float) -> np.ndarray:
    """Components, but those of more rows than `most` cut between the bodies in them."""
    names, which, counts = np.unique(whole, return_inverse=True, return_counts=True)
    large = counts[which] > most
    return np.where(large, _once_a_kind(rows, grouping.bodies), names[which])


def _folds(
    rows: Table, folds: np.ndarray, whole: np.ndarray, settings: SplitSettings, name: str
) -> np.ndarray:
    """Cut the rows whose fold is 0 into k folds, by whole components if these can fill them.

    Otherwise the large ones are cut between their bodies, and a source person may be in two folds:
    dropping fakes for every fold would leave too few of a densely linked set. The audit reports it.
    """
    k, train = settings.k, np.flatnonzero(folds == 0)
    training, units = rows.at(train), whole[train]
    sizes = np.unique(units, return_counts=True)[1]
    if len(sizes) < k or sizes.max() > 2 * len(train) / k:
        units = _cut_large(training, units, len(train) / k)
    count = len(set(units))
    if count < k:
        raise SplitError(
            f"{name} split: {count} groups of training cannot fill {k} folds; "
            "set split.folds.k to less, or add more people"
        )
    result = folds.copy()
    shuffler = np.random.default_rng([settings.seed, 1]) if settings.shuffle else None
    result[train] = deal(training, units, [1 / k] * k, shuffler)
    return result
