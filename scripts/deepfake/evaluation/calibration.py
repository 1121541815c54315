"""Probabilities from scores (Platt scaling), and how well calibrated they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.core import tables
from deepfake.evaluation import intervals, metrics

BINS = 10
TRIMS = (0.25, 0.1, 0.5)  # 0.5 is the median


def videos(held_out: Sequence[dict], trim: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Of an out-of-fold table: whether each video is fake, its score, its group.

    The training copies of a video, all its faces under one perturbation, are a video of their own.

    Args:
        trim: how its frames' scores become its own; see `metrics.trimmed_mean`.
    """
    held_out = tables.of(held_out)
    kinds, kind_of = held_out.distinct("video_id", "copy")
    some = held_out.at(kinds)
    names = some.column("video_id") + "\t" + some.column("copy", "")
    order = np.argsort(names)
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    _, means = metrics.video_means(place[kind_of], held_out.floats("score"), trim)
    some = some.at(order)
    return some.column("label") == "fake", means, some.column("group_id").tolist()


def fit_on_folds(held_out: Sequence[dict]) -> dict:
    """Fit the calibration on an out-of-fold table's videos, by the trimmed means of their frames.

    The trim is chosen on the folds: the value of TRIMS with the lowest Brier score of the videos,
    each fold calibrated on the others; the first of equal ones. Calibrated log
    odds are linear in a score, so those of the trimmed mean are the trimmed mean of the frames'.

    Returns:
        What `fit` returns, and trim.
    """
    losses = [round(_brier(held_out, trim), 9) for trim in TRIMS]
    trim = TRIMS[int(np.argmin(losses))]
    fake, means, _ = videos(held_out, trim)
    return fit(fake, means) | {"trim": trim}


def _brier(held_out: Sequence[dict], trim: float) -> float:
    """Brier score over the videos of all folds; 0 if there is one fold only."""
    losses, held_out = [], tables.of(held_out)
    folds = held_out.column("fold")
    for fold in sorted(set(folds), key=int):
        others = held_out.at(folds != fold)
        if others:
            fitted = fit(*videos(others, trim)[:2])
            fake, means, _ = videos(held_out.at(folds == fold), trim)
            losses.append((probability(fitted, means) - fake) ** 2)
    return float(np.concatenate(losses).mean()) if losses else 0.0


def fit(fake: np.ndarray, values: np.ndarray) -> dict:
    """Probability of fake as a function of a video's score: Platt scaling.

    P = 1 / (1 + exp(-(slope * value + intercept))), fitted with Platt's smoothed targets (1999),
    slope >= 0. If the values rank no better than chance, or no slope above zero fits them, P is
    the base rate; see `base`.

    Args:
        fake: bool (videos,). values: float (videos,), of videos not in the model's training.

    Returns:
        slope, intercept, roc_auc of the values, number of videos and of fakes among them.
    """
    from scipy.optimize import minimize

    fake, values = np.asarray(fake, bool), np.asarray(values, float)
    auc = metrics.scores(fake, values, 0.0)["roc_auc"][0]
    auc = float(auc) if np.isfinite(auc) else None
    positive, negative = int(fake.sum()), int((~fake).sum())
    counts = {"videos": len(fake), "fake": positive}
    fitted = {"slope": 0.0, "intercept": base(counts), "roc_auc": auc} | counts
    spread = values.std()
    if auc is None or auc <= 0.5 or spread == 0:
        return fitted
    scaled = (values - values.mean()) / spread
    target = np.where(fake, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        linear = parameters[0] * scaled + parameters[1]
        error = 1 / (1 + np.exp(-linear)) - target
        value = np.sum(np.logaddexp(0, linear) - target * linear)
        return value, np.array([error @ scaled, error.sum()])

    found = minimize(
        loss,
        [1.0, base(counts)],
        jac=True,
        bounds=[(0, None), (None, None)],
        options={"ftol": 1e-14},
    )
    slope = float(found.x[0] / spread)
    if slope == 0:
        return fitted
    return fitted | {"slope": slope, "intercept": float(found.x[1] - slope * values.mean())}


def base(calibration: dict) -> float:
    """Log odds of fake among the videos of a calibration, smoothed as its targets are."""
    positive = calibration["fake"]
    return float(np.log((positive + 1) / (calibration["videos"] - positive + 1)))


def probability(calibration: dict, values: np.ndarray, prior: float | None = None) -> np.ndarray:
    """P(fake) of scores of videos; never 0 or 1, however far a score.

    Args:
        calibration: what `fit` returned. values: float (n,).
        prior: assumed share of fakes; replaces that of the calibration's videos by Bayes' rule.
            With slope 0 it is returned.
    """
    offset = calibration["intercept"]
    if prior is not None:
        offset = (offset - base(calibration)) + np.log(prior / (1 - prior))
    linear = calibration["slope"] * np.asarray(values, float) + offset
    return 1 / (1 + np.exp(-np.clip(linear, -30, 30)))


def assess(
    fake: np.ndarray,
    chances: np.ndarray,
    groups: Sequence,
    *,
    level: float,
) -> dict:
    """How well calibrated probabilities are: Brier score (1950) and the calibration curve.

    Args:
        fake: bool (n,). chances: float (n,), P(fake). groups, level: see `metrics.summary`.

    Returns:
        brier: {value, low, high}, the mean squared error of the probability; baseline: that of
        always predicting the share of fakes; bins: the rows cut by probability into at most BINS
        parts of equal size, with the mean probability, the share of fakes and the number of each.
    """
    fake, chances = np.asarray(fake, bool), np.asarray(chances, float)
    error = (chances - fake) ** 2
    limits = intervals.NONE
    if not metrics.lacking(fake, groups):
        mean = intervals.share(error, np.ones(len(fake)), np.ones(len(fake), bool))
        limits = intervals.limits(mean, metrics.numbered(groups), level)
    order = np.argsort(chances, kind="stable")
    parts = np.array_split(order, min(BINS, max(1, len(order) // 5)))
    return {
        "brier": {"value": float(error.mean()), "low": limits[0], "high": limits[1]},
        "baseline": float(fake.mean() * (1 - fake.mean())),
        "bins": [
            {
                "probability": float(chances[part].mean()),
                "fake": float(fake[part].mean()),
                "rows": len(part),
            }
            for part in parts
        ],
    }
