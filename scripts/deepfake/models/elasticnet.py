"""Logistic regression with an elastic net (Zou and Hastie 2005): most features get no weight.

    min over w, b of  l1_ratio |w|_1 + (1 - l1_ratio) |w|**2 / 2
                      + C * sum log(1 + exp(-y (w'z + b)))

of standardised features, as scikit-learn's saga minimises it. The matrix stays on the disk: only
a working set of features is held, which grows by those that violate the optimum's conditions most
(Johnson and Guestrin 2015). Its problem is solved by Newton's method, each step by coordinate
descent (Friedman, Hastie and Tibshirani 2010) and by solving for all weights of the signs found.
The duality gap over all features says when to stop. Each C starts from the solution of a smaller.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import gram as grams
from deepfake.models import linear, standardise
from deepfake.models.quadratic import Quadratic
from deepfake.models.registry import Fitted, Training
from deepfake.models.standardise import Scaler

log = logging.getLogger("deepfake")

THRESHOLD = 0.0
LAYOUTS, check = linear.LAYOUTS, linear.check
PRECISION = 1e-10  # duality gap that is left, as a share of the objective
FLAT = 1e-12  # least curvature of a row's loss, as a share of the largest
ROUNDING = 1e-12  # share of the objective that its sums may round away
FIRST = 64  # features that enter an empty working set
FORCING = 1e-3, 0.3  # shares of its optimality conditions that a Newton step leaves unsolved
STEPS, SWEEPS, HALVINGS = 50, 200, 30


@dataclass
class _Problem:
    """What is minimised.

    Attributes:
        sign: float64 (n,), 1 for fake and -1 for real. C, l1_ratio: see the module.
    """

    sign: np.ndarray
    C: float
    l1_ratio: float

    def objective(self, weights: np.ndarray, margins: np.ndarray) -> float:
        lasso, squares = np.abs(weights).sum(), weights @ weights
        penalty = self.l1_ratio * lasso + (1 - self.l1_ratio) * squares / 2
        return penalty + self.C * np.logaddexp(0, -self.sign * margins).sum()

    def pull(self, margins: np.ndarray) -> np.ndarray:
        """How much each row wants its margin raised: minus the loss' slope, (n,)."""
        from scipy.special import expit

        return self.C * self.sign * expit(-self.sign * margins)

    def intercept(self, margins: np.ndarray) -> float:
        """What to add to all margins, so that their pulls are balanced."""
        from scipy.optimize import brentq
        from scipy.special import expit, logit

        share = (self.sign > 0).mean()
        ends = logit(share) - margins.max() - 1e-6, logit(share) - margins.min() + 1e-6
        return brentq(lambda b: expit(margins + b).mean() - share, *ends, xtol=1e-13)

    def promised(self, weights: np.ndarray, wish: np.ndarray, slopes: np.ndarray) -> float:
        """What a step from weights to a wish would gain, if the loss were a plane.

        Args:
            slopes: Z' pull at the weights.
        """
        lasso = np.abs(weights).sum() - np.abs(wish).sum()
        return (slopes - (1 - self.l1_ratio) * weights) @ (wish - weights) + self.l1_ratio * lasso

    def gap(self, weights: np.ndarray, margins: np.ndarray, slopes: np.ndarray) -> float:
        """Duality gap where the pulls are balanced: the objective lies so far above the least.

        Args:
            slopes: Z' pull, of all features that the problem has.
        """
        from scipy.special import xlogy

        share, penalty = 1.0, 0.0
        if self.l1_ratio == 1:
            share = min(1.0, 1 / max(np.abs(slopes).max(initial=0), 1e-300))
        else:
            over = np.maximum(np.abs(slopes) - self.l1_ratio, 0)
            penalty = over @ over / (2 * (1 - self.l1_ratio))
        pulled = share * np.abs(self.pull(margins)) / self.C
        entropy = (xlogy(pulled, pulled) + xlogy(1 - pulled, 1 - pulled)).sum()
        return self.objective(weights, margins) + self.C * entropy + penalty


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`."""
    matrix, new_rows = training.pixels.at(train), training.pixels.at(held_out)
    scaler = standardise.fit(matrix, "standard")
    scores: list[np.ndarray] = [np.empty(0)] * len(candidates)
    for l1_ratio in sorted({candidate["l1_ratio"] for candidate in candidates}):
        alike = [place for place, c in enumerate(candidates) if c["l1_ratio"] == l1_ratio]
        weights = np.zeros(matrix.shape[1])
        for place in sorted(alike, key=lambda place: candidates[place]["C"]):
            problem = _problem(candidates[place], training.fake[train])
            weights, intercept, gap = _solve(problem, matrix, scaler, weights)
            _note(training, place, gap)
            arrays, settings = linear.raw_weights(weights, intercept, scaler)
            scores[place] = grams.dot(new_rows, arrays["weights"]) + settings["intercept"]
    return scores


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows: one weight a feature, most of them 0."""
    scaler = standardise.fit(training.pixels, "standard")
    problem = _problem(candidate, training.fake)
    none = np.zeros(training.pixels.shape[1])
    weights, intercept, gap = _solve(problem, training.pixels, scaler, none)
    _note(training, 0, gap)
    return Fitted("elasticnet", candidate, *linear.raw_weights(weights, intercept, scaler))


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Decision values (log odds) of rows of raw features, float64 (n,)."""
    return linear.decide(fitted, matrix)


def _problem(candidate: dict, fake: np.ndarray) -> _Problem:
    return _Problem(np.where(fake, 1.0, -1.0), candidate["C"], candidate["l1_ratio"])


def _note(training: Training, place: int, gap: float) -> None:
    """Mark a candidate that stopped above the optimum."""
    if gap > PRECISION:
        training.notes[place] = f"did not converge: its objective may be {gap:.1e} above the least"


def most_columns(rows: int) -> int:
    """Features that a working set may have: what a job's memory is requested for."""
    return max(5000, rows)


def _solve(
    problem: _Problem, matrix: Matrix | InMemoryMatrix, scaler: Scaler, start: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """Weights (p,) of the standardised features, and the intercept, at the optimum.

    And the duality gap that is left, as a share of the objective: PRECISION at most, unless the
    working set's problem could not be solved further.
    """
    weights = start.copy()
    working, aim = np.flatnonzero(weights), 0.01
    while True:
        columns = _columns(matrix, scaler, working)
        few, margins = _descend(problem, columns, weights[working], aim)
        weights[:] = 0
        weights[working] = few
        slopes = grams.project(matrix, scaler, problem.pull(margins))
        gap = problem.gap(few, margins, slopes) / problem.objective(few, margins)
        over = np.abs(slopes) - problem.l1_ratio
        over[working] = 0
        fresh = np.flatnonzero(over > 0)
        if gap <= PRECISION or not (len(fresh) or aim > PRECISION / 2):
            log.info("C %g, l1_ratio %g: %d of %d features have a weight; the objective is at most "
                     "%.1e above the least", problem.C, problem.l1_ratio, np.count_nonzero(few),
                     len(weights), gap)  # fmt: skip
            return weights, float((margins - few @ columns).mean()), gap
        aim = max(PRECISION / 2, min(aim, gap) / 10)  # a set that will grow is not worth more
        used = np.flatnonzero(weights)
        room = most_columns(len(margins)) - len(used)
        if room <= 0:
            raise ValueError(
                f"elastic net with C {problem.C:g} and l1_ratio {problem.l1_ratio:g}: more than "
                f"{len(used)} features have a weight; take a smaller sweep.elasticnet.C or a "
                "larger sweep.elasticnet.l1_ratio"
            )
        worst = fresh[np.argsort(-over[fresh], kind="stable")]
        working = np.union1d(used, worst[: min(room, max(FIRST, len(working)))])


def _columns(matrix: Matrix | InMemoryMatrix, scaler: Scaler, features: np.ndarray) -> np.ndarray:
    """Some standardised features, float64 (features, n)."""
    if not len(features):
        return np.empty((0, matrix.shape[0]))
    columns = matrix.columns(features).astype(np.float64)
    columns -= scaler.mean[features, None]
    columns /= scaler.scale[features, None]
    return columns


def _descend(
    problem: _Problem, columns: np.ndarray, weights: np.ndarray, aim: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a working set at its optimum, and the rows' margins.

    Args:
        columns: standardised features, float64 (k, n). weights: where to start.
        aim: duality gap that may be left, as a share of the objective.
    """
    margins = weights @ columns
    margins += problem.intercept(margins)
    slopes = columns @ problem.pull(margins)
    gap, least = problem.gap(weights, margins, slopes), problem.objective(weights, margins)
    for _ in range(STEPS):
        if gap <= aim * least:
            break
        wish = _newton(problem, columns, weights, margins, gap / least)
        along, share = (wish - weights) @ columns, 1.0
        promised = problem.promised(weights, wish, slopes)
        for _ in range(HALVINGS):
            moved = margins + share * along
            moved += problem.intercept(moved)
            some = wish if share == 1 else weights + share * (wish - weights)  # zeros stay 0
            found, slopes = problem.objective(some, moved), columns @ problem.pull(moved)
            nearer = problem.gap(some, moved, slopes)
            # where the objective is flat to the last digits, the gap still shows progress
            flat = promised <= ROUNDING * least and found <= (1 + ROUNDING) * least
            if found <= least - share * promised / 10 or (flat and nearer < gap):
                break
            share /= 2
        else:
            break
        weights, margins, least, gap = some, moved, found, nearer
    return weights, margins


def _newton(
    problem: _Problem, columns: np.ndarray, weights: np.ndarray, margins: np.ndarray, gap: float
) -> np.ndarray:
    """Weights that minimise the quadratic model of the objective, nearly; the intercept follows."""
    pull = problem.pull(margins)
    curvature = np.abs(pull) * (1 - np.abs(pull) / problem.C)
    curvature = np.maximum(curvature, FLAT * curvature.max())
    bent = columns - (columns @ curvature / curvature.sum())[:, None]
    bent *= np.sqrt(curvature)
    model = Quadratic(bent @ bent.T, columns @ pull, weights.copy(), problem.l1_ratio)
    enough = min(max(gap, FORCING[0]), FORCING[1]) * model.violation()
    for _ in range(SWEEPS):
        model.sweep()
        model.jump()
        if model.violation() <= enough:
            break
    return model.weights
