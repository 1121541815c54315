"""The table of a search: candidates x folds with their scores, and the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.tables import Table
from deepfake.evaluation import metrics
from deepfake.splits import parts
from deepfake.splits.parts import rows_of

SCORES = ("roc_auc", "accuracy", "balanced_accuracy", "average_precision")
OF_COPIES = tuple(f"copies_{name}" for name in SCORES)  # the same of training copies
COLUMNS = ("candidate", "fold", *SCORES, *OF_COPIES, "note")  # note: why a fit did not finish
# of a training: its epochs, and which candidate each is, if it is one
CURVE_COLUMNS = ("protocol", "fold", "epoch", "candidate", "loss", *SCORES)
OUT_OF_FOLD_COLUMNS = ("row", "video_id", "copy", "label", "group_id", "fold", "score")


def table(
    values: Mapping[int, np.ndarray],
    fake: np.ndarray,
    fold: int,
    threshold: float,
    notes: Mapping[int, str] | None = None,
    copies: np.ndarray | None = None,
) -> list[dict]:
    """Rows of COLUMNS: the scores of each candidate on a fold, those of training copies apart.

    Args:
        values: by candidate, its score of each row, float64 (held out,). fake: their labels.
        threshold: score from which the model predicts fake.
        notes: by candidate, why its fit did not finish.
        copies: bool (held out,), which rows are training copies; None: none.
    """
    copies = np.zeros(len(fake), bool) if copies is None else copies
    return [
        {"candidate": number, "fold": fold, "note": (notes or {}).get(number, "")}
        | _scores(fake, scored, threshold, copies)
        for number, scored in values.items()
    ]


def _scores(
    fake: np.ndarray, values: np.ndarray, threshold: float, copies: np.ndarray
) -> dict[str, float]:
    """The scores of the faces themselves, and those of training copies where there are some."""
    found = metrics.scores(fake[~copies], values[~copies], threshold)
    result = {name: float(found[name][0]) for name in SCORES}
    if copies.any():
        found = metrics.scores(fake[copies], values[copies], threshold)
        result |= {of: float(found[n][0]) for of, n in zip(OF_COPIES, SCORES, strict=True)}
    return result


def shown(rows: Sequence[dict], names: Sequence[str]) -> tuple[str, ...]:
    """Those of the columns `names` that some row fills: a search has no copies, or no notes."""
    return tuple(name for name in names if any(row.get(name, "") != "" for row in rows))


def join(rows: Sequence[dict[str, str]], candidates: int) -> list[dict[str, str]]:
    """Rows of all search jobs by candidate and fold.

    Raises:
        ValueError: a candidate not scored on a fold, or scored twice.
    """
    found = sorted(rows, key=lambda row: (int(row["candidate"]), int(row["fold"])))
    keys = [(row["candidate"], row["fold"]) for row in found]
    folds = {fold for _, fold in keys}
    if len(set(keys)) != len(keys) or len(keys) != candidates * len(folds):
        raise ValueError("the search tables do not have each candidate and fold exactly once")
    return found


def best(rows: Sequence[dict[str, str]], score: str) -> tuple[int, dict[str, float]]:
    """The candidate with the best mean over the folds; the first, simplest of equal ones.

    With training copies, a fold's score is the mean of that of the faces and that of the copies.
    One that did not finish on a fold is chosen only if no candidate finished on all.

    Returns:
        Its number and its means.
    """
    marked = {int(row["candidate"]) for row in rows if row.get("note")}
    numbers = {int(row["candidate"]) for row in rows}
    numbers = sorted(numbers - marked or numbers)
    means = {}
    for number in numbers:
        folds = [row for row in rows if int(row["candidate"]) == number]
        means[number] = {
            name: float(np.mean([float(row[name]) for row in folds]))
            for name in (*SCORES, *shown(folds, OF_COPIES))
        }
    chosen = max(numbers, key=lambda number: (round(_merit(means[number], score), 12), -number))
    return chosen, means[chosen]


def _merit(means: Mapping[str, float], score: str) -> float:
    """What candidates are compared by."""
    return float(np.mean([means[n] for n in (score, f"copies_{score}") if n in means]))


def note(rows: Sequence[dict[str, str]], number: int) -> str:
    """Why the fits of a candidate did not finish, or ""."""
    notes = [
        f"fold {row['fold']}: {row['note']}"
        for row in rows
        if int(row["candidate"]) == number and row.get("note")
    ]
    return "; ".join(notes)


def by_fold(held_out: Sequence[dict], threshold: float) -> list[dict]:
    """The search table of the one candidate of an out-of-fold table.

    Args:
        threshold: score from which it predicts fake.
    """
    table, held_out = [], tables.of(held_out)
    folds = held_out.column("fold")
    for fold in sorted(set(folds), key=int):
        in_fold = held_out.at(folds == fold)
        fake, copies = in_fold.column("label") == "fake", parts.copies(in_fold)
        values = in_fold.floats("score")
        scores = _scores(fake, values, threshold, copies)
        table.append({"candidate": "0", "fold": fold} | scores)
    return table


def out_of_fold(
    candidate: int,
    searched: Sequence[Sequence[dict[str, str]]],
    values: Sequence[np.ndarray],
    rows: Sequence[dict[str, str]],
    split: Sequence[dict[str, str]],
) -> Table:
    """The training rows, with the score of each by the candidate fitted without its fold.

    Args:
        candidate: its number.
        searched: the table of each search job. values: its scores, float64 (candidates, held out).
        rows, split: of the matrix.

    Raises:
        ValueError: a fold without the candidate's scores.
    """
    chosen = rows_of(rows, split, "train")
    scores, scored_rows = np.empty(len(chosen)), np.zeros(len(chosen), bool)
    for part, scored in zip(searched, values, strict=True):
        for record, of_fold in zip(part, scored, strict=True):
            if int(record["candidate"]) == candidate:
                held_out = chosen.among("fold", int(record["fold"]), str(record["fold"]))
                scores[held_out], scored_rows[held_out] = of_fold, True
    if not scored_rows.all():
        fold = chosen.at(~scored_rows)[0]["fold"]
        raise ValueError(
            f"the search tables have no scores of candidate {candidate} on fold {fold}"
        )
    return chosen.with_columns(score=scores)
