"""L2-penalised logistic regression in the coordinates of the Gram matrix; see `linear`.

min over w, b of  |w|**2 / 2 + C * sum log(1 + exp(-y (w'z + b)))
"""

from __future__ import annotations

import numpy as np

from deepfake.matrix import Faces, Matrix
from deepfake.models import Fitted, Training, linear

THRESHOLD = 0.0
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
    return linear.score(candidates, training, train, held_out, _solve)


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows and map back to one weight a feature."""
    return linear.fit("logistic", candidate, training, _solve)


def decide(fitted: Fitted, seen: Matrix | Faces) -> np.ndarray:
    """Decision values (log odds) of rows of raw features, float64 (n,)."""
    return linear.decide(fitted, seen)


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
