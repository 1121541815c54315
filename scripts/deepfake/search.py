"""The table of a search: candidates x folds with their scores, and the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepfake import metrics

SCORES = ("roc_auc", "accuracy", "balanced_accuracy", "average_precision")
COLUMNS = ("candidate", "fold", *SCORES)
# of a training: its epochs, and which candidate each is, if it is one
CURVE_COLUMNS = ("protocol", "fold", "epoch", "candidate", "loss", *SCORES)
UNSEEN_COLUMNS = ("row", "video_id", "label", "group_id", "fold", "score")


def table(
    values: Mapping[int, np.ndarray], fake: np.ndarray, fold: int, threshold: float
) -> list[dict]:
    """Rows of COLUMNS: the scores of each candidate on a fold.

    Args:
        values: by candidate, its score of each row, float64 (held out,). fake: their labels.
        threshold: score from which the model says fake.
    """
    rows = []
    for number, scored in values.items():
        found = metrics.scores(fake, scored, threshold)
        rows.append(
            {"candidate": number, "fold": fold} | {name: float(found[name][0]) for name in SCORES}
        )
    return rows


def join(rows: Sequence[dict[str, str]], candidates: int) -> list[dict[str, str]]:
    """Rows of all search jobs by candidate and fold.

    Raises:
        ValueError: a candidate not scored on a fold, or scored twice.
    """
    found = sorted(rows, key=lambda row: (int(row["candidate"]), int(row["fold"])))
    seen = [(row["candidate"], row["fold"]) for row in found]
    folds = {fold for _, fold in seen}
    if len(set(seen)) != len(seen) or len(seen) != candidates * len(folds):
        raise ValueError("the search tables do not hold each candidate and fold once")
    return found


def best(rows: Sequence[dict[str, str]], score: str) -> tuple[int, dict[str, float]]:
    """The candidate with the best mean over the folds; of equal ones the first, the simplest.

    Returns:
        Its number and its means.
    """
    numbers = sorted({int(row["candidate"]) for row in rows})
    means = {}
    for number in numbers:
        mine = [row for row in rows if int(row["candidate"]) == number]
        means[number] = {name: float(np.mean([float(r[name]) for r in mine])) for name in SCORES}
    chosen = max(numbers, key=lambda number: (round(means[number][score], 12), -number))
    return chosen, means[chosen]


def by_fold(unseen: Sequence[dict], threshold: float) -> list[dict]:
    """The search table of the one candidate that an out-of-fold table is of.

    Args:
        threshold: score from which it says fake.
    """
    table = []
    for fold in sorted({row["fold"] for row in unseen}, key=int):
        mine = [row for row in unseen if row["fold"] == fold]
        fake = np.array([row["label"] == "fake" for row in mine])
        found = metrics.scores(fake, np.array([float(row["score"]) for row in mine]), threshold)
        scores = {name: float(found[name][0]) for name in SCORES}
        table.append({"candidate": "0", "fold": fold} | scores)
    return table


def out_of_fold(
    candidate: int,
    parts: Sequence[Sequence[dict[str, str]]],
    values: Sequence[np.ndarray],
    rows: Sequence[dict[str, str]],
    split: Sequence[dict[str, str]],
) -> list[dict]:
    """The score of each training row by the candidate fitted without its fold.

    Args:
        candidate: its number.
        parts: the table of each search job. values: its scores, float64 (candidates, held out).
        rows, split: of the matrix.
    """
    by_fold = {}
    for part, scored in zip(parts, values, strict=True):
        for position, record in enumerate(part):
            if int(record["candidate"]) == candidate:
                by_fold[record["fold"]] = iter(scored[position])
    return [
        {**row, "fold": cut["fold"], "score": float(next(by_fold[cut["fold"]]))}
        for row, cut in zip(rows, split, strict=True)
        if cut["part"] == "train"
    ]
