"""Linear discriminant analysis with a shrunken covariance (Ledoit and Wolf 2004).

Of standardised features. Each class' covariance is shrunken by itself, as in scikit-learn. It
comes from sums over the class' bytes, which are exact, and from one pass: nothing but bytes is held
of the rows, so any number of them is taken, of feature sets of few columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import columns, linear
from deepfake.models import gram as grams
from deepfake.models.registry import Fitted, Training
from deepfake.models.standardise import Scaler, deviation

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
    sides = _sides(training, train)
    new_rows = training.pixels.at(held_out)
    solved = (_solve(candidate, *sides) for candidate in candidates)
    return [
        grams.dot(new_rows, arrays["weights"]) + settings["intercept"]
        for arrays, settings in solved
    ]


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows: one weight a feature."""
    sides = _sides(training, np.arange(len(training.fake)))
    return Fitted("lda", candidate, *_solve(candidate, *sides))


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Log odds of rows of raw features, float64 (n,)."""
    return linear.decide(fitted, matrix)


@dataclass(frozen=True)
class _Moments:
    """Of the rows of a class.

    Attributes:
        count: of the rows. mean: float64 (p,). covariance: float64 (p, p), of raw features.
        powers: the sum of the rows' fourth powers, |u|**4, of u standardised by this class.
    """

    count: int
    mean: np.ndarray
    covariance: np.ndarray
    powers: float

    @property
    def variance(self) -> np.ndarray:
        return self.covariance.diagonal()


def _sides(training: Training, chosen: np.ndarray) -> tuple[_Moments, _Moments]:
    """Moments of the fakes and of the reals among the rows chosen."""
    fake = training.fake[chosen]
    return tuple(_moments(training.pixels.take(chosen[side])) for side in (fake, ~fake))


def _moments(rows: np.ndarray) -> _Moments:
    from deepfake.models import passes

    covariance, sums, n = columns.Table(rows).products()
    covariance *= n
    covariance -= np.outer(sums, sums)
    covariance /= n**2
    mean, lengths = sums / n + 128, np.empty(n)
    passes.lengths(rows, mean, 1 / deviation(covariance.diagonal()), lengths)
    return _Moments(n, mean, covariance, float(lengths @ lengths))


def _solve(candidate: dict, fakes: _Moments, reals: _Moments) -> tuple[dict, dict]:
    """Arrays and settings of a linear model of raw features."""
    import scipy.linalg

    share, shrinkage = fakes.count / (fakes.count + reals.count), candidate["shrinkage"]
    mean = share * fakes.mean + (1 - share) * reals.mean
    apart = fakes.mean - reals.mean
    variance = share * fakes.variance + (1 - share) * reals.variance
    variance += share * (1 - share) * apart**2
    varying, count = np.count_nonzero(variance), fakes.count + reals.count
    if shrinkage == 0 and varying > count - 2:
        raise ValueError(
            f"lda with shrinkage 0: {count} training rows cannot tell the covariance of "
            f"{varying} features, which vary; set sweep.lda.shrinkage to auto or above 0, or take "
            "a feature set of fewer columns"
        )
    scale = deviation(variance)
    inner = share * _covariance(fakes, shrinkage, scale)
    inner += (1 - share) * _covariance(reals, shrinkage, scale)
    apart = apart / scale
    try:
        weights = scipy.linalg.cho_solve(scipy.linalg.cho_factor(inner), apart)
    except scipy.linalg.LinAlgError:  # not shrunken, and singular
        weights = scipy.linalg.lstsq(inner, apart)[0]
    middle = ((fakes.mean + reals.mean) / 2 - mean) / scale
    intercept = float(np.log(share / (1 - share)) - middle @ weights)
    return linear.raw_weights(weights, intercept, Scaler(mean, scale))


def _covariance(side: _Moments, shrinkage: str | float, scale: np.ndarray) -> np.ndarray:
    """A class' covariance of scaled features, drawn towards the same variance of all of them."""
    if shrinkage != "auto":
        found = side.covariance / scale
        found /= scale[:, None]
        return _shrunken(found, shrinkage)
    own = deviation(side.variance)
    found = side.covariance / own
    found /= own[:, None]
    found = _shrunken(found, _ledoit_wolf(found, side))
    back = deviation(side.variance / scale**2)
    found *= back
    found *= back[:, None]
    return found


def _shrunken(covariance: np.ndarray, share: float) -> np.ndarray:
    """A covariance, which is overwritten, with a share of its mean variance in place of it."""
    mean = covariance.trace() / len(covariance)
    covariance *= 1 - share
    covariance[np.diag_indices_from(covariance)] += share * mean
    return covariance


def _ledoit_wolf(covariance: np.ndarray, side: _Moments) -> float:
    """The share of Ledoit and Wolf 2004, from the covariance of rows and their fourth powers."""
    p, squares = len(covariance), float(np.vdot(covariance, covariance))
    apart = squares - covariance.trace() ** 2 / p
    noise = min((side.powers / side.count - squares) / side.count, apart)
    return noise / apart if noise > 0 else 0.0
