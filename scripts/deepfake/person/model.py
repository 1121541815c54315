"""A one-class model of a person's windows: what is like them scores above 0, all else below.

Schölkopf et al. 2001, "Estimating the support of a high-dimensional distribution", with an RBF
kernel, as Agarwal et al. 2019 have it. There are no windows of other people to learn from, so gamma
and nu come from the person's own: after Tax and Müller 2004, "A consistency-based model selection
for one-class classification", the tightest model that still takes videos it has not learned. Where
none does, as with few videos, the loosest, with its boundary moved until it takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GAMMAS = (0.1, 0.3, 1.0, 3.0)  # over the median squared distance of two windows; loose to tight
NUS = (0.01, 0.05, 0.1)
MOST_FALSE_ALARMS = 0.1  # share of windows of a video left out, if any candidate reaches it
LEAST_VIDEOS = 3  # one is left out to test, another one to choose, and one to learn from
MOST_WINDOWS = 1000  # that are learned from, spread evenly; neighbours share nine of ten seconds


@dataclass(frozen=True)
class PersonModel:
    """A fitted model.

    Attributes:
        support_vectors: windows, float32 (n, 190). coefficients: of each, float64 (n,), over the
            one-class SVM's own boundary.
        gamma, nu: of the kernel and of the one-class SVM.
        threshold: by how much the boundary is moved, 0 or below.
    """

    support_vectors: np.ndarray
    coefficients: np.ndarray
    gamma: float
    nu: float
    threshold: float = 0.0

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Of windows, float (n, 190): float64 (n,); from 0 on they move like the person's."""
        kernel = np.exp(-self.gamma * _distances(rows, self.support_vectors))
        return kernel @ self.coefficients - 1 - self.threshold


class TooFewVideos(ValueError):
    """Fewer videos of a person than leave-one-video-out takes."""


def spread(count: int) -> np.ndarray:
    """The windows that are learned from: indices of at most MOST_WINDOWS of them, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_WINDOWS)).round().astype(int))


def fit(rows: np.ndarray, videos: Sequence[str]) -> PersonModel:
    """A person's model, of a gamma and a nu chosen by leave-one-video-out.

    Args:
        rows: float32 (n, 190), windows of that person. videos: the video of each.

    Raises:
        TooFewVideos: they are of fewer than LEAST_VIDEOS.
    """
    _demand_videos(videos)
    return _fit(rows, *_choose(_distances(rows, rows), np.asarray(videos)))


def held_out_scores(rows: np.ndarray, videos: Sequence[str]) -> np.ndarray:
    """The score of each window by a model that has not seen its video, float64 (n,).

    That model's gamma and nu are chosen without the video, too. Arguments and errors: see `fit`.
    """
    _demand_videos(videos)
    of, found = np.asarray(videos), np.empty(len(rows))
    distances = _distances(rows, rows)
    for video in np.unique(of):
        out = of == video
        chosen = _choose(distances[np.ix_(~out, ~out)], of[~out])
        found[out] = _fit(rows[~out], *chosen).scores(rows[out])
    return found


def _demand_videos(videos: Sequence[str]) -> None:
    count = len(set(videos))
    if count < LEAST_VIDEOS:
        raise TooFewVideos(
            f"{count} of the videos {'has' if count == 1 else 'have'} a window of ten seconds of "
            f"one face; a model takes {LEAST_VIDEOS} at least, and is better of many"
        )


def _fit(rows: np.ndarray, gamma: float, nu: float, threshold: float) -> PersonModel:
    kept, coefficients = _machine(np.exp(-gamma * _distances(rows, rows)), nu)
    return PersonModel(rows[kept], coefficients, gamma, nu, threshold)


def _machine(kernel: np.ndarray, nu: float) -> tuple[np.ndarray, np.ndarray]:
    """A one-class SVM: indices of its support vectors, and their coefficients."""
    from sklearn.svm import OneClassSVM

    machine = OneClassSVM(kernel="precomputed", nu=nu).fit(kernel)
    return machine.support_, machine.dual_coef_[0] / -machine.intercept_[0]


def _choose(distances: np.ndarray, videos: np.ndarray) -> tuple[float, float, float]:
    """Gamma, nu and threshold, by the windows of videos that are left out one after another.

    The tightest of those that reject at most MOST_FALSE_ALARMS of them; tighter is a larger gamma,
    then a larger nu. Where none rejects so few, the one that rejects the fewest, and a threshold
    from which on only so many are rejected.
    """
    unit = float(np.median(distances[np.triu_indices(len(distances), 1)])) or 1.0
    found = []
    for factor in GAMMAS:
        kernel = np.exp(-factor / unit * distances)
        for nu in NUS:
            scores = _left_out(kernel, videos, nu)
            found.append(((scores < 0).mean(), -factor, -nu, scores))
    few = [(0.0, *one[1:]) for one in found if one[0] <= MOST_FALSE_ALARMS]
    _, factor, nu, scores = min(few or found, key=lambda one: one[:3])
    threshold = min(0.0, float(np.quantile(scores, MOST_FALSE_ALARMS, method="lower")))
    return -factor / unit, -nu, threshold


def _left_out(kernel: np.ndarray, videos: np.ndarray, nu: float) -> np.ndarray:
    """The score of each window by a model without its video, float64 (n,)."""
    found = np.empty(len(videos))
    for video in np.unique(videos):
        out = videos == video
        learned = np.flatnonzero(~out)
        kept, coefficients = _machine(kernel[np.ix_(learned, learned)], nu)
        found[out] = kernel[np.ix_(np.flatnonzero(out), learned[kept])] @ coefficients - 1
    return found


def _distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances, float64 (n, m)."""
    a, b = rows.astype(float), others.astype(float)
    found = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.maximum(found, 0)
