"""L2-penalised logistic regression in the coordinates of the Gram matrix.

By the representer theorem the optimal weights are Z'a. Rotating to the Gram matrix' eigenvectors
gives n coordinates instead of 307,200 features, with the same objective and the same optimum:

    min over w, b of  |w|**2 / 2 + C * sum log(1 + exp(-y (w'z + b)))
"""

from __future__ import annotations

import numpy as np

from deepfake import gram as grams
from deepfake import standardise
from deepfake.matrix import Faces, Matrix
from deepfake.models import Fitted, Training
from deepfake.models.svm import raw_weights

THRESHOLD = 0.0
# Eigenvalues below this share are noise: of the largest one, from float32 products of scaled
# pixels; of their sum, from the eigensolver alone, since products of raw pixels are exact.
SCALED_NOISE = 1e-8
EXACT_NOISE = 1e-15
PRECISION = 1e-12  # share of the objective that another step could still gain
STEPS = 200


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`."""
    rotated: dict[tuple[str, str], tuple] = {}
    scores = []
    for candidate in candidates:
        key = candidate["scaling"], candidate["intercept"]
        products = training.grams[candidate["scaling"]].products
        if key not in rotated:
            coordinates, rotation, shift = _rotate(candidate, products[np.ix_(train, train)])
            asked = products[np.ix_(held_out, train)] @ rotation + shift
            rotated[key] = coordinates, asked
        coordinates, asked = rotated[key]
        weights, intercept = _solve(candidate, coordinates, training.fake[train])
        scores.append(asked @ weights + intercept)
    return scores


def _rotate(candidate: dict, products: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates of n rows in the eigenvectors of their Gram matrix K.

    A penalised intercept is a constant feature: one in every entry of K. A free one lets the
    rows be centred, which frees the coordinates from the huge common part of raw pixels.
    Null directions (duplicate frames make them) are dropped.

    Returns:
        Coordinates (n, r); a rotation (n, r) and a shift (r,) with which the products (m, n) of
        any rows with these give theirs: products @ rotation + shift.
    """
    import scipy.linalg

    if candidate["intercept"] == "penalised":
        inner = products + 1.0
    else:
        means = products.mean(axis=0)
        inner = products - means
        inner -= means[:, None] - means.mean()
    values, vectors = scipy.linalg.eigh(inner, overwrite_a=True)
    scaled = candidate["scaling"] != "none"
    noise = SCALED_NOISE * values[-1] if scaled else EXACT_NOISE * products.trace()
    kept = values > max(noise, 0.0)
    roots = np.sqrt(values[kept])
    rotation = vectors[:, kept] / roots
    if candidate["intercept"] == "penalised":
        return vectors[:, kept] * roots, rotation, rotation.sum(axis=0)
    rotation -= rotation.mean(axis=0)
    return vectors[:, kept] * roots, rotation, -(means @ rotation)


def _solve(candidate: dict, coordinates: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (r,) of the coordinates, and the intercept, at the optimum: Newton's method.

    The coordinates' sizes differ by orders of magnitude. Cholesky does not mind, whereas
    scikit-learn's solvers stop early or give up on such a Hessian.
    """
    import scipy.linalg
    from scipy.special import expit

    penalty = np.ones(coordinates.shape[1])
    if candidate["intercept"] == "free":
        coordinates = np.column_stack([coordinates, np.ones(len(fake))])
        penalty = np.append(penalty, 0.0)
    sign, strength = np.where(fake, 1.0, -1.0), candidate["C"]

    def objective(weights: np.ndarray, margins: np.ndarray) -> float:
        return penalty @ weights**2 / 2 + strength * np.logaddexp(0, -margins).sum()

    weights, margins = np.zeros(len(penalty)), np.zeros(len(fake))
    best = objective(weights, margins)
    for _ in range(STEPS):
        wrong = expit(-margins)
        slope = penalty * weights - strength * (coordinates.T @ (sign * wrong))
        curvature = wrong * expit(margins)
        curvature = np.maximum(curvature, 1e-12 * curvature.max())  # far rows must not vanish
        bent = coordinates * np.sqrt(strength * curvature)[:, None]
        hessian = bent.T @ bent  # numpy sees the symmetry: half the work
        hessian[np.diag_indices_from(hessian)] += penalty
        step = scipy.linalg.cho_solve(scipy.linalg.cho_factor(hessian), -slope)
        gain = -(slope @ step)
        if gain <= PRECISION * best:
            return _parted(candidate, weights + step)
        along, share = sign * (coordinates @ step), 1.0
        while objective(weights + share * step, margins + share * along) > best - share * gain / 4:
            share /= 2
            if share < 1e-9:
                return _parted(candidate, weights)
        weights, margins = weights + share * step, margins + share * along
        best = objective(weights, margins)
    return _parted(candidate, weights)


def _parted(candidate: dict, weights: np.ndarray) -> tuple[np.ndarray, float]:
    if candidate["intercept"] == "free":
        return weights[:-1], float(weights[-1])
    return weights, 0.0


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows and map back to one weight a pixel."""
    products = training.grams[candidate["scaling"]].products
    coordinates, rotation, shift = _rotate(candidate, products)
    reduced, intercept = _solve(candidate, coordinates, training.fake)
    intercept += float(shift @ reduced)
    scaler = standardise.fit(training.pixels, candidate["scaling"])
    weights = grams.project(training.pixels, scaler, rotation @ reduced)
    return Fitted("logistic", candidate, *raw_weights(weights, intercept, scaler))


def decide(fitted: Fitted, seen: Matrix | Faces) -> np.ndarray:
    """Decision values (log odds) of rows of raw pixels, float64 (n,)."""
    return grams.dot(seen, fitted.arrays["weights"]) + fitted.settings["intercept"]
