"""Models behind one interface: search on a fold, fit on all training rows, score new rows.

A model is two files: a record in `specs`, of the name that the sweep gives it, which says what a
run must know (see `model_spec`), and a module here of the same name, with

    THRESHOLD  score from which the model says fake
    LAYOUTS    the arrays that its bundle may hold: see `layout`
    score(candidates, training, train, held_out, seed, threads) -> list of float64 (held out,)
    fit(candidate, training, seed, threads) -> Fitted
    decide(fitted, rows) -> float64 (rows,)
    check(arrays, length, record), which refuses a bundle for what shapes alone do not say

`score` and `fit` may import scikit-learn or TensorFlow; the others must not, since a bundle is used
without them. No module imports a record: a change there trains nothing again. `average` joins what
others fitted instead. tests/unit/test_model_checks.py takes every model through all of this.
A score is a number that grows with the evidence for fake.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models.gram import Gram
from deepfake.models.names import NAMES
from deepfake.splits.parts import rows_of


@dataclass
class Training:
    """What a model may learn from: the training rows.

    Attributes:
        pixels: the rows, read by column blocks.
        fake: bool (n,), the labels.
        grams: by scaling, of these rows.
        folds: int (n,), the fold of each row, where there are folds.
        groups: names of the rows' groups of linked people, (n,), or None.
        notes: why a fit did not finish, by the position of its candidate; `score` and `fit` add
            to it, and what they give is then the best so far.
        folder: where a long training keeps what it goes on from when it was killed, or None.
    """

    pixels: Matrix | InMemoryMatrix
    fake: np.ndarray
    grams: dict[str, Gram] = field(default_factory=dict)
    folds: np.ndarray | None = None
    groups: np.ndarray | None = None
    folder: Path | None = None
    notes: dict[int, str] = field(default_factory=dict)


@dataclass
class Fitted:
    """A model in memory, as a bundle keeps it.

    Attributes:
        model: its module's name.
        candidate: the settings it was fitted with.
        arrays: every number that `decide` needs, by name.
        settings: what else it needs, JSON-ready.
        threshold: score from which the model itself says fake.
        contains_training_images: whether rows of the training set can be read from `arrays`; of
            `registry.PICTURES` they are faces.
    """

    model: str
    candidate: dict
    arrays: dict[str, np.ndarray]
    settings: dict = field(default_factory=dict)
    threshold: float = 0.0
    contains_training_images: bool = False


def training(
    rows: Sequence[Mapping], split: Sequence[Mapping], pixels: Matrix
) -> tuple[Training, np.ndarray]:
    """The training rows of a split, and the fold of each, int (n,).

    Args:
        rows: rows of the matrix. split: what `assignment.make` gave for them.
        pixels: the whole matrix.
    """
    chosen = rows_of(rows, split, "train")
    positions, folds = (chosen.integers(name) for name in ("row", "fold"))
    fake = chosen.among("label", "fake")
    groups = chosen.column("group_id", "")
    return Training(pixels.at(positions), fake, folds=folds, groups=groups), folds


def module(name: str) -> ModuleType:
    """The model of this name."""
    if name not in NAMES:
        raise ValueError(f"unknown model {name!r}; known are {', '.join(NAMES)}")
    return importlib.import_module(f"deepfake.models.{name}")


def demand_both_classes(fake: np.ndarray) -> None:
    """Refuse to learn from one class.

    Raises:
        ValueError: all rows are fake, or none is.
    """
    if fake.all() or not fake.any():
        only = "fake" if len(fake) and fake.all() else "real"
        raise ValueError(
            f"all {len(fake)} training rows are {only}, and a model learns from both classes; "
            "fewer folds (split.folds.k) or more videos leave some of each"
        )


def score(
    name: str,
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Scores of held-out rows by each candidate of a model, fitted on the rows `train`.

    Raises:
        ValueError: those are of one class.
    """
    demand_both_classes(training.fake[train])
    return module(name).score(candidates, training, train, held_out, seed, threads)


def fit(name: str, candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """A model fitted on all training rows.

    Raises:
        ValueError: they are of one class.
    """
    demand_both_classes(training.fake)
    return module(name).fit(candidate, training, seed, threads)


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Score of each row, float64 (n,)."""
    return module(fitted.model).decide(fitted, matrix)
