"""L2-penalised logistic regression on the Gram matrix; see `linear`.

    min over w, b of  |w|**2 / 2 + C * sum log(1 + exp(-y (w'z + b)))

Newton's method goes there on one of three ways. With the exact products of raw pixels a step is one
Cholesky decomposition (`_Coefficients`). Those of scaled pixels carry the noise of float32, and a
huge C magnifies what noise there is: then the rows are first rotated to the Gram matrix'
eigenvectors, where directions of nothing but noise are dropped (`_Weights`). Without a Gram matrix
the weights are looked for in the columns (`newton.InColumns`).
"""

from __future__ import annotations

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import linear, newton
from deepfake.models.columns import Columns
from deepfake.models.registry import Fitted, Training

THRESHOLD = 0.0
LAYOUTS, check = linear.LAYOUTS, linear.check
TAME = 1e15  # C times the trace of exact products, up to which no rotation is needed
PRECISION = 1e-12  # share of the objective that another step could still gain
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
    return linear.score(candidates, training, train, held_out, _solve, _solve_columns, threads)


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows and map back to one weight a feature."""
    return linear.fit("logistic", candidate, training, _solve, _solve_columns, threads)


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Decision values (log odds) of rows of raw features, float64 (n,)."""
    return linear.decide(fitted, matrix)


def _solve(candidate: dict, data: linear.TrainingData) -> tuple[np.ndarray, float]:
    free = candidate["intercept"] == "free"
    if candidate["scaling"] == "none" and candidate["C"] * data.products.trace() <= TAME:
        way = _Coefficients(data.products, free)
    else:
        way = _Weights(linear.rotated(candidate, data), free)
    return way.coefficients(_minimum(candidate, data.fake, way))


def _solve_columns(candidate: dict, columns: Columns, fake: np.ndarray) -> np.ndarray:
    return _minimum(candidate, fake, newton.InColumns(columns, candidate["intercept"] == "free"))


class _Loss:
    """C * log(1 + exp(-y f)) of each row.

    Args:
        strength: C. fake: bool (n,).
    """

    def __init__(self, strength: float, fake: np.ndarray) -> None:
        self._strength, self._sign = strength, np.where(fake, 1.0, -1.0)

    def total(self, values: np.ndarray) -> float:
        return self._strength * np.logaddexp(0, -self._sign * values).sum()

    def slopes(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import expit

        wrong = expit(-self._sign * values)
        curvature = self._strength * wrong * expit(self._sign * values)
        return self._strength * self._sign * wrong, np.maximum(curvature, FLAT * curvature.max())

    def enough(self, values: np.ndarray, objective: float) -> float:
        return PRECISION * objective


def _minimum(candidate: dict, fake: np.ndarray, way: newton.Way) -> np.ndarray:
    loss = _Loss(candidate["C"], fake)
    return newton.minimise(loss, way, np.zeros(way.unknowns), np.zeros(len(fake)))[0]


class _Coefficients:
    """Looks for the rows' coefficients a, and a free intercept behind them.

    At the optimum a is the loss' slope. A step (a', b') solves (K + 1/D) a' + b' = (slope - a) / D,
    with D the rows' curvatures, through the well-conditioned I + sqrt(D) K sqrt(D). A free b keeps
    the sum of a at nought.
    Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), section 3.4.
    """

    def __init__(self, products: np.ndarray, free: bool) -> None:
        self._inner, self._means = linear.with_intercept(products, not free)
        self._free = free
        self.unknowns = len(products) + 1

    def penalty(self, found: np.ndarray, values: np.ndarray) -> float:
        return found[:-1] @ (values - found[-1])

    def step(
        self, found: np.ndarray, curvature: np.ndarray, slope: np.ndarray
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

    def coefficients(self, found: np.ndarray) -> tuple[np.ndarray, float]:
        """Coefficients and intercept for the products as they were given."""
        if self._free:
            return found[:-1], float(found[-1] - self._means @ found[:-1])
        return found[:-1], float(found.sum())


class _Weights:
    """Looks for the weights of rotated rows' coordinates, and a free intercept behind them.

    The coordinates' sizes differ by orders of magnitude. Cholesky does not mind, whereas
    scikit-learn's solvers stop early or give up on such a Hessian.
    """

    def __init__(self, rows: linear.Rotated, free: bool) -> None:
        self._rows, self._free = rows, free
        self._coordinates = rows.coordinates
        self._penalised = np.ones(len(rows.lengths))
        if free:
            ones = np.ones(len(rows.coordinates))
            self._coordinates = np.column_stack([rows.coordinates, ones])
            self._penalised = np.append(self._penalised, 0.0)
        self.unknowns = len(self._penalised)

    def penalty(self, found: np.ndarray, values: np.ndarray) -> float:
        return self._penalised @ found**2

    def step(
        self, found: np.ndarray, curvature: np.ndarray, slope: np.ndarray
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

    def coefficients(self, found: np.ndarray) -> tuple[np.ndarray, float]:
        """Coefficients and intercept for the products as they were given."""
        return (
            self._rows.coefficients(found[:-1], found[-1])
            if self._free
            else self._rows.coefficients(found)
        )
