"""L2-penalised logistic regression in the coordinates of the Gram matrix.

By the representer theorem the optimal weights are Z'a. Rotating to the Gram matrix' eigenvectors
gives n coordinates instead of 307,200 features, with the same objective and the same optimum:

    min over w, b of  |w|**2 / 2 + C * sum log(1 + exp(-y (w'z + b)))
"""

from __future__ import annotations

import numpy as np

from deepfake import gram as grams
from deepfake.matrix import Faces, Matrix
from deepfake.models import Fitted, Training
from deepfake.models.svm import raw_weights

THRESHOLD = 0.0
NULL = 1e-8  # eigenvalues below this share of the largest are noise of float32 products


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`."""
    rotated: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
    scores = []
    for candidate in candidates:
        key = candidate["scaling"], candidate["intercept"]
        if key not in rotated:
            products = _products(candidate, training)
            coordinates, rotation = _rotate(products[np.ix_(train, train)])
            rotated[key] = coordinates, products[np.ix_(held_out, train)] @ rotation
        coordinates, asked = rotated[key]
        weights, intercept = _solve(candidate, coordinates, training.fake[train])
        scores.append(asked @ weights + intercept)
    return scores


def _products(candidate: dict, training: Training) -> np.ndarray:
    """The Gram matrix; a penalised intercept is a constant feature, one in every entry."""
    products = training.grams[candidate["scaling"]].products
    return products + 1.0 if candidate["intercept"] == "penalised" else products


def _rotate(products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates Q with Q Q' = K, shape (n, r), and the map K Q-ward: Q = K @ rotation.

    Null directions (duplicate frames make them) are dropped.
    """
    import scipy.linalg

    values, vectors = scipy.linalg.eigh(products)
    kept = values > NULL * max(values[-1], 0.0)
    roots = np.sqrt(values[kept])
    return vectors[:, kept] * roots, vectors[:, kept] / roots


def _solve(candidate: dict, coordinates: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (r,) of the coordinates, and the intercept, at the optimum."""
    from sklearn.linear_model import LogisticRegression

    solver = LogisticRegression(
        C=candidate["C"],
        fit_intercept=candidate["intercept"] == "free",
        solver="newton-cholesky",  # the coordinates' scales differ by orders of magnitude
        tol=1e-8,
        max_iter=200,
    )
    solver.fit(coordinates, fake)
    return solver.coef_[0], float(np.ravel(solver.intercept_)[0])


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows and map back to one weight a pixel."""
    coordinates, rotation = _rotate(_products(candidate, training))
    reduced, intercept = _solve(candidate, coordinates, training.fake)
    coefficients = rotation @ reduced
    if candidate["intercept"] == "penalised":
        intercept = float(coefficients.sum())
    scaler = grams.fit_scaler(training.pixels, candidate["scaling"])
    weights = grams.project(training.pixels, scaler, coefficients)
    return Fitted("logistic", candidate, *raw_weights(weights, intercept, scaler))


def decide(fitted: Fitted, seen: Matrix | Faces) -> np.ndarray:
    """Decision values (log odds) of rows of raw pixels, float64 (n,)."""
    return grams.dot(seen, fitted.arrays["weights"]) + fitted.settings["intercept"]
