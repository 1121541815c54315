"""Assign rows to test and folds by shares: single rows, whole videos, whole groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepfake.core.tables import Table

TEST, UNUSED = -1, -2  # instead of a fold's number

# fold of each row, TEST or UNUSED; why it is unused, of each row or of all
Dealt = tuple[np.ndarray, np.ndarray | str]


class SplitError(ValueError):
    """A split that cannot be made, and why."""


@dataclass(frozen=True)
class SplitSettings:
    """The settings of a split: see `assignment.make`."""

    test_size: float
    k: int
    shuffle: bool
    seed: int
    cross: dict | None = None


def frame(rows: Table, settings: SplitSettings) -> Dealt:
    """Rows at random: scikit-learn's own split and folds, as the original experiment made them."""
    from sklearn.model_selection import StratifiedKFold, train_test_split

    seed, shuffle = settings.seed, settings.shuffle
    try:
        train, _ = train_test_split(
            np.arange(len(rows)), test_size=settings.test_size, random_state=seed
        )
        folds = np.full(len(rows), TEST)
        cutter = StratifiedKFold(
            settings.k, shuffle=shuffle, random_state=seed if shuffle else None
        )
        labels = rows.column("label")[train].astype(str)
        for number, (_, held_out) in enumerate(cutter.split(train, labels)):
            folds[train[held_out]] = number
    except ValueError as error:
        raise SplitError(f"frame split of {len(rows)} rows: {error}") from None
    return folds, ""


def grouped(rows: Table, settings: SplitSettings) -> Dealt:
    """Whole groups, stratified by label and method."""
    return _whole(rows, "group_id", "grouped split", "groups", "people", settings), ""


def video(rows: Table, settings: SplitSettings) -> Dealt:
    """Whole videos regardless of the people in them, stratified by label and method."""
    return _whole(rows, "video_id", "video split", "videos", "videos", settings), ""


def _whole(
    rows: Table, column: str, name: str, units: str, remedy: str, settings: SplitSettings
) -> np.ndarray:
    """Fold of each row, TEST in the test: rows with one value in a column stay together."""
    k = settings.k
    keys = rows.column(column)
    count = len(set(keys))
    if count < k + 1:
        raise SplitError(
            f"{name}: {count} {units} cannot fill a test set and {k} folds; "
            f"set split.folds.k to {count - 1} or less, or add more {remedy}"
            if count > 2
            else f"{name}: {count} {units} are too few; add more {remedy}"
        )
    generator = np.random.default_rng(settings.seed)
    in_test = deal(rows, keys, [1 - settings.test_size, settings.test_size], generator) == 1
    train = np.flatnonzero(~in_test)
    left = len(set(keys[train]))
    if left < k or left == count:
        raise SplitError(
            f"{name}: a test share of {settings.test_size:g} leaves {left} of {count} "
            f"{units} to {k} folds; change split.test_size or split.folds.k"
        )
    folds = np.full(len(rows), TEST)
    shuffler = generator if settings.shuffle else None
    folds[train] = deal(rows.only("label", "method").at(train), keys[train], [1 / k] * k, shuffler)
    return folds


def deal(
    rows: Table,
    keys: np.ndarray,
    shares: Sequence[float],
    generator: np.random.Generator | None,
) -> np.ndarray:
    """Assign rows to parts of these shares: one key, one part; stratified by label and method.

    Args:
        rows: with label and method. keys: of each row, shape (rows,).
        shares: of each part; they sum to 1.
        generator: shuffles the keys before they are assigned; None leaves them in order.

    Returns:
        Part of each row, shape (rows,).
    """
    units, unit_of = np.unique(keys, return_inverse=True)
    kinds, kind_of = rows.distinct("label", "method")
    strata = [f"{row['label']} {row['method']}" for row in rows.at(kinds)]
    names, stratum_of = np.unique(strata, return_inverse=True)
    stratum_of = stratum_of[kind_of]
    counts = np.zeros((len(units), len(names)))
    np.add.at(counts, (unit_of, stratum_of), 1)
    order = np.arange(len(units)) if generator is None else generator.permutation(len(units))
    part_of = np.empty(len(units), int)
    part_of[order] = _partition(counts[order], shares)
    return part_of[unit_of]


def _partition(counts: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Part of each unit, so that each part comes near its share of every stratum.

    Large units first, each to the part that lacks most of it (iterative stratification,
    Sechidis et al. 2011, with units for examples).

    Args:
        counts: rows of each unit and stratum, shape (units, strata).
        shares: of each part; they sum to 1.

    Returns:
        Shape (units,).
    """
    totals = counts.sum(axis=0)
    targets = np.outer(shares, totals)
    have = np.zeros_like(targets)
    part_of = np.empty(len(counts), int)
    for unit in np.argsort(-counts.sum(axis=1), kind="stable"):
        lack = ((targets - have) / targets * counts[unit] / totals).sum(axis=1)
        part_of[unit] = int(np.argmax(np.round(lack, 12)))
        have[part_of[unit]] += counts[unit]
    return part_of
