"""A quadratic function under an elastic-net penalty, minimised by coordinates and by signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Quadratic:
    """A quadratic function of weights, less their elastic-net penalty.

    Attributes:
        hessian: (k, k). slopes: (k,), minus the gradient at the weights. weights: (k,).
    """

    hessian: np.ndarray
    slopes: np.ndarray
    weights: np.ndarray
    l1_ratio: float

    def violation(self) -> float:
        """Length of the least subgradient: 0 at the optimum alone."""
        pull = self.slopes - (1 - self.l1_ratio) * self.weights
        idle = np.maximum(np.abs(pull) - self.l1_ratio, 0)
        return float(np.linalg.norm(
            np.where(self.weights != 0, pull - self.l1_ratio * np.sign(self.weights), idle)
        ))  # fmt: skip

    def sweep(self) -> None:
        """One round of coordinate descent."""
        bends, l2 = self.hessian.diagonal(), 1 - self.l1_ratio
        for place in np.flatnonzero((self.weights != 0) | (np.abs(self.slopes) > self.l1_ratio)):
            bend, old = bends[place], self.weights[place]
            wish = self.slopes[place] + bend * old
            new = np.sign(wish) * max(abs(wish) - self.l1_ratio, 0.0) / (bend + l2)
            if new != old:
                self.slopes -= (new - old) * self.hessian[place]
                self.weights[place] = new

    def jump(self) -> None:
        """To the least among weights of the same signs, or the best place where one becomes 0.

        Source: Lee et al. 2007, "Efficient sparse coding algorithms" (feature-sign search).
        """
        import scipy.linalg

        places = np.flatnonzero(self.weights)
        if not len(places):
            return
        old, l2 = self.weights[places], 1 - self.l1_ratio
        inner = self.hessian[np.ix_(places, places)]
        inner[np.diag_indices_from(inner)] += l2 + 1e-12 * inner.trace()
        try:
            solved = scipy.linalg.cho_factor(inner, overwrite_a=True)
        except scipy.linalg.LinAlgError:  # columns alike; descent by coordinates does without
            return
        aim = self.slopes[places] - self.l1_ratio * np.sign(old) - l2 * old
        step = scipy.linalg.cho_solve(solved, aim)
        crosses = np.flatnonzero((old + step) * old < 0)
        shares = -old[crosses] / step[crosses]
        # along the step the objective is a parabola plus |w|, which bends where a weight becomes 0
        bend = step @ (self.hessian[np.ix_(places, places)] @ step) + l2 * step @ step
        slope = (self.slopes[places] - l2 * old) @ step

        def gain(share: float) -> float:
            lasso = np.abs(old + share * step).sum() - np.abs(old).sum()
            return share * slope - share**2 * bend / 2 - self.l1_ratio * lasso

        share = max([*shares.tolist(), 1.0], key=gain)
        new = old + share * step
        new[crosses[shares == share]] = 0
        self.weights[places] = new
        self.slopes -= self.hessian[:, places] @ (new - old)
