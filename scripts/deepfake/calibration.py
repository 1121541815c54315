"""Probabilities from scores, and how far they can be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake import metrics

BINS = 10


def videos(unseen: Sequence[dict]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Of an out-of-fold table: whether each video is fake, its mean score, its group."""
    names, means = metrics.video_means(
        [row["video_id"] for row in unseen], np.array([float(row["score"]) for row in unseen])
    )
    by_video = {row["video_id"]: row for row in unseen}
    fake = np.array([by_video[name]["label"] == "fake" for name in names])
    return fake, means, [by_video[name]["group_id"] for name in names]


def fit(fake: np.ndarray, values: np.ndarray) -> dict:
    """Probability of fake as a function of a video's mean score: Platt scaling.

    P = 1 / (1 + exp(-(slope * value + intercept))), fitted with Platt's smoothed targets (1999),
    slope >= 0. Where the values rank no better than chance, P is the base rate.

    Args:
        fake: bool (videos,). values: float (videos,), of videos that the model has not seen.

    Returns:
        slope, intercept, roc_auc of the values, number of videos.
    """
    from scipy.optimize import minimize

    fake, values = np.asarray(fake, bool), np.asarray(values, float)
    auc = metrics.scores(fake, values, 0.0)["roc_auc"][0]
    auc = float(auc) if np.isfinite(auc) else None
    positive, negative = int(fake.sum()), int((~fake).sum())
    base = np.log((positive + 1) / (negative + 1))
    fitted = {"slope": 0.0, "intercept": float(base), "roc_auc": auc, "videos": len(fake)}
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
        loss, [1.0, base], jac=True, bounds=[(0, None), (None, None)], options={"ftol": 1e-14}
    )
    slope = float(found.x[0] / spread)
    return fitted | {"slope": slope, "intercept": float(found.x[1] - slope * values.mean())}


def probability(calibration: dict, values: np.ndarray) -> np.ndarray:
    """P(fake) of mean scores, by what `fit` returned; never 0 or 1, however far a score."""
    linear = calibration["slope"] * np.asarray(values, float) + calibration["intercept"]
    return 1 / (1 + np.exp(-np.clip(linear, -30, 30)))


def judge(
    fake: np.ndarray,
    chances: np.ndarray,
    groups: Sequence,
    *,
    level: float,
    count: int,
    seed: int,
) -> dict:
    """How well probabilities hold: Brier score (1950) and the calibration curve.

    Args:
        fake: bool (n,). chances: float (n,), P(fake). groups, level, count, seed: see
            `metrics.summary`.

    Returns:
        brier: {value, low, high}, the mean squared error of the probability; baseline: that of
        always saying the share of fakes; bins: the rows cut by probability into at most BINS
        parts of equal size, with the mean probability, the share of fakes and the number of each.
    """
    fake, chances = np.asarray(fake, bool), np.asarray(chances, float)
    error = (chances - fake) ** 2
    limits: tuple[float | None, float | None] = (None, None)

    def mean_error(weights: np.ndarray) -> dict[str, np.ndarray]:
        return {"brier": (weights @ error) / weights.sum(axis=1)}

    if len(set(groups)) >= metrics.MIN_GROUPS:
        limits = metrics.intervals(mean_error, groups, level, count, seed)["brier"]
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
