"""Splits whose sides are decided by a list, by the people, or by a column of the sheet.

In all three the folds are cut as `_folds` says: by whole groups, unless one is too large.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake import links
from deepfake.protocols import SIDES
from deepfake.splits.dealing import TEST, UNUSED, Dealt, Row, SplitError, Wanted, deal

DEALS = 50  # of the people of an identity split, from which the best is taken

# Reasons why a row is in no part, as split tables, logs and pages tell them.
NO_PART = "the dataset's lists do not name it"
MIXES = "mixes a person of each side"
NEITHER = "its {by} is on neither side"
OTHER_SIDE = "its {by} is of one side and its people are on the other"


def official(rows: Sequence[Row], wanted: Wanted) -> Dealt:
    """The dataset's own test; its train and val together are the training.

    A validation set of its own as the one fold would choose candidates by few videos, and by
    other jobs than every other protocol; the test stays the published one either way.
    """
    parts = np.array([row.get("official", "") for row in rows])
    folds = np.where(parts == "test", TEST, np.where(parts == "", UNUSED, 0))
    train = folds == 0
    if not train.any() or not (folds == TEST).any():
        lacking = "test" if train.any() else "train or val"
        raise SplitError(
            f"official split: no face has the part {lacking} in the sheet's column official"
        )
    groups = np.array([row["group_id"] for row in rows])
    return _folds(rows, folds, groups, wanted, "official"), [
        NO_PART if part == "" else "" for part in parts
    ]


def identity(rows: Sequence[Row], wanted: Wanted) -> Dealt:
    """Nobody of the test in training; fakes with a person of each side are not used.

    What hangs together is dealt whole while it is small, as in the grouped split. What is larger
    than half a test (in Celeb-DF, all) is cut between its people.
    """
    whole = np.array(links.components([_names(row) for row in rows]))
    units = _cut_large(rows, whole, wanted.test_size * len(rows) / 2)
    if len(set(units)) < 2:
        raise SplitError("identity split: everything is of one person; bring more people")
    generator = np.random.default_rng(wanted.seed)
    shares = [1 - wanted.test_size, wanted.test_size]
    side, mixes = _cut_with_least_loss(rows, units, shares, generator)
    folds = np.where(mixes, UNUSED, np.where(side == 1, TEST, 0))
    reasons = [MIXES if mixed else "" for mixed in mixes]
    train = folds == 0
    left = np.array(["" for _ in rows], dtype=object)
    left[train] = links.components([_names(rows[i]) for i in np.flatnonzero(train)])
    return _folds(rows, folds, left, wanted, "identity"), reasons


def cross(rows: Sequence[Row], wanted: Wanted) -> Dealt:
    """Training of some values of a column, test of others; people on one side, whole.

    A group that could stand on either side is dealt by the share of the test; its rows that
    belong to the other side are not used. Real videos have no method, and can be of either side.
    """
    if not wanted.cross:
        raise SplitError("cross split: split.cross does not say what to train and to test on")
    by = wanted.cross["by"]
    fits = np.array(
        [
            [row.get(by, "") in wanted.cross[side] or _of_both(row, by) for side in SIDES]
            for row in rows
        ]
    )
    groups, group_of = np.unique([row["group_id"] for row in rows], return_inverse=True)
    could = np.zeros((len(groups), 2), bool)
    for side in (0, 1):
        np.logical_or.at(could[:, side], group_of, fits[:, side])
    in_test = could[:, 1] & ~could[:, 0]
    torn = np.flatnonzero(could.all(axis=1)[group_of] & fits.any(axis=1))
    if len(torn):
        shares = [1 - wanted.test_size, wanted.test_size]
        generator = np.random.default_rng(wanted.seed)
        dealt = deal([rows[i] for i in torn], group_of[torn], shares, generator)
        in_test[group_of[torn]] = dealt == 1
    side = in_test[group_of].astype(int)
    used = fits[np.arange(len(rows)), side]
    folds = np.where(used, np.where(side == 1, TEST, 0), UNUSED)
    reasons = [
        "" if one else (OTHER_SIDE if any_ else NEITHER).format(by=by)
        for one, any_ in zip(used, fits.any(axis=1), strict=True)
    ]
    return _folds(rows, folds, groups[group_of], wanted, "cross"), reasons


def _cut_with_least_loss(
    rows: Sequence[Row], units: np.ndarray, shares: Sequence[float], generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Of some random deals of units, the one that mixes the fewest fakes over its two sides.

    Returns:
        Side of each row, and whether its face is of somebody of the other side, shape (rows,). A
        face whose own clips are not there is of the side with most of the fakes that wear it.
    """
    names, unit_of = np.unique(units, return_inverse=True)
    home = {
        name: unit
        for row, unit in zip(rows, unit_of, strict=True)
        for name in links.names(row, ("clip_id", "target_id"))
    }
    donors, donor_of = np.unique([row.get("source_id", "") for row in rows], return_inverse=True)
    home_of = np.array([home.get(donor, -1) for donor in donors])
    best = None
    for _ in range(DEALS):
        side = deal(rows, units, shares, generator)
        side_of = np.zeros(len(names), int)
        side_of[unit_of] = side
        most = 2 * np.bincount(donor_of, weights=side) > np.bincount(donor_of)
        donor_side = np.where(home_of >= 0, side_of[home_of], most)
        mixes = (donors != "")[donor_of] & (donor_side[donor_of] != side)
        if best is None or mixes.sum() < best[1].sum():
            best = side, mixes
        if not mixes.any():
            break
    return best


def _of_both(row: Row, by: str) -> bool:
    return by == "method" and row["label"] == "real"


def _names(row: Row) -> list[str]:
    return links.names(row) or [row["group_id"] or row["video_id"]]


def _cut_large(rows: Sequence[Row], whole: np.ndarray, most: float) -> np.ndarray:
    """Components, but those of more rows than `most` cut between the bodies in them."""
    names, which, counts = np.unique(whole, return_inverse=True, return_counts=True)
    large = counts[which] > most
    return np.where(large, np.array(links.bodies(rows)), names[which])


def _folds(
    rows: Sequence[Row], folds: np.ndarray, whole: np.ndarray, wanted: Wanted, name: str
) -> np.ndarray:
    """Cut the rows whose fold is 0 into k folds, by whole components while these can fill them.

    Else the large ones are cut between the bodies in them, and a donor may stand in two folds: to
    drop fakes for every fold would leave too few of a densely linked set. The audit tells it.
    """
    k, train = wanted.k, np.flatnonzero(folds == 0)
    mine = [rows[i] for i in train]
    units = whole[train].astype(str)
    sizes = np.unique(units, return_counts=True)[1]
    if len(sizes) < k or sizes.max() > 2 * len(train) / k:
        units = _cut_large(mine, units, len(train) / k)
    count = len(set(units))
    if count < k:
        raise SplitError(
            f"{name} split: {count} groups of training cannot fill {k} folds; "
            "set split.folds.k to less, or bring more people"
        )
    result = folds.copy()
    shuffler = np.random.default_rng([wanted.seed, 1]) if wanted.shuffle else None
    result[train] = deal(mine, units, [1 / k] * k, shuffler)
    return result
