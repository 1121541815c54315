"""From which score a verdict is "fake", below which "no trace found", and how often each is wrong.

Each side answers only where its error rate is within its bound. The rate is of out-of-fold scores
of videos and is counted over groups, since videos of one group are not independent: each group adds
the share of its videos that are wrong. It is smoothed by Laplace's rule, (errors + 1) / (groups +
2), so that few groups never promise a small rate: without an error, 0.05 takes 18 groups and 0.10
takes 8. Two thresholds with no answer between them are a reject option (Chow 1970, "On optimum
recognition error and reject tradeoff").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEVEL = 0.95  # of the one-sided end of a rate
SIDES = ("fake", "no_trace")
SOURCES = {"folds": "on the folds", "sheet": "on the calibration sheet"}  # of points, in words
NAMES = {"fake": "fake", "no_trace": "no trace found"}  # of verdicts, for people
TOO_FEW = "too_few_groups"
NOT_SEPARATED = "not_separated"
SLACK = 1e-9  # sums of shares are no exact numbers


def choose(
    fake: np.ndarray,
    values: np.ndarray,
    groups: Sequence,
    *,
    max_false_alarms: float,
    max_missed: float,
    strict: bool = False,
    middle: float | None = None,
) -> dict:
    """The thresholds of both sides, with the rates that they are chosen by.

    Args:
        fake: bool (n,), labels of videos. values: float (n,), their out-of-fold scores.
        groups: of each video.
        max_false_alarms: bound of the rate of real videos that are called fake.
        max_missed: bound of the rate of fake videos in which no trace is found.
        strict: whether the one-sided 95 % end of a rate must be within its bound.
        middle: a threshold between the classes. Where every threshold of an interval holds both
            bounds, the one nearest to it serves both sides. By default the interval's middle.

    Returns:
        JSON-ready. By side of SIDES: `at`, its threshold, None where it cannot answer; `why` it
        cannot, TOO_FEW or NOT_SEPARATED, or ""; `bound`; `groups`, of the class that can be wrong
        on this side; `needs`, the least groups that can answer; and `errors`, `rate`, `upper` and
        `found`, the share over groups of the other class that is answered, None without a
        threshold.
    """
    fake, values = np.asarray(fake, bool), np.asarray(values, float)
    weights, counts = _weights(fake, np.asarray(groups))
    steps = np.unique(values)
    cuts = np.concatenate([steps[:1] - 1, (steps[:-1] + steps[1:]) / 2, steps[-1:] + 1])
    bounds = {"fake": max_false_alarms, "no_trace": max_missed}
    at = {}
    for side, first in zip(SIDES, (min, max), strict=True):
        found = _counted(side, cuts, fake, values, weights, counts)
        good = [
            cut
            for cut, errors, right in zip(cuts, found["errors"], found["found"], strict=True)
            if right > 0 and _holds(errors, found["groups"], bounds[side], strict)
        ]
        at[side] = float(first(good)) if good else None
    start, below = at["fake"], at["no_trace"]
    if start is not None and below is not None and start < below:
        between = (start + below) / 2 if middle is None else middle
        at = dict.fromkeys(SIDES, float(np.clip(between, start, below)))
    made = {}
    for side in SIDES:
        cut = np.array([np.nan if at[side] is None else at[side]])
        found = _counted(side, cut, fake, values, weights, counts)
        made[side] = _described(at[side], found, bounds[side], strict)
    return made


def needed(bound: float, strict: bool = False) -> int:
    """The least number of groups, none of them with an error, that hold a bound."""
    if strict:
        return int(np.ceil(np.log(1 - LEVEL) / np.log1p(-bound) - SLACK))
    return max(1, int(np.ceil(1 / bound - 2 - SLACK)))


def rate(errors: float, groups: int) -> float:
    """The smoothed rate of errors over groups, by Laplace's rule."""
    return (errors + 1) / (groups + 2)


def upper(errors: float, groups: int) -> float:
    """The one-sided 95 % end of a rate (Clopper and Pearson 1934); errors may be fractions."""
    from scipy.special import betaincinv

    if errors >= groups:
        return 1.0
    return float(betaincinv(errors + 1, groups - errors, LEVEL))


def verdict(score: float, points: dict) -> str:
    """What a video's score is called: fake, no_trace or undecided.

    Args:
        score: of the whole video. points: from `choose`.
    """
    start, below = points["fake"]["at"], points["no_trace"]["at"]
    if start is not None and score >= start:
        return "fake"
    if below is not None and score < below:
        return "no_trace"
    return "undecided"


def lacks(side: dict) -> str:
    """Why a side of `choose` gives no answer, in words; "" where it gives some."""
    if side["at"] is not None:
        return ""
    if side["why"] == TOO_FEW:
        return (
            f"an error rate within {side['bound']:g} takes {side['needs']} groups of people, "
            f"and there are {side['groups']}"
        )
    return f"no threshold holds the error rate within {side['bound']:g}"


def _holds(errors: float, groups: int, bound: float, strict: bool) -> bool:
    reached = upper(errors, groups) if strict else rate(errors, groups)
    return reached <= bound + SLACK


def _weights(fake: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, dict[bool, int]]:
    """What a video counts, one part of its group's videos of its class; and groups by class."""
    weights, counts = np.zeros(len(fake)), {}
    for label in (True, False):
        rows = fake == label
        _, group_of, sizes = np.unique(groups[rows], return_inverse=True, return_counts=True)
        weights[rows] = 1 / sizes[group_of]
        counts[label] = len(sizes)
    return weights, counts


def _counted(side: str, cuts, fake, values, weights, counts) -> dict:
    """Groups with errors, and the share of right answers, of a side at each of the cuts."""
    errs = fake == (side == "no_trace")  # the class of which an answer is wrong
    above = {}
    for name, rows in (("errors", errs), ("right", ~errs)):
        order = np.argsort(values[rows], kind="stable")
        below = np.concatenate([[0.0], np.cumsum(weights[rows][order])])
        under = below[np.searchsorted(values[rows][order], cuts, side="left")]
        above[name] = under if side == "no_trace" else below[-1] - under
    groups, others = counts[side == "no_trace"], counts[side == "fake"]
    errors = np.maximum(0.0, np.round(above["errors"], 9))
    return {"errors": errors, "found": above["right"] / max(1, others), "groups": groups}


def _described(at: float | None, found: dict, bound: float, strict: bool) -> dict:
    groups, needs = found["groups"], needed(bound, strict)
    made = {"at": at, "why": "", "bound": bound, "groups": groups, "needs": needs}
    if at is None:
        made["why"] = TOO_FEW if groups < needs else NOT_SEPARATED
        return made | dict.fromkeys(("errors", "rate", "upper", "found"))
    errors = float(found["errors"][0])
    return made | {
        "errors": errors,
        "rate": rate(errors, groups),
        "upper": upper(errors, groups),
        "found": float(found["found"][0]),
    }
