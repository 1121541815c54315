"""Scores of a classifier and their intervals, alone and against another. Fake is positive."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

MIN_GROUPS = 6  # fewer groups can carry no interval
NAMES = ("accuracy", "balanced_accuracy", "roc_auc", "average_precision", "equal_error_rate")
CHUNK = 2_000_000  # weights held at once while resampling, and ten arrays of them: 160 MB


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
    """Where the two error rates meet, interpolated between the steps of the curve."""
    gap = fpr - fnr  # rises from -1 to 1
    after = np.argmax(gap >= 0, axis=1)
    rows = np.arange(len(gap))
    before = np.maximum(after - 1, 0)
    rise = gap[rows, after] - gap[rows, before]
    share = np.where(rise > 0, -gap[rows, before] / np.where(rise > 0, rise, 1), 0)
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
    count: int,
    seed: int,
) -> dict:
    """Everything said about one set of scored rows.

    Args:
        fake, values, threshold: see `scores`.
        groups: of each row; the interval resamples them, since rows of a group are not
            independent.
        level: of the interval, like 0.95. count: resamples. seed: of the resampling.

    Returns:
        JSON-ready: the class balance, the majority baseline, {value, low, high} a metric (None
        where it is undefined), precision, recall and F1 a class, the confusion matrix (rows
        actual, columns predicted, fake first), and a sentence where there is no interval.
    """
    fake, values = np.asarray(fake, bool), np.asarray(values, float)
    number = len(set(groups))
    point = {name: _plain(found[0]) for name, found in scores(fake, values, threshold).items()}
    limits = dict.fromkeys(NAMES, (None, None))
    note = ""
    if number < MIN_GROUPS:
        note = f"{number} group{'s' if number != 1 else ''}: no interval"
    else:
        limits = _limits(fake, values, threshold, groups, level, count, seed)
    if not fake.any() or fake.all():
        only = "fake" if fake.any() else "real"
        note = "; ".join(filter(None, [note, f"every row is {only}: no ranking metric"]))
    said = values >= threshold
    confusion = [
        [int((fake & said).sum()), int((fake & ~said).sum())],
        [int((~fake & said).sum()), int((~fake & ~said).sum())],
    ]
    return {
        "rows": len(fake),
        "fake": int(fake.sum()),
        "real": int((~fake).sum()),
        "groups": number,
        "majority_baseline": max(fake.mean(), 1 - fake.mean()),
        "threshold": threshold,
        "metrics": {
            name: {"value": point[name], "low": limits[name][0], "high": limits[name][1]}
            for name in NAMES
        },
        "classes": classes(confusion),
        "confusion": confusion,
        "note": note,
    }


def _limits(fake, values, threshold, groups, level, count, seed) -> dict:
    """Percentile limits of each metric over resampled groups."""

    def scored(weights: np.ndarray) -> dict[str, np.ndarray]:
        return scores(fake, values, threshold, weights)

    return intervals(scored, groups, level, count, seed)


def intervals(
    scored: Callable[[np.ndarray], dict[str, np.ndarray]],
    groups: Sequence,
    level: float,
    count: int,
    seed: int,
) -> dict[str, tuple[float | None, float | None]]:
    """Percentile limits of metrics over resampled groups; few resamples are held at once.

    Args:
        scored: metrics, float (resamples,) each, of weights, float (resamples, n).
        groups, level, count, seed: see `summary`.
    """
    step = max(1, CHUNK // len(groups))
    drawn = [
        scored(resamples(groups, min(step, count - first), [seed, first]))
        for first in range(0, count, step)
    ]
    tails = [(1 - level) / 2, (1 + level) / 2]
    limits = {}
    for name in drawn[0]:
        found = np.concatenate([part[name] for part in drawn])
        found = found[np.isfinite(found)]
        limits[name] = (
            tuple(_plain(q) for q in np.quantile(found, tails)) if len(found) else (None,) * 2
        )
    return limits


def classes(confusion: Sequence[Sequence[int]]) -> dict[str, dict]:
    """Precision, recall, F1 and support of both classes; the matrix as in `summary`."""
    return {
        "fake": _class(confusion[0][0], confusion[1][0], confusion[0][1]),
        "real": _class(confusion[1][1], confusion[0][1], confusion[1][0]),
    }


def _class(right: int, wrongly_said: int, missed: int) -> dict:
    precision = right / (right + wrongly_said) if right + wrongly_said else None
    recall = right / (right + missed) if right + missed else None
    both = 2 * right + wrongly_said + missed
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * right / both if both else None,
        "support": right + missed,
    }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def video_means(videos: Sequence[str], values: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Mean value of each video, videos sorted."""
    names, video_of, counts = np.unique(np.asarray(videos), return_inverse=True, return_counts=True)
    return names.tolist(), np.bincount(video_of, weights=values) / counts


def paired(
    fake: np.ndarray,
    one: tuple[np.ndarray, float],
    other: tuple[np.ndarray, float],
    groups: Sequence,
    *,
    level: float,
    count: int,
    seed: int,
) -> dict[str, dict]:
    """How much better one model is than another on the same rows.

    Args:
        fake, groups, level, count, seed: see `summary`.
        one, other: values, float (n,), and threshold of each model.

    Returns:
        By metric {value, low, high} of the difference, one less other; None where it is
        undefined. Both are scored on the same resamples, so what they share cancels.
    """
    fake = np.asarray(fake, bool)
    ways = [(np.asarray(values, float), threshold) for values, threshold in (one, other)]

    def differences(weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        ours, theirs = (scores(fake, *way, weights) for way in ways)
        return {name: ours[name] - theirs[name] for name in NAMES}

    point = differences()
    limits = dict.fromkeys(NAMES, (None, None))
    if len(set(groups)) >= MIN_GROUPS:
        limits = intervals(differences, groups, level, count, seed)
    return {
        name: {"value": _plain(point[name][0]), "low": limits[name][0], "high": limits[name][1]}
        for name in NAMES
    }


def threshold(fake: np.ndarray, values: np.ndarray, aim: str, rate: float) -> float | None:
    """The score from which rows are called fake, chosen on rows that have labels.

    Args:
        fake: bool (n,). values: float (n,), of rows that the model has not seen.
        aim: "equal_error", where as large a share of the real is called fake as of the fake
            real, or "false_alarms", where at most `rate` of the real are called fake.

    Returns:
        It lies half-way between two values. None where a class is missing.
    """
    fake, values = np.asarray(fake, bool), np.asarray(values, float)
    if not fake.any() or fake.all():
        return None
    steps = np.unique(values)
    between = np.concatenate([steps[:1], (steps[:-1] + steps[1:]) / 2, steps[-1:] + 1])
    alarms = 1 - np.searchsorted(np.sort(values[~fake]), between, side="left") / (~fake).sum()
    missed = np.searchsorted(np.sort(values[fake]), between, side="left") / fake.sum()
    if aim == "equal_error":
        return float(between[np.argmin(np.abs(alarms - missed))])
    return float(between[np.argmax(alarms <= rate)])
