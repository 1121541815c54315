"""Distance of a face to the real ones, under their shrunken covariance: no forgery is learnt from.

A baseline: a fake is detected because it is unlike the real rows of the training, and no trace of
one method can be fitted. Fakes are used only to choose among candidates and to calibrate scores.
The squared distance of Mahalanobis 1936, "On the generalised distance in statistics", divided by
the number of features: of rows that are distributed as the covariance says it is 1 on average,
which is the threshold. Fewer rows than features, and what is shrunken, move that: a threshold from
the folds is better. Features are standardised by the real rows, all of them in memory: for feature
sets of few columns.

The covariance S becomes (1 - a) S + a m I, where m is the mean variance, and a is Ledoit and Wolf's
("A well-conditioned estimator for large-dimensional covariance matrices", 2004) or a given share.
"""

from __future__ import annotations

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import layout, standardise
from deepfake.models.registry import Fitted, Training
from deepfake.models.standardise import Scaler

THRESHOLD = 1.0
LEAST = 1e-6  # of a: two rows, or many that are alike, would leave directions without variance
LAYOUTS: tuple[layout.Layout, ...] = (
    {"whitener": ("float64", ("features", "features"))} | layout.SCALER,
)


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Distances of held-out rows for each candidate, fitted on the real rows of `train`."""
    scaler, rows = _real(training.pixels, train[~training.fake[train]])
    new_rows = standardise.table(training.pixels.at(held_out), scaler)
    moments = _moments(rows)
    return [_distances(new_rows, _whitener(*moments, c["shrinkage"])[0]) for c in candidates]


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all real training rows: how they are standardised, and whitened."""
    scaler, rows = _real(training.pixels, np.flatnonzero(~training.fake))
    whitener, share = _whitener(*_moments(rows), candidate["shrinkage"])
    arrays = {"whitener": whitener, "mean": scaler.mean, "scale": scaler.scale}
    return Fitted("mahalanobis", candidate, arrays, {"shrinkage": share}, THRESHOLD)


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Distance of rows of raw features to the mean real row, squared, float64 (n,)."""
    arrays = fitted.arrays
    rows = standardise.table(matrix, Scaler(arrays["mean"], arrays["scale"]))
    return _distances(rows, arrays["whitener"])


def _real(matrix: Matrix | InMemoryMatrix, real: np.ndarray) -> tuple[Scaler, np.ndarray]:
    """What standardises by the real rows at these positions, and those rows, (n, p)."""
    chosen = matrix.at(real)
    scaler = standardise.fit(chosen, "standard")
    return scaler, standardise.table(chosen, scaler)


def _moments(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Covariance of centred rows, float64 (p, p), and Ledoit and Wolf's a.

    With S = X'X / n of p features, and m = tr S / p: a is the least of 1 and b / d, where
    d = |S - m I|^2 and b = (sum of |x|^4 / n - |S|^2) / n, in squares of Frobenius' norm.
    """
    n, p = rows.shape
    lengths = np.einsum("ij,ij->i", rows, rows)
    covariance = rows.T @ rows
    covariance /= n
    whole = np.vdot(covariance, covariance)
    spread = whole - covariance.trace() ** 2 / p
    doubt = (lengths @ lengths / n - whole) / n
    return covariance, 1.0 if spread <= doubt else max(float(doubt / spread), LEAST)


def _whitener(
    covariance: np.ndarray, auto: float, shrinkage: str | float
) -> tuple[np.ndarray, float]:
    """W, lower triangular (p, p), so that W'W is the inverse of the shrunken covariance; and a."""
    import scipy.linalg

    share = auto if shrinkage == "auto" else float(shrinkage)
    inner = (1 - share) * covariance
    # features that are constant have no variance, and a distance in the scaler's units
    inner[np.diag_indices_from(inner)] += share * covariance.trace() / len(inner) or 1.0
    factor = scipy.linalg.cholesky(inner, lower=True, overwrite_a=True)
    whitener, _ = scipy.linalg.lapack.dtrtri(factor, lower=1, overwrite_c=1)
    return np.ascontiguousarray(whitener), share


def _distances(rows: np.ndarray, whitener: np.ndarray) -> np.ndarray:
    """Of standardised rows."""
    white = rows @ whitener.T
    return np.einsum("ij,ij->i", white, white) / rows.shape[1]


def check(arrays: dict[str, np.ndarray], length: int, record: dict) -> None:
    """Whether the settings are whole: see `bundle_schema.check`."""
    layout.demand_settings(record, "shrinkage")
