"""The linear support vector machine with a free intercept, solved in the columns of its rows.

    min over w, b of  |w|**2 / 2 + C * sum max(0, 1 - y (w'z + b))

It is libsvm's machine. Each round smooths the loss around coefficients a of the rows, 0 <= a <= C,
solves that by Newton's method, and takes the coefficients that follow: only rows near the margin
bend the smooth loss, so a step reads few rows. The smoother it is, the easier a round, and the more
rounds.
Source: Yan and Li, An efficient augmented Lagrangian method for support vector machine,
Optimization Methods and Software 35 (2020).
"""

from __future__ import annotations

import numpy as np

from deepfake.models import newton
from deepfake.models.columns import Columns

ROUNDS = 60
CLOSE = 1e-4  # how far the weights may be from the optimum, as a share of their length
SMOOTH = 4.0  # curvature of a row in the first round, as a share of 1 / |z|**2
SHARPER = 3.0  # how many times that is in each later one
SHARPEST = 1e10  # how many times that is at most: above, values are rounded too much for it
EXACT = 0.3  # how exactly a round is solved, beside what it changes
NOISE = 1e-12  # share of the objective that float64 does not hold
LEAST = 1e-3  # of a row's first curvature, which the intercept has where no row is at the margin
AT_BOUND = 1e-5  # share of C from a bound, within which a coefficient is taken to be there


class _Smooth:
    """max over 0 <= a <= C of a (1 - y f) - (a - `before`)**2 / (2 `bend`), of each row."""

    def __init__(self, sign: np.ndarray, strength: float, before: np.ndarray, bend: float) -> None:
        self._sign, self._strength, self._before, self._bend = sign, strength, before, bend

    def wanted(self, values: np.ndarray) -> np.ndarray:
        """The coefficients before their bounds."""
        return self._before + self._bend * (1 - self._sign * values)

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        return self.wanted(values).clip(0, self._strength)

    def total(self, values: np.ndarray) -> float:
        a = self.coefficients(values)
        change = a - self._before
        return float(a @ (1 - self._sign * values) - change @ change / (2 * self._bend))

    def slopes(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wanted = self.wanted(values)
        inside = (wanted > 0) & (wanted < self._strength)
        return self._sign * wanted.clip(0, self._strength), self._bend * inside

    def enough(self, values: np.ndarray, objective: float) -> float:
        change = self.coefficients(values) - self._before
        return EXACT * float(change @ change) / (2 * self._bend) + NOISE / 100 * abs(objective)


def solve(columns: Columns, fake: np.ndarray, strength: float) -> tuple[np.ndarray, bool]:
    """Weights and intercept (p + 1,) of the machine of C = `strength`; whether they are final.

    Args:
        fake: bool (n,), of the rows.
    """
    sign, n = np.where(fake, 1.0, -1.0), len(fake)
    fakes = np.count_nonzero(fake)
    length = columns.estimate.diagonal()[:-1].sum() / n
    start = min(strength / 2, 1 / length) if length > 0 else strength / 2
    a = start * min(fakes, n - fakes) / np.where(fake, fakes, n - fakes)
    way = newton.InColumns(columns, True, LEAST * start)
    found, values = np.zeros(way.unknowns), np.zeros(n)
    bend = SMOOTH * start
    for _ in range(ROUNDS):
        earlier = found[-1]
        loss = _Smooth(sign, strength, a, bend)
        found, values = newton.minimise(loss, way, found, values)
        a = loss.coefficients(values)
        pull, missing = columns.combined(sign * a), 1 - sign * values
        # How far the objective may be above the optimum, of parts that are not below 0: as a
        # difference of objectives it would be lost in their rounding.
        hinge = strength * np.maximum(0, missing)
        apart = found[:-1] - pull[:-1]
        above = (hinge - a * missing).sum() + apart @ apart / 2
        above += abs(pull[-1] * (found[-1] - earlier))
        half = found[:-1] @ found[:-1] / 2
        # the objective of weights at a distance d from the optimum is d**2 / 2 above it, or more
        if above <= max(CLOSE**2 * half, NOISE * (half + hinge.sum())):
            return _centred(found, values, sign, a, strength), True
        bend = min(SHARPER * bend, SHARPEST * start)
    return found, False


def _centred(
    found: np.ndarray, values: np.ndarray, sign: np.ndarray, a: np.ndarray, strength: float
) -> np.ndarray:
    """What was found; an intercept that may lie anywhere between two ends is in the middle."""
    least = AT_BOUND * strength
    if (np.minimum(a, strength - a) > least).any():
        return found
    wanted = sign - (values - found[-1])
    from_below = (a < strength / 2) == (sign > 0)
    if from_below.any() and not from_below.all():
        found = np.append(found[:-1], (wanted[from_below].max() + wanted[~from_below].min()) / 2)
    return found
