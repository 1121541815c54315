"""What is known of a person's model: false alarms, and who else is taken for the person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.evaluation import intervals

LEVEL = 0.95
WINDOW_COLUMNS = ("video", "of", "start", "score")
VIDEO_COLUMNS = (
    "video", "of", "score", "windows", "seconds", "pictures", "followed", "eye_distance",
    "stretches", "longest", "ended_by", "reason",
)  # fmt: skip
PERSON, OTHER = "person", "other"  # of whom a video is


def measured(own: np.ndarray, own_videos: Sequence[str], others: np.ndarray,
             others_videos: Sequence[str]) -> dict:  # fmt: skip
    """Rates with their intervals, which are over videos; JSON-ready.

    Args:
        own: scores of the person's windows by models without their video, float (n,).
        others: scores of other people's windows by the person's model, float (m,), maybe none.
        own_videos, others_videos: the video of each.

    Returns:
        `false_alarms`, the shares of the person's windows and videos that are rejected; `accepted`,
        those of the others that are not, and `roc_auc` of the windows, both None without others.
        A video's score is the median of its windows'.
    """
    found = {
        "videos": len(set(own_videos)),
        "windows": len(own),
        "false_alarms": _shares(own < 0, own, own_videos, rejected=True),
        "others": {"videos": len(set(others_videos)), "windows": len(others)},
        "accepted": None,
        "roc_auc": None,
    }
    if len(others):
        found["accepted"] = _shares(others >= 0, others, others_videos, rejected=False)
        is_other = np.r_[np.zeros(len(own), bool), np.ones(len(others), bool)]
        videos = [f"p{name}" for name in own_videos] + [f"o{name}" for name in others_videos]
        curve = intervals.scores(is_other, -np.r_[own, others], 0.0, videos)["roc_auc"]
        found["roc_auc"] = _rate(curve, _numbers(videos))
    return found


def by_video(scores: np.ndarray, videos: Sequence[str]) -> dict[str, float]:
    """The score of each video: the median of its windows'."""
    of = np.asarray(videos)
    return {str(video): float(np.median(scores[of == video])) for video in np.unique(of)}


def _shares(
    hits: np.ndarray, scores: np.ndarray, videos: Sequence[str], rejected: bool
) -> dict[str, dict]:
    whole = np.array(list(by_video(scores, videos).values()))
    hit = whole < 0 if rejected else whole >= 0
    return {
        "windows": _share(hits, _numbers(videos)),
        "videos": _share(hit, np.arange(len(hit))),
    }


def _share(hits: np.ndarray, groups: np.ndarray) -> dict:
    everyone = np.ones(len(hits), bool)
    found = intervals.share(hits.astype(float), everyone.astype(float), everyone, groups)
    return _rate(found, groups)


def _rate(score: intervals.Linear, groups: np.ndarray) -> dict:
    low, high = intervals.limits(score, groups, LEVEL)
    if low is not None and high is not None:  # they are computed a step away from 0 and 1
        low, high = min(low, score.value), max(high, score.value)
    return {"value": score.value, "low": low, "high": high}


def _numbers(videos: Sequence[str]) -> np.ndarray:
    return np.unique(np.asarray(videos), return_inverse=True)[1]


def interval(rate: dict) -> str:
    """The interval of a rate in words."""
    if rate["low"] is None:
        return "no interval: one video"
    return f"{LEVEL:.0%} interval {rate['low']:.2f} to {rate['high']:.2f}"


def shown(rate: dict) -> str:
    """A rate with its interval in words."""
    return f"{rate['value']:.2f} ({interval(rate)})"


def text(name: str, known: dict) -> str:
    """An enrolment for a terminal."""
    lines = [
        f"{name}: {known['windows']} windows of ten seconds in {known['videos']} videos",
        "false alarms in videos left out: "
        f"{shown(known['false_alarms']['windows'])} of the windows, "
        f"{shown(known['false_alarms']['videos'])} of the videos",
    ]
    if known["accepted"]:
        others = known["others"]
        lines += [
            f"other people, {others['windows']} windows in {others['videos']} videos, taken for "
            f"{name}: {shown(known['accepted']['windows'])} of the windows, "
            f"{shown(known['accepted']['videos'])} of the videos",
            f"ROC AUC of the windows: {shown(known['roc_auc'])}",
        ]
    else:
        lines.append("whether other people are taken for that person was not measured: others=...")
    lines += [
        "After Agarwal et al. 2019, with mesh signals in place of action units.",
        "This is biometric data of a person and needs their consent. Nobody is identified by it.",
    ]
    return "\n".join(lines) + "\n"
