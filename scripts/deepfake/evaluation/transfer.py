"""Scores of a model on all that was left out of training, a part at a time: pooled, and the worst.

The parts have a model each, so their scores have no common scale. A fake is ranked only against the
real videos of its own part, and each video is judged by the thresholds of its part's model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.core.row import Row
from deepfake.evaluation import answers, intervals, metrics, operating_points

COLUMNS = ("video_id", "label", "group_id", "score")  # of a scored video that are used


def pooled(records: Sequence[dict], tests: Sequence[Sequence[Row]], *, level: float) -> dict:
    """The evaluation of one model over several parts, by video.

    A real video that is in the tests of several parts counts in each; its group counts once.

    Args:
        records: of the evaluation of each part. tests: the scored videos of each, COLUMNS.
        level: of the intervals.

    Returns:
        What an evaluation's record has of its videos and of its answers. The ROC AUC is the mean
        over the parts, weighted by their fakes; it has an interval where that of each part has one.
    """
    videos = [row for test in tests for row in test]
    fakes = [np.array([row["label"] == "fake" for row in test]) for test in tests]
    scores = [np.array([float(row["score"]) for row in test]) for test in tests]
    names = [[row["video_id"] for row in test] for test in tests]
    limits = [record["videos"]["threshold"] for record in records]
    fake, groups = np.concatenate(fakes), [row["group_id"] for row in videos]
    units = np.concatenate(names)
    found = metrics.summary(
        fake,
        np.concatenate([values - limit for values, limit in zip(scores, limits, strict=True)]),
        0.0,
        groups,
        level=level,
        units=units,
    )
    ranked = intervals.mean(
        [
            intervals.scores(*part)["roc_auc"]
            for part in zip(fakes, scores, limits, names, strict=True)
        ],
        [part.sum() / fake.sum() for part in fakes],
        0.25 / min(len(set(units[rows])) for rows in (fake, ~fake)),
    )
    low, high = intervals.NONE
    # how much a part's score varies, only its own groups say
    if not any(record["videos"]["metrics"]["roc_auc"]["low"] is None for record in records):
        low, high = intervals.limits(ranked, metrics.numbered(groups), level)
    shares = {name: found["metrics"][name] for name in ("accuracy", "balanced_accuracy")}
    found["metrics"] = shares | {"roc_auc": {"value": ranked.value, "low": low, "high": high}}
    said = [
        operating_points.verdict(score, record["answers"]["points"])
        for record, values in zip(records, scores, strict=True)
        for score in values
    ]
    return {"videos": found, "answers": answers.shares(videos, said, level=level)}


def worst(records: Sequence[dict]) -> int:
    """The number of the part with the lowest ROC AUC of videos; the first of equal ones."""
    scores = [record["videos"]["metrics"]["roc_auc"]["value"] for record in records]
    return scores.index(min(scores))
