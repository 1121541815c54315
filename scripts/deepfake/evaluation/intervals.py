"""Intervals of scores over groups whose rows are not independent: linearised, with Student's t.

A score is replaced by its linear part: the derivative of the score by the weight of each row (its
influence). The sums of these over groups give the variance: for the ROC AUC the clustered variance
of DeLong's components (Obuchowski 1997, Biometrics 53:567), for a share the cluster-robust variance
of a ratio (Cochran 1977, chapter 3). The quantile has (groups - 1) degrees of freedom; groups of
unequal size count as the fewer that carry as much (Kish 1965): (sum of sizes)^2 / (sum of squares).
Limits are computed on the logit scale, differences of two models as they are.
benchmarks/interval_coverage.py measures how often they cover the true value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Limits = tuple[float | None, float | None]
NONE: Limits = (None, None)
CLASSES = ("fake", "real")


@dataclass(frozen=True)
class Linear:
    """A score and its linear part.

    Attributes:
        value: of the score, in [0, 1].
        parts: its rows, bool (n,), and their influence, float (n,), zero elsewhere. A score of both
            classes has two parts, whose groups are counted separately.
        step: the smallest distance of the score from 0 and 1 when its interval is computed, and
            the smallest standard error: a quarter of a unit of the smaller class for scores of both
            classes, half a unit for shares. Without it, a score of 1 has no width.
    """

    value: float
    parts: tuple[tuple[np.ndarray, np.ndarray], ...]
    step: float


def limits(score: Linear, group_of: np.ndarray, level: float) -> Limits:
    """The interval of a score; (None, None) where a part lies in one group.

    Args:
        group_of: number of each row's group, int (n,). level: like 0.95.
    """
    found = _error(score, group_of, level)
    if found is None or not np.isfinite(score.value):
        return NONE
    middle = min(max(score.value, score.step), 1 - score.step)
    reach = found / (middle * (1 - middle))
    centre = np.log(middle / (1 - middle))
    low, high = (1 / (1 + np.exp(-(centre + side * reach))) for side in (-1, 1))
    return float(low), float(high)


def difference(one: Linear, other: Linear, group_of: np.ndarray, level: float) -> Limits:
    """The interval of the difference of two scores of the same rows (paired)."""
    value = one.value - other.value
    parts = tuple(
        (rows, influence - other_influence)
        for (rows, influence), (_, other_influence) in zip(one.parts, other.parts, strict=True)
    )
    found = _error(Linear(value, parts, one.step), group_of, level)
    if found is None or not np.isfinite(value):
        return NONE
    return max(-1.0, float(value - found)), min(1.0, float(value + found))


def _error(score: Linear, group_of: np.ndarray, level: float) -> float | None:
    """Half the width of an interval: standard error times quantile."""
    from scipy.special import stdtrit  # slow to import; classification does not need it

    number = group_of.max() + 1
    sums = [np.bincount(group_of, influence, number) for _, influence in score.parts]
    counts = [len(np.unique(group_of[rows])) for rows, _ in score.parts]
    if min(counts) < 2:
        return None
    variance = sum(n / (n - 1) * total @ total for n, total in zip(counts, sums, strict=True))
    sizes = np.bincount(group_of[np.any([rows for rows, _ in score.parts], axis=0)])
    groups = np.count_nonzero(sizes)
    if len(sums) == 2:
        variance += 2 * groups / (groups - 1) * sums[0] @ sums[1]
    freedom = max(1, sizes.sum() ** 2 / (sizes @ sizes) - 1)
    return max(float(np.sqrt(max(variance, 0))), score.step) * stdtrit(freedom, (1 + level) / 2)


def scores(
    fake: np.ndarray, values: np.ndarray, threshold: float, units: Sequence | None = None
) -> dict[str, Linear]:
    """The metrics of `metrics.NAMES`, of rows of both classes or, the accuracy only, of one.

    Args:
        fake, values, threshold: see `metrics.scores`.
        units: the unit of a step, the video of each row; by default each row.
    """
    right = ((values >= threshold) == fake).astype(float)
    everyone = np.ones(len(fake), bool)
    found = {"accuracy": share(right, everyone, everyone, units)}
    if fake.all() or not fake.any():
        return found
    step = 0.25 / min(_units(rows, units) for rows in (fake, ~fake))
    return found | {
        "balanced_accuracy": _of_both(fake, right, 0.5, step),
        "roc_auc": _of_both(fake, _components(fake, values), 1.0, step),
        "equal_error_rate": _of_both(fake, _wrong(fake, values), 0.5, step),
        "average_precision": _average_precision(fake, values, step),
    }


def _of_both(fake: np.ndarray, each: np.ndarray, weight: float, step: float) -> Linear:
    """The mean of both classes' means, each of which moves it by a weight."""
    means = [float(each[rows].mean()) for rows in (fake, ~fake)]
    parts = tuple(
        (rows, np.where(rows, weight * (each - mean) / rows.sum(), 0))
        for rows, mean in zip((fake, ~fake), means, strict=True)
    )
    return Linear(sum(means) / 2, parts, step)


def share(
    hits: np.ndarray, among: np.ndarray, rows: np.ndarray, units: Sequence | None = None
) -> Linear:
    """A mean or a ratio: the sum of `hits` over that of `among`, both float or bool (n,).

    Args:
        rows: the rows that take part, bool (n,); others have neither. units: see `scores`.
    """
    total = among[rows].sum()
    value = hits[rows].sum() / total if total else np.nan
    influence = np.where(rows, (hits - value * among) / total, 0) if total else np.zeros(len(rows))
    return Linear(float(value), ((rows, influence),), 0.5 / max(1, _units(rows, units)))


def mean(scores: Sequence[Linear], weights: Sequence[float], step: float) -> Linear:
    """The weighted mean of scores of both classes, each of rows of its own.

    Args:
        scores: their rows follow each other. weights: of the scores; they sum to 1.
        step: see `Linear`.
    """
    parts = tuple(
        (
            np.concatenate([score.parts[side][0] for score in scores]),
            np.concatenate(
                [
                    weight * score.parts[side][1]
                    for score, weight in zip(scores, weights, strict=True)
                ]
            ),
        )
        for side in range(len(CLASSES))
    )
    values = [weight * score.value for score, weight in zip(scores, weights, strict=True)]
    return Linear(float(sum(values)), parts, step)


def of_class(
    fake: np.ndarray, predicted: np.ndarray, units: Sequence | None = None
) -> dict[str, dict[str, Linear]]:
    """Precision, recall and F1 of both classes; `predicted`: bool (n,), predicted as fake."""
    found = {}
    for name, actual, called in zip(CLASSES, (fake, ~fake), (predicted, ~predicted), strict=True):
        hits = (actual & called).astype(float)
        found[name] = {
            "precision": share(hits, called.astype(float), called, units),
            "recall": share(hits, actual.astype(float), actual, units),
            "f1": share(2 * hits, actual.astype(float) + called, actual | called, units),
        }
    return found


def _units(rows: np.ndarray, units: Sequence | None) -> int:
    return int(rows.sum()) if units is None else len(set(np.asarray(units)[rows].tolist()))


def _components(fake: np.ndarray, values: np.ndarray) -> np.ndarray:
    """DeLong's components: the share of the other class that each row is ranked right to."""
    found = np.empty(len(fake))
    for own, others, sign in ((fake, ~fake, 1), (~fake, fake, -1)):
        ranked, queries = np.sort(sign * values[others]), sign * values[own]
        below, upto = (np.searchsorted(ranked, queries, side) for side in ("left", "right"))
        found[own] = (below + upto) / (2 * len(ranked))
    return found


def _wrong(fake: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The error of each row where both error rates are equal: 0, 1, or between on a step.

    Its mean over either class is the equal error rate. The threshold moves with the rows; both
    densities there are taken as equal, so that the influences of both classes count alike.
    """
    steps = np.concatenate([[np.inf], np.unique(values)[::-1]])
    fpr, tpr = (
        1 - np.searchsorted(np.sort(values[rows]), steps, "left") / rows.sum()
        for rows in (~fake, fake)
    )
    (before,), (after,), (share_of_step,) = crossing(fpr[None], 1 - tpr[None])
    called = (1 - share_of_step) * (values >= steps[before]) + share_of_step * (
        values >= steps[after]
    )
    return np.where(fake, 1 - called, called)


def crossing(fpr: np.ndarray, fnr: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The steps of a curve between which the error rates are equal, and the share of the step.

    Args:
        fpr, fnr: float (curves, steps), from 0 and 1 to 1 and 0.

    Returns:
        int, int and float, (curves,) each.
    """
    gap = fpr - fnr  # rises from -1 to 1
    after = np.argmax(gap >= 0, axis=1)
    rows = np.arange(len(gap))
    before = np.maximum(after - 1, 0)
    rise = gap[rows, after] - gap[rows, before]
    return before, after, np.where(rise > 0, -gap[rows, before] / np.where(rise > 0, rise, 1), 0)


def _average_precision(fake: np.ndarray, values: np.ndarray, step: float) -> Linear:
    """The mean over fakes of the precision down to each, differentiated by every row's weight."""
    place = np.unique(-values, return_inverse=True)[1]  # the highest value first
    counted = np.cumsum(np.bincount(place))
    fakes = np.bincount(place, fake)
    precision = np.cumsum(fakes) / counted
    value = float(precision @ fakes / fakes.sum())
    # a row counts in the precision of every fake at its step and below
    from_here = np.cumsum((fakes / counted)[::-1])[::-1]
    spent = np.cumsum((fakes * precision / counted)[::-1])[::-1]
    influence = fake * (precision[place] - value + from_here[place]) - spent[place]
    return Linear(value, ((np.ones(len(fake), bool), influence / fakes.sum()),), step)
