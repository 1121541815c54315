"""What linear models share: coordinates from a Gram matrix, and one weight a raw feature.

By the representer theorem the optimal weights of an L2 penalty are Z'a. Rotating to the Gram
matrix' eigenvectors gives n coordinates instead of 307,200 features, with the same objective and
the same optimum.
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

# Of a candidate, coordinates (n, r) and labels bool (n,): weights (r,) and intercept.
Solver = Callable[[dict, np.ndarray, np.ndarray], tuple[np.ndarray, float]]


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    solve: Solver,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`."""
    rotated: dict[tuple[str, bool], tuple] = {}
    scores = []
    for candidate in candidates:
        key = candidate["scaling"], _penalised(candidate)
        products = training.grams[candidate["scaling"]].products
        if key not in rotated:
            coordinates, rotation, shift = rotate(products[np.ix_(train, train)], *key)
            asked = products[np.ix_(held_out, train)] @ rotation + shift
            rotated[key] = coordinates, asked
        coordinates, asked = rotated[key]
        weights, intercept = solve(candidate, coordinates, training.fake[train])
        scores.append(asked @ weights + intercept)
    return scores


def fit(model: str, candidate: dict, training: Training, solve: Solver) -> Fitted:
    """Fit on all training rows and map back to one weight a feature."""
    products = training.grams[candidate["scaling"]].products
    rotated = rotate(products, candidate["scaling"], _penalised(candidate))
    coordinates, rotation, shift = rotated
    reduced, intercept = solve(candidate, coordinates, training.fake)
    intercept += float(shift @ reduced)
    scaler = standardise.fit(training.pixels, candidate["scaling"])
    weights = grams.project(training.pixels, scaler, rotation @ reduced)
    return Fitted(model, candidate, *raw_weights(weights, intercept, scaler))


def _penalised(candidate: dict) -> bool:
    return candidate.get("intercept") == "penalised"


def rotate(
    products: np.ndarray, scaling: str, penalised: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates of n rows in the eigenvectors of their Gram matrix K.

    A penalised intercept is a constant feature: one in every entry of K. A free one lets the
    rows be centred, which frees the coordinates from the huge common part of raw pixels.
    Null directions (duplicate frames make them) are dropped.

    Returns:
        Coordinates (n, r); a rotation (n, r) and a shift (r,) with which the products (m, n) of
        any rows with these give theirs: products @ rotation + shift.
    """
    import scipy.linalg

    if penalised:
        inner = products + 1.0
    else:
        means = products.mean(axis=0)
        inner = products - means
        inner -= means[:, None] - means.mean()
    values, vectors = scipy.linalg.eigh(inner, overwrite_a=True)
    noise = SCALED_NOISE * values[-1] if scaling != "none" else EXACT_NOISE * products.trace()
    kept = values > max(noise, 0.0)
    roots = np.sqrt(values[kept])
    rotation = vectors[:, kept] / roots
    if penalised:
        return vectors[:, kept] * roots, rotation, rotation.sum(axis=0)
    rotation -= rotation.mean(axis=0)
    return vectors[:, kept] * roots, rotation, -(means @ rotation)


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
