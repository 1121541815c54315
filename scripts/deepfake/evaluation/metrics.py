"""Metrics of one classifier and differences of two, with intervals. Fake is positive."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from deepfake.evaluation import intervals
from deepfake.evaluation.intervals import Linear

MIN_GROUPS = 6  # with fewer groups there is no interval
NAMES = ("accuracy", "balanced_accuracy", "roc_auc", "average_precision", "equal_error_rate")


def scores(
    fake: np.ndarray, values: np.ndarray, threshold: float, weights: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Every metric of NAMES, for each row of weights.

    Args:
        fake: bool (n,), the labels.
        values: float (n,), grow with the evidence for fake.
        threshold: a value from here on counts as "fake".
        weights: float (resamples, n); how often each row counts. All ones by default.

    Returns:
        float (resamples,) a metric; nan where a class is absent and the metric needs both.
    """
    weights = np.ones((1, len(fake))) if weights is None else weights
    right = (values >= threshold) == fake
    positive, negative = weights @ fake, weights @ ~fake
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = (weights @ (right & fake)) / positive
        specificity = (weights @ (right & ~fake)) / negative
        found = {
            "accuracy": (weights @ right) / (positive + negative),
            "balanced_accuracy": (recall + specificity) / 2,
        }
        return found | _ranking(fake, values, weights, positive, negative)


def _ranking(fake, values, weights, positive, negative) -> dict[str, np.ndarray]:
    """Metrics of the order alone; equal values are one step of the curve."""
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    sorted_weights = weights[:, order]
    true = np.cumsum(sorted_weights * fake[order], axis=1)[:, ends]
    false = np.cumsum(sorted_weights * ~fake[order], axis=1)[:, ends]
    start = np.zeros((len(weights), 1))
    tpr = np.hstack([start, true / positive[:, None]])
    fpr = np.hstack([start, false / negative[:, None]])
    gained = np.diff(tpr, axis=1)
    precision = np.divide(true, true + false, out=np.zeros_like(true), where=true + false > 0)
    both = (positive > 0) & (negative > 0)
    return {
        "roc_auc": np.where(
            both, np.sum(np.diff(fpr) * (tpr[:, 1:] + tpr[:, :-1]), axis=1) / 2, np.nan
        ),
        "average_precision": np.where(both, np.sum(gained * precision, axis=1), np.nan),
        "equal_error_rate": np.where(both, _equal_error(fpr, 1 - tpr), np.nan),
    }


def _equal_error(fpr: np.ndarray, fnr: np.ndarray) -> np.ndarray:
    """The rate at which both error rates are equal, interpolated between the steps of the curve."""
    before, after, share = intervals.crossing(fpr, fnr)
    rows = np.arange(len(fpr))
    return fpr[rows, before] + share * (fpr[rows, after] - fpr[rows, before])


def resamples(groups: Sequence, count: int, seed: int) -> np.ndarray:
    """Bootstrap over groups: how often each row counts, float (count, n)."""
    _, group_of = np.unique(np.asarray(groups), return_inverse=True)
    number = group_of.max() + 1
    drawn = np.random.default_rng(seed).multinomial(number, [1 / number] * number, size=count)
    return drawn.astype(float)[:, group_of]


def summary(
    fake: np.ndarray,
    values: np.ndarray,
    threshold: float,
    groups: Sequence,
    *,
    level: float,
    units: Sequence | None = None,
) -> dict:
    """All metrics of one set of scored rows.

    Args:
        fake, values, threshold: see `scores`.
        groups: of each row; rows of one group are not independent.
        level: of the intervals, like 0.95; see `intervals` for the rule of each score.
        units: the video of each row, if the rows are frames: a thousand frames of ten videos
            count as ten units.

    Returns:
        JSON-ready: the class balance, the majority baseline, {value, low, high} a metric (None
        where it is undefined), precision, recall and F1 a class and their limits, the confusion
        matrix (rows actual, columns predicted, fake first), and a note if there is no
        interval.
    """
    fake, values = np.asarray(fake, bool), np.asarray(values, float)
    predicted = values >= threshold
    found = intervals.scores(fake, values, threshold, units)
    lacks = lacking(fake, groups)

    def limits(score: Linear) -> intervals.Limits:
        return intervals.NONE if lacks else intervals.limits(score, group_of, level)

    group_of = numbered(groups)
    limited = {name: _shown(found.get(name), limits) for name in NAMES}
    of_class = {
        label: {name: list(limits(score)) for name, score in of_label.items()}
        for label, of_label in intervals.of_class(fake, predicted, units).items()
    }
    note = lacks
    if not fake.any() or fake.all():
        only = "fake" if fake.any() else "real"
        note = "; ".join(filter(None, [lacks, f"every row is {only}: no ranking metric"]))
    confusion = [
        [int((fake & predicted).sum()), int((fake & ~predicted).sum())],
        [int((~fake & predicted).sum()), int((~fake & ~predicted).sum())],
    ]
    return {
        "rows": len(fake),
        "fake": int(fake.sum()),
        "real": int((~fake).sum()),
        "groups": int(group_of.max()) + 1,
        "majority_baseline": max(fake.mean(), 1 - fake.mean()),
        "threshold": threshold,
        "metrics": limited,
        "classes": classes(confusion),
        "class_limits": of_class,
        "confusion": confusion,
        "note": note,
    }


def lacking(fake: np.ndarray, groups: Sequence) -> str:
    """Why rows have no interval, or ""."""
    groups = np.asarray(groups)
    number = len(set(groups.tolist()))
    if number < MIN_GROUPS:
        return f"{number} group{'s' if number != 1 else ''}: no interval"
    for label, rows in zip(intervals.CLASSES, (fake, ~fake), strict=True):
        if len(set(groups[rows].tolist())) == 1:
            return f"every {label} row is of one group: no interval"
    return ""


def numbered(groups: Sequence) -> np.ndarray:
    """The number of each row's group, int (n,)."""
    return np.unique(np.asarray(groups), return_inverse=True)[1]


def _shown(score: Linear | None, limits: Callable[[Linear], intervals.Limits]) -> dict:
    """{value, low, high} of a score, which may be undefined."""
    if score is None:
        return {"value": None, "low": None, "high": None}
    low, high = limits(score)
    return {"value": _plain(score.value), "low": low, "high": high}


def classes(confusion: Sequence[Sequence[int]]) -> dict[str, dict]:
    """Precision, recall, F1 and support of both classes; the matrix as in `summary`."""
    return {
        "fake": _class(confusion[0][0], confusion[1][0], confusion[0][1]),
        "real": _class(confusion[1][1], confusion[0][1], confusion[1][0]),
    }


def _class(right: int, false_positives: int, missed: int) -> dict:
    precision = right / (right + false_positives) if right + false_positives else None
    recall = right / (right + missed) if right + missed else None
    both = 2 * right + false_positives + missed
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * right / both if both else None,
        "support": right + missed,
    }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def video_means(videos: Sequence, values: np.ndarray, trim: float = 0.0) -> tuple[list, np.ndarray]:
    """Trimmed mean of each video's values, videos sorted; see `trimmed_mean`."""
    names, video_of, counts = np.unique(np.asarray(videos), return_inverse=True, return_counts=True)
    ordered = np.asarray(values, float)[np.argsort(video_of, kind="stable")]
    ends = np.cumsum(counts).tolist()
    parts = (ordered[start:end] for start, end in itertools.pairwise([0, *ends]))
    means = (trimmed_mean(part, trim) for part in parts)
    return names.tolist(), np.fromiter(means, float, len(names))


def trimmed_mean(values: np.ndarray, trim: float) -> float:
    """Mean without the lowest and the highest values, so that no single value decides.

    Args:
        values: float (n,).
        trim: share of them that is left out at each end: at least one of three or more values, but
            one or two values remain. 0 leaves out none: the mean.
    """
    count = len(values)
    out = min(max(1, int(trim * count)), (count - 1) // 2) if trim else 0
    return float(np.sort(values)[out : count - out].mean())


def paired(
    fake: np.ndarray,
    one: tuple[np.ndarray, float],
    other: tuple[np.ndarray, float],
    groups: Sequence,
    *,
    level: float,
    units: Sequence | None = None,
) -> dict[str, dict]:
    """The differences of two models' metrics on the same rows.

    Args:
        fake, groups, level, units: see `summary`.
        one, other: values, float (n,), and threshold of each model.

    Returns:
        By metric {value, low, high} of the difference, one minus other; None where it is
        undefined. The differences are paired.
    """
    fake = np.asarray(fake, bool)
    first, second = (
        intervals.scores(fake, np.asarray(values, float), threshold, units)
        for values, threshold in (one, other)
    )
    lacks, group_of = lacking(fake, groups), numbered(groups)
    found: dict[str, dict] = {name: {"value": None, "low": None, "high": None} for name in NAMES}
    for name in first:
        pair = first[name], second[name]
        low, high = intervals.NONE if lacks else intervals.difference(*pair, group_of, level)
        found[name] = {"value": pair[0].value - pair[1].value, "low": low, "high": high}
    return found


def threshold(fake: np.ndarray, values: np.ndarray) -> float | None:
    """The score from which rows are called fake so that both classes err equally often.

    Args:
        fake: bool (n,), labels. values: float (n,), of rows that took no part in the training.

    Returns:
        The middle of two values. None if a class is missing.
    """
    fake, values = np.asarray(fake, bool), np.asarray(values, float)
    if not fake.any() or fake.all():
        return None
    steps = np.unique(values)
    between = np.concatenate([steps[:1], (steps[:-1] + steps[1:]) / 2, steps[-1:] + 1])
    alarms = 1 - np.searchsorted(np.sort(values[~fake]), between, side="left") / (~fake).sum()
    missed = np.searchsorted(np.sort(values[fake]), between, side="left") / fake.sum()
    return float(between[np.argmin(np.abs(alarms - missed))])
