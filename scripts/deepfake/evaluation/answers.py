"""What verdicts are worth: how many videos get an answer, and how many answers are wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.core import tables
from deepfake.evaluation import intervals, metrics, operating_points

# Shares, each of the videos of its class or of all: what is counted, and among what.
SHARES = ("answered", "error", "false_alarms", "found", "missed")
MOST_POINTS = 200  # of a curve


def judge(videos: Sequence[dict], points: dict, *, level: float) -> dict:
    """How a model's verdicts do on labelled videos that took no part in the training.

    Args:
        videos: of `scoring.video_table`, with label, score and group_id.
        points: operating points of its bundle. level: of the intervals.

    Returns:
        What `shares` gives; and `points`, as they were given.
    """
    videos = tables.of(videos)
    said = [operating_points.verdict(score, points) for score in videos.floats("score").tolist()]
    return {"points": points} | shares(videos, said, level=level)


def shares(videos: Sequence[dict], said: Sequence[str], *, level: float) -> dict:
    """How verdicts do on labelled videos, whichever models they are of.

    Args:
        videos: with label and group_id. said: the verdict on each. level: of the intervals.

    Returns:
        JSON-ready; by name of SHARES {value, low, high}, None where nothing is counted:
        `answered`, videos that are called fake or no_trace; `error`, wrong ones among these;
        `false_alarms`, real videos that are called fake; `found`, fakes that are called fake;
        `missed`, fakes that are called no_trace.
    """
    videos = tables.of(videos)
    fake, groups = videos.column("label") == "fake", videos.column("group_id")
    verdicts = np.array(said)
    called, none, everyone = verdicts == "fake", verdicts == "no_trace", np.ones(len(fake), bool)
    answered = called | none
    counted = {
        "answered": (answered, everyone),
        "error": ((called & ~fake) | (none & fake), answered),
        "false_alarms": (called & ~fake, ~fake),
        "found": (called & fake, fake),
        "missed": (none & fake, fake),
    }
    number, lacks = metrics.numbered(groups), metrics.lacking(fake, groups)
    found: dict = {}
    for name, (hits, rows) in counted.items():
        if not rows.any():
            found[name] = {"value": None, "low": None, "high": None}
            continue
        share = intervals.share(hits.astype(float), rows.astype(float), rows)
        low, high = intervals.NONE if lacks else intervals.limits(share, number, level)
        found[name] = {"value": share.value, "low": low, "high": high}
    return found


def curve(fake: np.ndarray, values: np.ndarray, threshold: float) -> list[dict]:
    """Risk against coverage (El-Yaniv and Wiener 2010): who answers only what it is sure of.

    Videos are answered in the order of the distance of their scores from the threshold, the
    farthest first; equal ones together.

    Args:
        fake: bool (n,). values: float (n,), scores. threshold: fake from here on.

    Returns:
        At most MOST_POINTS of {coverage, risk}: the share answered, and the share of wrong answers
        among them, in rising order of coverage; the last has coverage 1.
    """
    fake, values = np.asarray(fake, bool), np.asarray(values, float)
    distance = np.abs(values - threshold)
    order = np.argsort(-distance, kind="stable")
    wrong = np.cumsum(((values >= threshold) != fake)[order])
    ends = np.flatnonzero(np.append(np.diff(distance[order]) != 0, True)) + 1
    if len(ends) > MOST_POINTS:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, MOST_POINTS).round().astype(int))]
    return [
        {"coverage": float(count / len(fake)), "risk": float(wrong[count - 1] / count)}
        for count in ends
    ]
