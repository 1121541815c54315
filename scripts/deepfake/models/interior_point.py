"""The linear support vector machine with a free intercept, solved in the columns of its rows.

    min over a of  |w|**2 / 2 - sum a,  w = sum a y z,  0 <= a <= C,  sum a y = 0

It is libsvm's machine. A primal-dual interior point method: each step solves a system of as many
unknowns as there are weights, and how many steps it takes hardly depends on the number of rows.
Source: Ferris and Munson, Interior-point methods for massive support vector machines, SIAM Journal
on Optimization 13 (2002), with the predictor and corrector of Mehrotra (1992).
"""

from __future__ import annotations

import numpy as np

from deepfake.models.columns import Columns

STEPS = 100
PRECISION = 1e-11  # share of the objective that another step could still gain
SHORT = 0.995  # of the way to the nearest bound
LEAST = (
    1e-11  # of a row's bend, as a share of |z|**2: float64 must still tell the penalty beside it
)
AT_BOUND = 1e-5  # share of C from a bound, within which a coefficient is taken to be there


def solve(columns: Columns, fake: np.ndarray, strength: float) -> tuple[np.ndarray, bool]:
    """Weights and intercept (p + 1,) of the machine of C = `strength`; whether they are final.

    Args:
        fake: bool (n,), of the rows.
    """
    state = _State(columns, np.where(fake, 1.0, -1.0), strength)
    for _ in range(STEPS):
        if state.gap() <= PRECISION:
            return state.solution(), True
        state.step()
    return state.solution(), False


class _State:
    """Where the search is: every row's coefficient a and its distance from C, above zero.

    `low` and `high` are the multipliers of both bounds; where they fit, a row's margin y f is
    1 + low - high.
    """

    def __init__(self, columns: Columns, sign: np.ndarray, strength: float) -> None:
        n = len(sign)
        self._columns, self._sign, self._strength = columns, sign, strength
        length = columns.products.diagonal()[:-1].sum() / n
        start = min(strength / 2, 1 / length) if length > 0 else strength / 2
        self._least = LEAST * length
        fakes = np.count_nonzero(sign > 0)
        rarer = min(fakes, n - fakes)
        self._a = start * np.where(sign > 0, rarer / fakes, rarer / (n - fakes))
        self._room = strength - self._a
        self._found = columns.combined(sign * self._a)
        self._found[-1] = 0.0
        self._values = columns.values(self._found)
        beyond = sign * self._values - 1
        least = max(1.0, float(np.abs(beyond).mean()))
        self._low = np.maximum(beyond, 0) + least
        self._high = np.maximum(-beyond, 0) + least

    def gap(self) -> float:
        """How far the objective and its lower bound are apart, as a share of the objective."""
        half = self._found[:-1] @ self._found[:-1] / 2
        losses = np.maximum(0, 1 - self._sign * self._values).sum()
        primal = half + self._strength * losses
        return abs(primal - (self._a.sum() - half)) / primal

    def step(self) -> None:
        """Go on, first to where the step leads, then with what it showed."""
        import scipy.linalg

        bent = np.maximum(self._low / self._a + self._high / self._room, self._least)
        hessian = self._columns.hessian(1 / bent)
        weights = np.arange(len(hessian) - 1)
        hessian[weights, weights] += 1.0
        factor = scipy.linalg.cho_factor(hessian.T, overwrite_a=True)  # its own transpose
        below, above = -self._low * self._a, -self._high * self._room
        mean = -(below.sum() + above.sum()) / (2 * len(bent))
        ahead = self._direction(factor, bent, below, above)
        share = self._share(ahead, 1.0)
        _, _, a, low, high = ahead
        left = (self._low + share * low) @ (self._a + share * a)
        left += (self._high + share * high) @ (self._room - share * a)
        target = mean * (left / (2 * len(bent)) / mean) ** 3
        below += target - a * low
        above += target + a * high
        found, along, a, low, high = step = self._direction(factor, bent, below, above)
        share = self._share(step, SHORT)
        self._found += share * found
        self._values += share * along
        self._a += share * a
        self._room -= share * a
        self._low += share * low
        self._high += share * high

    def _direction(
        self,
        factor: tuple[np.ndarray, bool],
        bent: np.ndarray,
        below: np.ndarray,
        above: np.ndarray,
    ) -> tuple[np.ndarray, ...]:
        """Changes of what was found, values, a, low and high: Newton's step of the conditions.

        Args:
            below, above: what low * a and high * room are to change by, float64 (n,).
        """
        import scipy.linalg

        sign = self._sign
        lacking = 1 + self._low - self._high - sign * self._values
        pull = lacking + below / self._a - above / self._room
        right = self._columns.combined(sign * (self._a + pull / bent))
        right[:-1] -= self._found[:-1]
        found = scipy.linalg.cho_solve(factor, right)
        along = self._columns.values(found)
        a = (pull - sign * along) / bent
        low = (below - self._low * a) / self._a
        high = (above + self._high * a) / self._room
        return found, along, a, low, high

    def _share(self, step: tuple[np.ndarray, ...], short: float) -> float:
        """How much of a step can be taken until something is no longer above zero."""
        _, _, a, low, high = step
        pairs = (self._a, a), (self._room, -a), (self._low, low), (self._high, high)
        most = max(float((-change / now).max()) for now, change in pairs)
        return min(1.0, short / most) if most > 0 else 1.0

    def solution(self) -> np.ndarray:
        """Weights and intercept; one that may lie anywhere between two ends is in the middle."""
        found, least = self._found.copy(), AT_BOUND * self._strength
        if (np.minimum(self._a, self._room) > least).any():
            return found
        wanted = self._sign - (self._values - found[-1])
        from_below = (self._a < self._room) == (self._sign > 0)
        if from_below.any() and not from_below.all():
            found[-1] = (wanted[from_below].max() + wanted[~from_below].min()) / 2
        return found
