"""Correct the score of the best of many candidates for selection bias.

The score of the best of many on the folds is a maximum, and so too good: on random labels, 27
candidates reach a ROC AUC of 0.64 on 24 videos. Bootstrap bias correction (Tsamardinos,
Greasidou and Borboudakis 2018, "Bootstrapping the out-of-sample predictions for efficient and
accurate cross-validation", Machine Learning 107) resamples the out-of-fold scores,
chooses on the sample, and scores the choice on the rest. Here whole groups are sampled, and the
choice is the run's own: `search_table.best` among a model's candidates, `model_selection.best`
among models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepfake.evaluation import intervals, metrics
from deepfake.splits.parts import copies, rows_of

CHUNK = 2_000_000  # weights of rows held at once, and ten arrays of them: 160 MB


@dataclass(frozen=True)
class Pool:
    """The training rows, in order.

    Attributes:
        fake: bool (n,). copied: bool (n,), whether it is a training copy.
        fold, group_of, video_of: int (n,), numbers from 0.
    """

    fake: np.ndarray
    copied: np.ndarray
    fold: np.ndarray
    group_of: np.ndarray
    video_of: np.ndarray


@dataclass(frozen=True)
class Searched:
    """A model's candidates on a feature set.

    Attributes:
        known: the rows that they are trained on.
        features, length, model: what it sees, how many numbers that is, and its name.
        rank: of the model among all, the simplest the smallest.
        threshold: score from which it says fake.
        values: float (candidates, n), of each row by the candidate fitted without its fold.
        trim: how a video's score is made of its frames'; see `metrics.trimmed_mean`.
    """

    known: Pool
    features: str
    length: int
    model: str
    rank: int
    threshold: float
    values: np.ndarray
    trim: float = 0.0
    variant: str = ""

    @property
    def name(self) -> str:
        """Feature set and model, and the variant of the run if there are some."""
        return " ".join(filter(None, (self.variant, self.features, self.model)))


def groups(rows: Sequence[dict], split: Sequence[dict]) -> list[str]:
    """The names of the groups in the training of a split, sorted."""
    return sorted(set(rows_of(rows, split, "train").column("group_id")))


def pool(rows: Sequence[dict], split: Sequence[dict], names: Sequence[str]) -> Pool:
    """The training rows of a split.

    Args:
        names: of groups, sorted: the numbers of these rows' groups are their places.

    Raises:
        ValueError: a group is not among the names.
    """
    chosen = rows_of(rows, split, "train")
    of_rows = chosen.column("group_id")
    if other := sorted(set(of_rows).difference(names)):
        raise ValueError(f"the group {other[0]} is in the training of one variant only")
    number = {name: place for place, name in enumerate(names)}
    group_of = np.array([number[name] for name in of_rows])
    fake, fold = chosen.column("label") == "fake", chosen.column("fold").astype(int)
    video_of = metrics.numbered(chosen.column("video_id"))
    return Pool(fake, copies(chosen), fold, group_of, video_of)


def gathered(
    known: Pool, parts: Sequence[Sequence[dict]], values: Sequence[np.ndarray]
) -> np.ndarray:
    """Scores of a model's candidates as `Searched.values`, from those of its search jobs.

    Args:
        parts: the table of each search job. values: its scores, float64 (candidates, held out).
    """
    count = 1 + max(int(record["candidate"]) for part in parts for record in part)
    found = np.full((count, len(known.fake)), np.nan)
    for part, scored in zip(parts, values, strict=True):
        for record, values_of_fold in zip(part, scored, strict=True):
            found[int(record["candidate"]), known.fold == int(record["fold"])] = values_of_fold
    if np.isnan(found).any():
        raise ValueError("the search jobs lack a score of some candidate and row")
    return found


def corrected(
    searched: Sequence[Searched],
    numbers: Sequence[int],
    *,
    score: str,
    count: int,
    seed: int,
    level: float,
) -> dict:
    """The corrected ROC AUC of videos of each model's choice, and of the best of all.

    Args:
        searched: of one protocol; their pools number the groups alike.
        numbers: of the candidate that the run chose of each.
        score: by which candidates are chosen.
        count: draws. seed: of them. level: of the intervals.

    Returns:
        JSON-ready. `models`: by `Searched.name` the dict of `_estimate`; `all`: that of the best.

    Raises:
        ValueError: the choice on all groups is not the run's.
    """
    most = max(int(one.known.group_of.max()) for one in searched) + 1
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(most, [1 / most] * most, size=count).astype(float)
    whole = [_chosen(one, score, np.ones((1, most))) for one in searched]
    if (again_chosen := [int(choice.best[0]) for choice in whole]) != [*numbers]:
        raise ValueError(
            f"the run chose candidates {[*numbers]}, and this job chooses {again_chosen}"
        )
    again = [_chosen(one, score, drawn) for one in searched]
    found = {
        one.name: _estimate([one], [choice], [draws], level)
        for one, choice, draws in zip(searched, whole, again, strict=True)
    }
    return {"models": found, "all": _estimate(searched, whole, again, level)}


@dataclass(frozen=True)
class _Choice:
    """A model's best candidate on each draw: number, ROC AUC of the videos drawn and left out."""

    best: np.ndarray
    drawn: np.ndarray
    left: np.ndarray


def _chosen(one: Searched, score: str, drawn: np.ndarray) -> _Choice:
    means = np.stack([_fold_means(one.known, values, one.threshold, score, drawn)
                      for values in one.values])  # fmt: skip
    means = np.round(np.where(np.isnan(means), -np.inf, means), 12)
    best = np.argmax(means, axis=0)  # the first, simplest of equal ones
    inside, outside = np.full(len(drawn), np.nan), np.full(len(drawn), np.nan)
    for number in np.unique(best):
        where = best == number
        fake, values, group_of = _videos(one.known, one.values[number], one.trim)
        for into, times in ((inside, drawn[where]), (outside, 1.0 * (drawn[where] == 0))):
            into[where] = _scores(fake, values, group_of, one.threshold, times)["roc_auc"]
    return _Choice(best, inside, outside)


def _fold_means(known: Pool, values, threshold: float, score: str, drawn) -> np.ndarray:
    """A candidate's mean score over the folds for each draw; folds without a score are left out.

    With training copies, the mean of that of the faces and that of the copies.
    """
    means = []
    for copied in sorted({False} | set(known.copied.tolist())):
        found = []
        for fold in np.unique(known.fold):
            rows = (known.fold == fold) & (known.copied == copied)
            of_fold = known.fake[rows], values[rows], known.group_of[rows]
            found.append(_scores(*of_fold, threshold, drawn)[score])
        found = np.stack(found)
        known_ones = np.isfinite(found)
        with np.errstate(invalid="ignore"):
            means.append(np.where(known_ones, found, 0).sum(axis=0) / known_ones.sum(axis=0))
    return np.mean(means, axis=0)


def _scores(fake, values, group_of, threshold: float, drawn: np.ndarray) -> dict[str, np.ndarray]:
    step = max(1, CHUNK // len(fake))
    parts = [
        metrics.scores(fake, values, threshold, drawn[first : first + step][:, group_of])
        for first in range(0, len(drawn), step)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in metrics.NAMES}


def _videos(
    known: Pool, values: np.ndarray, trim: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label, score and group of each video, without training copies."""
    faces = np.flatnonzero(~known.copied)
    first = faces[np.unique(known.video_of[faces], return_index=True)[1]]
    _, means = metrics.video_means(known.video_of[faces], values[faces], trim)
    return known.fake[first], means, known.group_of[first]


def _estimate(
    searched: Sequence[Searched], whole: Sequence[_Choice], again: Sequence[_Choice], level: float
) -> dict:
    """The corrected score of the best of some models.

    Returns:
        features and model, and variant if there are some; chosen: its ROC AUC on the folds that
        chose it; roc_auc: {value, low, high} after the correction, the interval of the same width
        on the logit scale as the best one's; candidates: how many were compared; draws: how many
        samples it uses.
    """
    (winner,) = _winners(searched, np.stack([choice.drawn for choice in whole]))
    most = _winners(searched, np.stack([choice.drawn for choice in again]))
    left = np.stack([choice.left for choice in again])[most, np.arange(len(most))]
    left = left[np.isfinite(left)]
    value = float(left.mean()) if len(left) else None
    low, high = intervals.NONE
    best = searched[winner]
    fake, values, group_of = _videos(best.known, best.values[whole[winner].best[0]], best.trim)
    group_of = metrics.numbered(group_of)
    if value is not None and not metrics.lacking(fake, group_of):
        line = intervals.scores(fake, values, best.threshold)["roc_auc"]
        moved = intervals.Linear(value, line.parts, line.step)
        low, high = intervals.limits(moved, group_of, level)
    chosen = float(whole[winner].drawn[0])
    return ({"variant": best.variant} if best.variant else {}) | {
        "features": best.features,
        "model": best.model,
        "chosen": chosen if np.isfinite(chosen) else None,
        "roc_auc": {"value": value, "low": low, "high": high},
        "candidates": sum(len(one.values) for one in searched),
        "fake": int(fake.sum()),
        "real": int((~fake).sum()),
        "groups": int(group_of.max()) + 1,
        "draws": len(left),
    }


def _winners(searched: Sequence[Searched], values: np.ndarray) -> np.ndarray:
    """Which model is best on each draw by `model_selection.best`; values: float (models, draws)."""
    order = sorted(
        range(len(searched)), key=lambda place: (searched[place].length, searched[place].rank)
    )
    rounded = np.round(np.where(np.isnan(values), -np.inf, values), 3)[order]
    return np.array(order)[np.argmax(rounded, axis=0)]
