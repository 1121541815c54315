"""Linear discriminant analysis with a shrunken covariance (Ledoit and Wolf 2004), by scikit-learn.

Of standardised features, all of them in memory: for feature sets of few columns.
"""

from __future__ import annotations

import numpy as np

from deepfake import standardise
from deepfake.matrix import Faces, Matrix
from deepfake.models import Fitted, Training, linear

THRESHOLD = 0.0


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Log odds of held-out rows for each candidate, fitted on the rows `train`."""
    seen = training.pixels.at(train)
    scaler = standardise.fit(seen, "standard")
    rows, asked = (standardise.table(some, scaler) for some in (seen, training.pixels.at(held_out)))
    solved = (_solve(candidate, rows, training.fake[train]) for candidate in candidates)
    return [asked @ weights + intercept for weights, intercept in solved]


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows: one weight a feature."""
    scaler = standardise.fit(training.pixels, "standard")
    rows = standardise.table(training.pixels, scaler)
    solved = _solve(candidate, rows, training.fake)
    return Fitted("lda", candidate, *linear.raw_weights(*solved, scaler))


def decide(fitted: Fitted, seen: Matrix | Faces) -> np.ndarray:
    """Log odds of rows of raw features, float64 (n,)."""
    return linear.decide(fitted, seen)


def _solve(candidate: dict, rows: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, float]:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    found = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=candidate["shrinkage"])
    found.fit(rows, fake)
    return found.coef_[0], float(found.intercept_[0])
