"""Newton's method for a smooth loss with a squared penalty, on one of several ways.

    min over w, b of  |w|**2 / 2 + the sum of the rows' losses at w'z + b

A way says what is looked for (weights, or coefficients of rows) and makes a step.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from deepfake.models.columns import Columns
from deepfake.models.gram import Products

STEPS = 200
PASSES = 200  # over the rows, in a step that is solved in the columns
PATIENCE = 8  # of them at least, before the Hessian itself is made
# What an entry of a row in a pass, and one of the factor in a solution, take beside a multiply-add
# of a matrix product; and after which share of what the Hessian takes it is made, since it serves
# the steps that follow too. Measured at 3,328 columns on two threads.
ENTRY, SOLVED, SHARE = 10, 45, 0.4
LEFT = 1e-4  # share of a step's size that is left of it: the next step finds it
# Of a step found in float32: what it may leave, as a share of all, to be of use, and how many times
# what it should leave, to be the step.
SHORT, NEARLY = 0.1, 4.0
UNSEEN = 1e-14  # share of an objective that its own rounding may be
ROUNDED = 1e-9  # share of a row's curvature that is no change of it


class Loss(Protocol):
    """The loss of each row at its value, float64 (n,): their sum, slopes and curvatures.

    A slope is downwards. Curvatures are not below 0.
    """

    def total(self, values: np.ndarray) -> float: ...

    def slopes(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...

    def enough(self, values: np.ndarray, objective: float) -> float:
        """What another step may still gain."""


class Way(Protocol):
    """What is looked for, and the step there; `unknowns` are its length."""

    unknowns: int

    def penalty(self, found: np.ndarray, values: np.ndarray) -> float:
        """|w|**2."""

    def step(
        self, found: np.ndarray, curvature: np.ndarray, slope: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """A full step, what it adds to the values, and twice what it gains."""


def minimise(
    loss: Loss,
    way: Way,
    found: np.ndarray,
    values: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """What a way looks for, at the optimum, and the rows' values there.

    Args:
        found, values: where to begin.
    """

    def objective(found: np.ndarray, values: np.ndarray) -> float:
        return way.penalty(found, values) / 2 + loss.total(values)

    best = objective(found, values)
    for _ in range(STEPS):
        slope, curvature = loss.slopes(values)
        step, along, gain = way.step(found, curvature, slope)
        if gain <= loss.enough(values, best):
            further = found + step, values + along
            worse = objective(*further) - best > UNSEEN * abs(best)
            return (found, values) if worse else further
        share = 1.0
        while objective(found + share * step, values + share * along) > best - share * gain / 4:
            share /= 2
            if share < 1e-9:
                return found, values
        found, values = found + share * step, values + share * along
        best = objective(found, values)
    return found, values


class InColumns:
    """Looks for the weights of scaled features, and the intercept behind them.

    A step is solved by conjugate gradients, a pass over the rows with curvature each,
    preconditioned by what the Hessian would be if all rows had the same one, and where that is too
    far from it, by the Hessian itself, which is kept for the steps that follow: it is made again of
    the rows alone whose curvature became another. Passes are in float32, in half the time; what a
    step leaves is then told in float64, and is followed in float64 where it is too much.
    Source: Nocedal and Wright, Numerical Optimization (2006), section 7.1.

    Args:
        free: whether the intercept is not penalised.
        least: what is added to the intercept's curvature in the Hessian, where no row may have any.
    """

    def __init__(self, columns: Columns, free: bool, least: float = 0.0) -> None:
        self._columns = columns
        self.unknowns = columns.unknowns
        self._penalised = np.ones(self.unknowns)
        self._penalised[-1] = not free
        self._added = self._penalised.copy()
        self._added[-1] += least
        self._short = True  # whether float32 was of use in the last step
        self._pull, self._slope = np.zeros(self.unknowns), np.zeros(columns.count)
        self._kept: tuple[np.ndarray, bool] | None = None  # the factor of the last step
        self._mean: float | None = 0.0  # curvature of all rows in the factor, if it is one
        self._hessian: Products | None = None  # the last one that was made
        self._of = np.zeros(columns.count)  # the rows' curvatures there

    def penalty(self, found: np.ndarray, values: np.ndarray) -> float:
        return self._penalised @ found**2

    def _change(self, curvature: np.ndarray) -> tuple[float, np.ndarray]:
        """What the last Hessian has to be multiplied by, and what each row adds to it then."""
        ratio = curvature.max(initial=0.0) / (self._of.max(initial=0.0) or 1.0)
        change = curvature - ratio * self._of
        change[np.abs(change) <= ROUNDED * curvature] = 0.0
        return ratio, change

    def _exact(
        self, curvature: np.ndarray, ratio: float, change: np.ndarray
    ) -> tuple[np.ndarray, bool]:
        """A factor of the Hessian, made of the last one where that takes fewer rows."""
        if np.count_nonzero(change) >= np.count_nonzero(curvature):
            change, self._hessian = curvature, None
        if self._hessian is None:
            self._hessian = Products(self.unknowns, np.float64)
        else:
            self._hessian.multiply(ratio)
        rows = np.flatnonzero(change)
        self._columns.add_bent(self._hessian, change[rows], rows)
        self._of = curvature
        return self._factor(self._hessian.lower())

    def _factor(self, hessian: np.ndarray) -> tuple[np.ndarray, bool]:
        """The factor of a Hessian, of which the lower triangle is read, with the penalty."""
        import scipy.linalg

        hessian[np.diag_indices_from(hessian)] += self._added
        return scipy.linalg.cho_factor(hessian.T, overwrite_a=True, check_finite=False)

    def _near(self, curvature: np.ndarray) -> tuple[np.ndarray, bool]:
        """A factor of what is near the Hessian: the one of the last step, where that still is."""
        mean = curvature.mean()
        if self._mean is not None and not self._mean / 2 < mean < self._mean * 2:
            self._kept, self._mean = self._factor(self._columns.estimate * mean), mean
        return self._kept

    def step(
        self, found: np.ndarray, curvature: np.ndarray, slope: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """A full step, what it adds to the values, and twice what it gains."""
        changed = np.flatnonzero(slope != self._slope)
        self._pull = self._pull + self._columns.combined(slope - self._slope, changed)
        self._slope = slope
        downhill = self._pull - self._penalised * found
        bent = np.flatnonzero(curvature)
        factor = self._near(curvature)
        ratio, change = self._change(curvature)
        made_of = min(len(bent), np.count_nonzero(change))
        patience = _patience(len(bent), made_of, self.unknowns)
        size = _size(factor, downhill)
        enough = LEFT * size
        rows = curvature[bent], bent

        step, left, along = np.zeros(self.unknowns), downhill, None
        if self._short:
            tried, _, passes = self._solve(factor, left, rows, enough, patience, np.float32)
            added = self._columns.values(tried)
            missing = left - self._columns.combined(curvature * added, bent) - self._added * tried
            self._short = _size(factor, missing) <= SHORT * size
            if self._short:
                step, left, along, patience = tried, missing, added, patience - passes
                size = _size(factor, left)
        if size > NEARLY * enough:
            more, left, passes = self._solve(factor, left, rows, enough, patience, np.float64)
            step = step + more
            if passes == patience:
                factor = self._kept = None  # as large as the next one
                factor = self._kept = self._exact(curvature, ratio, change)
                self._mean = None
                more, *_ = self._solve(factor, left, rows, enough, PASSES, np.float64)
                step = step + more
            along = None
        if along is None:
            along = self._columns.values(step)
        return step, along, float(downhill @ step)

    def _solve(
        self,
        factor: tuple[np.ndarray, bool],
        left: np.ndarray,
        rows: tuple[np.ndarray, np.ndarray],
        enough: float,
        most: int,
        kind: type,
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """The Hessian's solution by conjugate gradients; what it leaves; how many passes it took.

        Args:
            factor: of what is near the Hessian. left: of the right side.
            rows: those with curvature: it, and their positions.
            enough: the size at which it ends. most: passes. kind: of numbers in them.
        """
        import scipy.linalg

        found, direction, size = np.zeros(self.unknowns), np.zeros(self.unknowns), 1.0
        for passes in range(most):
            solved = scipy.linalg.cho_solve(factor, left, check_finite=False)
            before, size = size, float(left @ solved)
            if size <= enough:
                return found, left, passes
            direction = solved + size / before * direction
            pulled = self._columns.bent(direction, *rows, kind) + self._added * direction
            share = size / float(direction @ pulled)
            found = found + share * direction
            left = left - share * pulled
        return found, left, most


def _size(factor: tuple[np.ndarray, bool], left: np.ndarray) -> float:
    """How much is left of a step: its squared length by the inverse of what is near the Hessian."""
    import scipy.linalg

    return float(left @ scipy.linalg.cho_solve(factor, left, check_finite=False))


def _patience(rows: int, made_of: int, columns: int) -> int:
    """After how many passes over so many rows their Hessian is made, of so many of them."""
    hessian = made_of * columns**2 / 2 + columns**3 / 3
    return max(PATIENCE, int(SHARE * hessian / (ENTRY * rows * columns + SOLVED * columns**2)))
