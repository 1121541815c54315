"""Which model of a run is best, and which one verdicts come from: chosen on the folds alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deepfake import summary

SIMPLER_FIRST = (
    "ridge", "logistic", "elasticnet", "lda", "svm", "forest", "qda", "knn", "mesonet",
    "average",
)  # fmt: skip


def best(found: Sequence[dict]) -> dict | None:
    """The evaluation record of the model that is best on the folds; None of none.

    By the ROC AUC of videos by their scores out of the fold. Ties, to the three digits that are
    shown, go to the simpler: fewer features, then the order of SIMPLER_FIRST. Folds of two
    protocols cannot be compared, so only the first record's protocol takes part.
    """
    return min(
        (r for r in found if r["protocol"] == found[0]["protocol"]), key=_merit, default=None
    )


def _merit(record: dict) -> tuple[float, int, int]:
    value, model = record["folds"]["roc_auc"]["value"], record["model"]
    order = SIMPLER_FIRST.index(model) if model in SIMPLER_FIRST else len(SIMPLER_FIRST)
    return math.inf if value is None else -round(value, 3), record["features"]["length"], order


def for_verdicts(found: Sequence[dict]) -> dict | None:
    """The record of the model that verdicts should come from: the best that is fit for it.

    Its split and folds do not leak, so that it is known how it does on new people; and no face of
    the training can be read from it, so that it may be handed on.
    """
    return best(
        [
            record
            for record in found
            if not (record["folds"]["leaky"] or record["contains_training_images"])
            and record["folds"]["roc_auc"]["value"] is not None
        ]
    )


def name(record: dict) -> str:
    """What a model is and what it sees."""
    return f"{record['features']['name']} {record['model']}"


def rivals(found: Sequence[dict], compared: Sequence[dict]) -> list[tuple[dict, list[dict]]]:
    """The best on the folds of each protocol, and its ROC AUC less that of others on the test.

    The others are the best of each other feature set.

    Args:
        found: evaluation records. compared: rows of `summary.pairs`.

    Returns:
        For each protocol the record, and dicts: name of the other, value, low and high.
    """
    told = []
    for protocol in dict.fromkeys(record["protocol"] for record in found):
        mine = [record for record in found if record["protocol"] == protocol]
        won, less = best(mine), []
        for features in dict.fromkeys(record["features"]["name"] for record in mine):
            other = best([record for record in mine if record["features"]["name"] == features])
            if features != won["features"]["name"]:
                less.append({"name": name(other)} | _difference(won, other, compared))
        told.append((won, less))
    return told


def _difference(won: dict, other: dict, compared: Sequence[dict]) -> dict:
    """ROC AUC of one less that of the other, with its interval."""
    asked = [(record["features"]["name"], record["model"]) for record in (won, other)]
    for row in compared:
        pair = [(row[f"{side}_features"], row[side]) for side in ("one", "other")]
        if (row["protocol"], row["score"]) != (won["protocol"], "roc_auc") or {*pair} != {*asked}:
            continue
        cells = [row[column] for column in ("difference", "low", "high")]
        value, low, high = (None if cell in (None, "") else float(cell) for cell in cells)
        if pair != asked:  # the other less this one
            value, low, high = (None if v is None else 0 - v for v in (value, high, low))
        return {"value": value, "low": low, "high": high}
    raise ValueError(f"{name(won)} and {name(other)} were not compared")


def recommended(found: Sequence[dict]) -> dict:
    """What `best.json` of a run holds: the bundle that `classify` takes, or why it takes none."""
    chosen = for_verdicts(found)
    if chosen is None:
        why = "every model is of a leaky split, or holds faces of its training, or has no score"
        return {"bundle": None, "why": why}
    seen, protocol, model = chosen["features"]["name"], chosen["protocol"], chosen["model"]
    return {
        "bundle": f"{seen}/{protocol}/models/{model}",
        "why": "best ROC AUC of videos on the folds, without a leak and without faces in it",
        "roc_auc": chosen["folds"]["roc_auc"],
    }


def lines(found: Sequence[dict], compared: Sequence[dict], folder: str) -> list[str]:
    """Which model is best on the folds of each split, and which one verdicts come from.

    Args:
        found: evaluation records. compared: rows of `summary.pairs`. folder: of the run.
    """
    told = []
    for won, less in rivals(found, compared):
        stamp = " LEAKY" if won["folds"]["leaky"] else ""
        score = summary.interval(won["folds"]["roc_auc"])
        told.append(
            f"Best on the folds of the {won['protocol']} split: {name(won)}, ROC AUC of videos "
            f"{score}{stamp}"
        )
        stamp = " LEAKY" if won["leaky"] else ""
        told += [
            f"  on the test, less {other['name']}: {summary.difference(other)}{stamp}"
            for other in less
        ]
    chosen = recommended(found)
    told.append(
        f"For verdicts: {folder}/{chosen['bundle']}"
        if chosen["bundle"]
        else f"For verdicts: none; {chosen['why']}"
    )
    return told
