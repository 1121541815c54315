"""L2-penalised logistic regression on the Gram matrix.

By the representer theorem the optimal weights are Z'a, so n coefficients a replace 307,200 weights,
with the same objective and the same optimum:

    min over w, b of  |w|**2 / 2 + C * sum log(1 + exp(-y (w'z + b)))

Newton's method goes there on one of two ways. With the exact products of raw pixels a step is one
Cholesky decomposition (`_Coefficients`). Those of scaled pixels carry the noise of float32, and a
huge C magnifies what noise there is: then the rows are first rotated to the Gram matrix'
eigenvectors, where directions of nothing but noise are dropped (`_Rotated`).
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
TAME = 1e15  # C times the trace of exact products, up to which no rotation is needed
PRECISION = 1e-12  # share of the objective that another step could still gain
STEPS = 200
FLAT = 1e-12  # least curvature, as a share of the largest: far rows must not vanish


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`."""
    rotated: dict[tuple[str, str], _Rotated] = {}
    scores = []
    for candidate in candidates:
        products = training.grams[candidate["scaling"]].products
        coefficients, intercept = _solve(
            candidate, products[np.ix_(train, train)], training.fake[train], rotated
        )
        scores.append(products[np.ix_(held_out, train)] @ coefficients + intercept)
    return scores


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows and map back to one weight a pixel."""
    products = training.grams[candidate["scaling"]].products
    coefficients, intercept = _solve(candidate, products, training.fake, {})
    scaler = standardise.fit(training.pixels, candidate["scaling"])
    weights = grams.project(training.pixels, scaler, coefficients)
    return Fitted("logistic", candidate, *raw_weights(weights, intercept, scaler))


def decide(fitted: Fitted, seen: Matrix | Faces) -> np.ndarray:
    """Decision values (log odds) of rows of raw pixels, float64 (n,)."""
    return grams.dot(seen, fitted.arrays["weights"]) + fitted.settings["intercept"]


def _solve(
    candidate: dict,
    products: np.ndarray,
    fake: np.ndarray,
    rotated: dict[tuple[str, str], _Rotated],
) -> tuple[np.ndarray, float]:
    """Coefficients (n,) of the rows, and the intercept, at the optimum.

    Args:
        products: float64 (n, n), the rows' Gram matrix.
        rotated: by scaling and intercept, what was rotated for other candidates; added to.
    """
    if candidate["scaling"] == "none" and candidate["C"] * products.trace() <= TAME:
        way = _Coefficients(candidate, products)
    else:
        key = candidate["scaling"], candidate["intercept"]
        if key not in rotated:
            rotated[key] = _Rotated(candidate, products)
        way = rotated[key]
    return way.told(_newton(candidate["C"], np.where(fake, 1.0, -1.0), way))


def _newton(strength: float, sign: np.ndarray, way: _Coefficients | _Rotated) -> np.ndarray:
    """What a way looks for, at the optimum.

    Args:
        strength: C. sign: float64 (n,), 1 for fake, -1 for real.
    """
    from scipy.special import expit

    def objective(found: np.ndarray, values: np.ndarray) -> float:
        return way.penalty(found, values) / 2 + strength * np.logaddexp(0, -sign * values).sum()

    found, values = np.zeros(way.unknowns), np.zeros(len(sign))
    best = objective(found, values)
    for _ in range(STEPS):
        wrong = expit(-sign * values)
        curvature = strength * wrong * expit(sign * values)
        curvature = np.maximum(curvature, FLAT * curvature.max())
        step, along, gain = way.step(found, values, curvature, strength * sign * wrong)
        if gain <= PRECISION * best:
            return found + step
        share = 1.0
        while objective(found + share * step, values + share * along) > best - share * gain / 4:
            share /= 2
            if share < 1e-9:
                return found
        found, values = found + share * step, values + share * along
        best = objective(found, values)
    return found


def _inner(candidate: dict, products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Gram matrix as an intercept makes it, and the means taken off its columns.

    A penalised intercept is a constant feature: one in every entry. A free one lets the rows be
    centred, which frees them from the huge common part of raw pixels.
    """
    if candidate["intercept"] == "penalised":
        return products + 1.0, np.zeros(len(products))
    means = products.mean(axis=0)
    inner = products - means
    inner -= means[:, None] - means.mean()
    return inner, means


class _Coefficients:
    """Looks for the rows' coefficients a, and a free intercept behind them.

    At the optimum a is the loss' slope. A step (a', b') solves (K + 1/D) a' + b' = (slope - a) / D,
    with D the rows' curvatures, through the well-conditioned I + sqrt(D) K sqrt(D). A free b keeps
    the sum of a at nought.
    Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), section 3.4.
    """

    def __init__(self, candidate: dict, products: np.ndarray) -> None:
        self._inner, self._means = _inner(candidate, products)
        self._free = candidate["intercept"] == "free"
        self.unknowns = len(products) + 1

    def penalty(self, found: np.ndarray, values: np.ndarray) -> float:
        return found[:-1] @ (values - found[-1])

    def step(
        self, found: np.ndarray, values: np.ndarray, curvature: np.ndarray, slope: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """A full step, what it adds to the values, and twice what it gains."""
        import scipy.linalg

        root = np.sqrt(curvature)
        bent = self._inner * root
        bent *= root[:, None]
        bent[np.diag_indices_from(bent)] += 1.0
        # symmetric, so its transpose is the same matrix in the order that LAPACK wants
        factor = scipy.linalg.cho_factor(bent.T, overwrite_a=True, check_finite=False)
        left = slope - found[:-1]
        step, intercept = root * scipy.linalg.cho_solve(factor, left / root), 0.0
        if self._free:
            ones = root * scipy.linalg.cho_solve(factor, root)
            intercept = (step.sum() + found[:-1].sum()) / ones.sum()
            step -= intercept * ones
        along = self._inner @ step + intercept
        return np.append(step, intercept), along, float(left @ along)

    def told(self, found: np.ndarray) -> tuple[np.ndarray, float]:
        """Coefficients and intercept for the products as they were given."""
        if self._free:
            return found[:-1], float(found[-1] - self._means @ found[:-1])
        return found[:-1], float(found.sum())


class _Rotated:
    """Looks for the weights of the rows' coordinates in the eigenvectors of their Gram matrix.

    Null directions (duplicate frames make them) are dropped. The coordinates' sizes differ by
    orders of magnitude. Cholesky does not mind, whereas scikit-learn's solvers stop early or give
    up on such a Hessian.
    """

    def __init__(self, candidate: dict, products: np.ndarray) -> None:
        import scipy.linalg

        inner, self._means = _inner(candidate, products)
        values, vectors = scipy.linalg.eigh(inner, overwrite_a=True)
        exact = candidate["scaling"] == "none"
        noise = EXACT_NOISE * products.trace() if exact else SCALED_NOISE * values[-1]
        kept = values > max(noise, 0.0)
        del inner
        self._free = candidate["intercept"] == "free"
        self._lengths = values[kept]
        self._coordinates = vectors[:, kept]
        del vectors
        self._coordinates *= np.sqrt(self._lengths)
        self._penalised = np.ones(len(self._lengths))
        if self._free:
            self._coordinates = np.column_stack([self._coordinates, np.ones(len(products))])
            self._penalised = np.append(self._penalised, 0.0)
        self.unknowns = len(self._penalised)

    def penalty(self, found: np.ndarray, values: np.ndarray) -> float:
        return self._penalised @ found**2

    def step(
        self, found: np.ndarray, values: np.ndarray, curvature: np.ndarray, slope: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """A full step, what it adds to the values, and twice what it gains."""
        import scipy.linalg

        downhill = self._coordinates.T @ slope - self._penalised * found
        bent = self._coordinates * np.sqrt(curvature)[:, None]
        hessian = bent.T @ bent  # numpy sees the symmetry: half the work
        hessian[np.diag_indices_from(hessian)] += self._penalised
        factor = scipy.linalg.cho_factor(hessian.T, overwrite_a=True)  # its own transpose
        step = scipy.linalg.cho_solve(factor, downhill)
        return step, self._coordinates @ step, float(downhill @ step)

    def told(self, found: np.ndarray) -> tuple[np.ndarray, float]:
        """Coefficients and intercept for the products as they were given."""
        if not self._free:
            coefficients = self._coordinates @ (found / self._lengths)
            return coefficients, float(coefficients.sum())
        coefficients = self._coordinates[:, :-1] @ (found[:-1] / self._lengths)
        coefficients -= coefficients.mean()
        return coefficients, float(found[-1] - self._means @ coefficients)
