"""What linear models share: from a Gram matrix to coefficients, and to one weight a raw feature.

By the representer theorem the optimal weights of an L2 penalty are Z'a, so n coefficients a replace
307,200 weights, with the same objective and the same optimum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepfake import gram as grams
from deepfake import standardise
from deepfake.matrix import Faces, Matrix
from deepfake.models import Fitted, Training
from deepfake.standardise import Scaler

# Eigenvalues below this share are noise: of the largest one, from float32 products of scaled
# pixels; of their sum, from the eigensolver alone, since products of raw pixels are exact.
SCALED_NOISE = 1e-8
EXACT_NOISE = 1e-15

# Of a candidate, the rows' products float64 (n, n), their labels bool (n,) and what was rotated
# for other candidates: coefficients (n,) of the rows, and an intercept.
Solver = Callable[[dict, np.ndarray, np.ndarray, dict], tuple[np.ndarray, float]]


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    solve: Solver,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`."""
    known: dict[tuple[str, bool], Rotated] = {}
    scores = []
    for candidate in candidates:
        products = training.grams[candidate["scaling"]].products
        coefficients, intercept = solve(
            candidate, products[np.ix_(train, train)], training.fake[train], known
        )
        scores.append(products[np.ix_(held_out, train)] @ coefficients + intercept)
    return scores


def fit(model: str, candidate: dict, training: Training, solve: Solver) -> Fitted:
    """Fit on all training rows and map back to one weight a feature."""
    products = training.grams[candidate["scaling"]].products
    coefficients, intercept = solve(candidate, products, training.fake, {})
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


def decide(fitted: Fitted, seen: Matrix | Faces) -> np.ndarray:
    """Decision values of rows of raw features, float64 (n,)."""
    return grams.dot(seen, fitted.arrays["weights"]) + fitted.settings["intercept"]


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

    Null directions (duplicate frames make them) are dropped.

    Attributes:
        coordinates: float64 (n, r), of orthogonal columns. lengths: their squares, (r,).
    """

    def __init__(self, products: np.ndarray, scaling: str, penalised: bool) -> None:
        import scipy.linalg

        inner, self._means = with_intercept(products, penalised)
        values, vectors = scipy.linalg.eigh(inner, overwrite_a=True)
        noise = SCALED_NOISE * values[-1] if scaling != "none" else EXACT_NOISE * products.trace()
        kept = values > max(noise, 0.0)
        del inner
        self.lengths = values[kept]
        self.coordinates = vectors[:, kept]
        del vectors
        self.coordinates *= np.sqrt(self.lengths)
        self._penalised = penalised

    def told(self, weights: np.ndarray, intercept: float = 0.0) -> tuple[np.ndarray, float]:
        """Coefficients of the rows and an intercept, of the coordinates' weights (r,) and one."""
        coefficients = self.coordinates @ (weights / self.lengths)
        if self._penalised:
            return coefficients, float(coefficients.sum())
        coefficients -= coefficients.mean()
        return coefficients, float(intercept - self._means @ coefficients)


def rotated(candidate: dict, products: np.ndarray, known: dict) -> Rotated:
    """The rows as a candidate needs them, rotated once for all candidates of a kind."""
    key = candidate["scaling"], candidate.get("intercept") == "penalised"
    if key not in known:
        known[key] = Rotated(products, *key)
    return known[key]
