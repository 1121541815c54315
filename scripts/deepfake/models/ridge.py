"""Ridge regression on the labels (Hoerl and Kennard 1970), fake 1 and real -1, as a classifier.

    min over w, b of  alpha |w|**2 + sum (y - w'z - b)**2

In the Gram matrix' coordinates the features are orthogonal, so every alpha is one division. Without
a Gram matrix the weights are solved in the columns: a Cholesky decomposition for each alpha.
"""

from __future__ import annotations

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import linear
from deepfake.models.columns import Columns
from deepfake.models.registry import Fitted, Training

THRESHOLD = 0.0
LAYOUTS, check = linear.LAYOUTS, linear.check


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`."""
    return linear.score(candidates, training, train, held_out, _solve, _solve_columns, threads)


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows and map back to one weight a feature."""
    return linear.fit("ridge", candidate, training, _solve, _solve_columns, threads)


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Decision values of rows of raw features, float64 (n,)."""
    return linear.decide(fitted, matrix)


def _solve(candidate: dict, data: linear.TrainingData) -> tuple[np.ndarray, float]:
    sign = np.where(data.fake, 1.0, -1.0)
    mean = float(sign.mean())
    rows = linear.rotated(candidate, data)
    weights = rows.coordinates.T @ (sign - mean) / (rows.lengths + candidate["alpha"])
    return rows.coefficients(weights, mean)


def _solve_columns(candidate: dict, columns: Columns, fake: np.ndarray) -> np.ndarray:
    import scipy.linalg

    sign = np.where(fake, 1.0, -1.0)
    mean = float(sign.mean())
    inner = columns.products[:-1, :-1].copy()
    inner[np.diag_indices_from(inner)] += candidate["alpha"]
    pull = columns.combined(sign - mean)[:-1]
    try:
        weights = scipy.linalg.cho_solve(scipy.linalg.cho_factor(inner), pull)
    except scipy.linalg.LinAlgError:  # columns depend on each other, and alpha is next to nothing
        weights = scipy.linalg.lstsq(inner, pull)[0]
    return np.append(weights, mean)
