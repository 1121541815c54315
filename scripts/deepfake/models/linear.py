"""What linear models share: from a Gram matrix to coefficients, and to one weight a raw feature.

By the representer theorem the optimal weights of an L2 penalty are Z'a, so n coefficients a replace
307,200 weights, with the same objective and the same optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import columns, layout, standardise
from deepfake.models import gram as grams
from deepfake.models.columns import Columns
from deepfake.models.registry import Fitted, Training
from deepfake.models.standardise import Scaler

# Eigenvalues below this share are noise: of the largest one, from float32 products of scaled
# features; of their sum, from the eigensolver alone, since products of raw ones are exact, and
# those of few scaled features float64.
SCALED_NOISE = 1e-8
EXACT_NOISE = 1e-15
LAYOUTS = (layout.WEIGHTS,)


@dataclass(frozen=True)
class TrainingData:
    """What a linear model learns from.

    Attributes:
        products: of the rows, float64 (n, n). rank, exact: of their Gram.
        fake: bool (n,). known: what was rotated for other candidates.
    """

    products: np.ndarray
    rank: int
    exact: bool
    fake: np.ndarray
    known: dict[tuple[str, bool], Rotated] = field(default_factory=dict)


# Of a candidate: coefficients (n,) of the rows, and an intercept.
Solver = Callable[[dict, TrainingData], tuple[np.ndarray, float]]
# Of a candidate: weights and intercept in one, (p + 1,); bool (n,) says which rows are fake.
ColumnSolver = Callable[[dict, Columns, np.ndarray], np.ndarray]


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    solve: Solver,
    solve_columns: ColumnSolver,
    threads: int,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`.

    Without Gram matrices they are solved in the columns.
    """
    if not training.grams:
        fake, new_rows = training.fake[train], training.pixels.at(held_out)
        rows = training.pixels.take(train)
        found = columns.solve(candidates, rows, lambda _, *how: solve_columns(*how, fake), threads)
        return [grams.dot(new_rows, weights) + intercept for weights, intercept in found]
    known: dict[tuple[str, bool], Rotated] = {}
    scores = []
    for candidate in candidates:
        gram = training.grams[candidate["scaling"]]
        products = gram.products
        data = products[np.ix_(train, train)], gram.rank, gram.exact, training.fake[train]
        coefficients, intercept = solve(candidate, TrainingData(*data, known))
        scores.append(products[np.ix_(held_out, train)] @ coefficients + intercept)
    return scores


def fit(
    model: str,
    candidate: dict,
    training: Training,
    solve: Solver,
    solve_columns: ColumnSolver,
    threads: int,
) -> Fitted:
    """Fit on all training rows and map back to one weight a feature."""
    if not training.grams:
        rows = training.pixels.take(np.arange(len(training.fake)))
        ((weights, intercept),) = columns.solve(
            [candidate], rows, lambda _, *how: solve_columns(*how, training.fake), threads
        )
        return Fitted(model, candidate, {"weights": weights}, {"intercept": intercept})
    gram = training.grams[candidate["scaling"]]
    data = TrainingData(gram.products, gram.rank, gram.exact, training.fake)
    coefficients, intercept = solve(candidate, data)
    scaler = standardise.fit(training.pixels, candidate["scaling"])
    weights = grams.project(training.pixels, scaler, coefficients)
    return Fitted(model, candidate, *raw_weights(weights, intercept, scaler))


def raw_weights(
    weights: np.ndarray, intercept: float, scaler: Scaler
) -> tuple[dict[str, np.ndarray], dict]:
    """Weights and intercept of scaled features, rewritten for raw ones: arrays and settings."""
    if scaler.mean is not None:
        weights = weights / scaler.scale
        intercept -= float(weights @ scaler.mean)
    return {"weights": weights}, {"intercept": float(intercept)}


def check(arrays: dict[str, np.ndarray], length: int, record: dict) -> None:
    """Whether the settings of a linear model are whole: see `bundle_schema.check`."""
    layout.demand_settings(record, "intercept")


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Decision values of rows of raw features, float64 (n,)."""
    return grams.dot(matrix, fitted.arrays["weights"]) + fitted.settings["intercept"]


def with_intercept(products: np.ndarray, penalised: bool) -> tuple[np.ndarray, np.ndarray]:
    """The Gram matrix as an intercept makes it, and the means taken off its columns.

    A penalised intercept is a constant feature: one in every entry. A free one lets the rows be
    centred, which frees them from the huge common part of raw pixels.
    """
    if penalised:
        return products + 1.0, np.zeros(len(products))
    means = products.mean(axis=0)
    inner = products - means
    inner -= means[:, None] - means.mean()
    return inner, means


class Rotated:
    """Rows in the eigenvectors of their Gram matrix.

    Null directions are dropped. Duplicate frames make them, and fewer features than rows: of
    centred rows no more than min(n - 1, rank) can differ from 0, of a penalised intercept's
    constant and the features min(n, rank + 1).

    Attributes:
        coordinates: float64 (n, r), of orthogonal columns. lengths: their squares, (r,).
    """

    def __init__(self, products: np.ndarray, rank: int, exact: bool, penalised: bool) -> None:
        import scipy.linalg

        n = len(products)
        inner, self._means = with_intercept(products, penalised)
        values, vectors = scipy.linalg.eigh(inner, overwrite_a=True)
        noise = EXACT_NOISE * products.trace() if exact else SCALED_NOISE * values[-1]
        kept = values > max(noise, 0.0)
        kept[: n - (min(n, rank + 1) if penalised else min(n - 1, rank))] = False  # they ascend
        del inner
        self.lengths = values[kept]
        self.coordinates = vectors[:, kept]
        del vectors
        self.coordinates *= np.sqrt(self.lengths)
        self._penalised = penalised

    def coefficients(self, weights: np.ndarray, intercept: float = 0.0) -> tuple[np.ndarray, float]:
        """Coefficients of the rows and an intercept, of the coordinates' weights (r,) and one."""
        coefficients = self.coordinates @ (weights / self.lengths)
        if self._penalised:
            return coefficients, float(coefficients.sum())
        coefficients -= coefficients.mean()
        return coefficients, float(intercept - self._means @ coefficients)


def rotated(candidate: dict, data: TrainingData) -> Rotated:
    """The rows as a candidate needs them, rotated once for all candidates of a kind."""
    key = candidate["scaling"], candidate.get("intercept") == "penalised"
    if key not in data.known:
        data.known[key] = Rotated(data.products, data.rank, data.exact, key[1])
    return data.known[key]
