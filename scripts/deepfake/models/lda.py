"""Linear discriminant analysis with a shrunken covariance (Ledoit and Wolf 2004).

Of standardised features, all of them in memory: for feature sets of few columns. Each class'
covariance is shrunken by itself, as in scikit-learn.
"""

from __future__ import annotations

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import linear, standardise
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
    """Log odds of held-out rows for each candidate, fitted on the rows `train`."""
    matrix = training.pixels.at(train)
    scaler = standardise.fit(matrix, "standard")
    rows, new_rows = (
        standardise.table(some, scaler) for some in (matrix, training.pixels.at(held_out))
    )
    solved = (_solve(candidate, rows, training.fake[train]) for candidate in candidates)
    return [new_rows @ weights + intercept for weights, intercept in solved]


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows: one weight a feature."""
    scaler = standardise.fit(training.pixels, "standard")
    rows = standardise.table(training.pixels, scaler)
    solved = _solve(candidate, rows, training.fake)
    return Fitted("lda", candidate, *linear.raw_weights(*solved, scaler))


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Log odds of rows of raw features, float64 (n,)."""
    return linear.decide(fitted, matrix)


def _solve(candidate: dict, rows: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, float]:
    import scipy.linalg

    fakes, reals = rows[fake], rows[~fake]
    share, shrinkage = fake.mean(), candidate["shrinkage"]
    varying = np.count_nonzero(np.ptp(rows, axis=0))
    if shrinkage == 0 and varying > len(rows) - 2:
        raise ValueError(
            f"lda with shrinkage 0: {len(rows)} training rows cannot tell the covariance of "
            f"{varying} features, which vary; set sweep.lda.shrinkage to auto or above 0, or take "
            "a feature set of fewer columns"
        )
    inner = share * _covariance(fakes, shrinkage)
    inner += (1 - share) * _covariance(reals, shrinkage)
    apart = fakes.mean(axis=0) - reals.mean(axis=0)
    try:
        weights = scipy.linalg.cho_solve(scipy.linalg.cho_factor(inner), apart)
    except scipy.linalg.LinAlgError:  # not shrunken, and singular
        weights = scipy.linalg.lstsq(inner, apart)[0]
    middle = (fakes.mean(axis=0) + reals.mean(axis=0)) / 2
    return weights, float(np.log(share / (1 - share)) - middle @ weights)


def _covariance(rows: np.ndarray, shrinkage: str | float) -> np.ndarray:
    """Covariance of a class, drawn towards the same variance of all features."""
    from sklearn.covariance import empirical_covariance, ledoit_wolf, shrunk_covariance

    if shrinkage != "auto":
        return shrunk_covariance(empirical_covariance(rows), shrinkage)
    deviation = rows.std(axis=0)
    deviation[np.ptp(rows, axis=0) == 0] = 1
    found, _ = ledoit_wolf(rows / deviation)
    found *= deviation
    found *= deviation[:, None]
    return found
