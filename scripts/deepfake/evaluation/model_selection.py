"""Select the best model of a run, and the one for verdicts, on the folds only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from deepfake.evaluation import shortcuts, summary


def best(found: Sequence[dict]) -> dict | None:
    """The evaluation record of the model that is best on the folds; None of none.

    By the ROC AUC of videos by their scores out of the fold. Ties, to the three digits that are
    shown, go to the simpler: fewer features, then the smaller `rank` of its model. Folds of two
    protocols cannot be compared, so only the first record's protocol takes part.

    Args:
        found: evaluation records with the rank of their model: see `ranked`.
    """
    return min(
        (r for r in found if r["protocol"] == found[0]["protocol"]), key=_merit, default=None
    )


def _merit(record: dict) -> tuple[float, int, int]:
    value = record["folds"]["roc_auc"]["value"]
    merit = math.inf if value is None else -round(value, 3)
    return merit, record["features"]["length"], record["rank"]


def ranked(found: Sequence[dict], ranks: Mapping[str, int]) -> list[dict]:
    """Evaluation records with the rank of their model, by which equal ones are chosen.

    Args:
        ranks: by name, the simplest model's the smallest.
    """
    return [record | {"rank": ranks[record["model"]]} for record in found]


def for_verdicts(found: Sequence[dict]) -> dict | None:
    """The record of the model for verdicts: the best one that qualifies.

    Its split and folds do not leak, so its performance on new people is known; and it contains no
    face of the training, so it may be shared.
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
    """The name of a model with its feature set."""
    return f"{record['features']['name']} {record['model']}"


def rivals(found: Sequence[dict], compared: Sequence[dict]) -> list[tuple[dict, list[dict]]]:
    """The best on the folds of each protocol, and its difference of ROC AUC on the test to others.

    The others are the best of each other feature set.

    Args:
        found: evaluation records. compared: rows of `summary.pairs`.

    Returns:
        For each protocol the record, and dicts: name of the other, value, low and high.
    """
    result = []
    for protocol in dict.fromkeys(record["protocol"] for record in found):
        same = [record for record in found if record["protocol"] == protocol]
        winner, differences = best(same), []
        for features in dict.fromkeys(record["features"]["name"] for record in same):
            other = best([record for record in same if record["features"]["name"] == features])
            if features != winner["features"]["name"]:
                differences.append({"name": name(other)} | _difference(winner, other, compared))
        result.append((winner, differences))
    return result


def _difference(winner: dict, other: dict, compared: Sequence[dict]) -> dict:
    """ROC AUC of the winner minus that of the other, with its interval."""
    wanted = [(record["features"]["name"], record["model"]) for record in (winner, other)]
    for row in compared:
        pair = [(row[f"{side}_features"], row[side]) for side in ("one", "other")]
        if (row["protocol"], row["score"]) != (winner["protocol"], "roc_auc") or {*pair} != {
            *wanted
        }:
            continue
        cells = [row[column] for column in ("difference", "low", "high")]
        value, low, high = (None if cell in (None, "") else float(cell) for cell in cells)
        if pair != wanted:  # the other minus this one
            value, low, high = (None if v is None else 0 - v for v in (value, high, low))
        return {"value": value, "low": low, "high": high}
    raise ValueError(f"{name(winner)} and {name(other)} were not compared")


def recommended(found: Sequence[dict], corrected: Mapping[str, dict] | None = None) -> dict:
    """The content of a run's `best.json`: the bundle for `classify`, or why there is none."""
    chosen = for_verdicts(found)
    if chosen is None:
        why = "every model has a leaky split, or contains training faces, or has no score"
        return {"bundle": None, "why": why}
    features, protocol, model = chosen["features"]["name"], chosen["protocol"], chosen["model"]
    result = {
        "bundle": f"{features}/{protocol}/models/{model}",
        "why": "best ROC AUC of videos on the folds, without a leak and without training faces",
        "roc_auc": chosen["folds"]["roc_auc"],
    }
    if chosen.get("unfinished"):
        result["unfinished"] = chosen["unfinished"]
    if corrected:
        result["roc_auc_corrected"] = corrected[protocol]["models"][name(chosen)]["roc_auc"]
    return result


def lines(
    found: Sequence[dict],
    compared: Sequence[dict],
    folder: str,
    untrained: Sequence[dict] = (),
    corrected: Mapping[str, dict] | None = None,
) -> list[str]:
    """Lines on the best model on the folds of each split, and on the model for verdicts.

    Args:
        found: evaluation records. compared: rows of `summary.pairs`. folder: of the run.
        untrained: rows of `shortcuts.table`.
        corrected: of `selection_bias.corrected`, by protocol.
    """
    result = []
    for winner, differences in rivals(found, compared):
        stamp = " LEAKY" if winner["folds"]["leaky"] else ""
        score = summary.interval(winner["folds"]["roc_auc"])
        result.append(
            f"Best on the folds of the {winner['protocol']} split: {name(winner)}, ROC AUC of "
            f"videos {score}{stamp}"
        )
        if corrected:
            best_of_all = corrected[winner["protocol"]]["all"]
            result.append(
                f"  corrected for the choice among {best_of_all['candidates']} candidates: "
                f"{summary.interval(best_of_all['roc_auc'])}{stamp}"
            )
        if winner.get("unfinished"):
            result.append(f"  its fit did not finish: {winner['unfinished']}")
        stamp = " LEAKY" if winner["leaky"] else ""
        result += [
            f"  on the test, minus {other['name']}: {summary.difference(other)}{stamp}"
            for other in differences
        ]
        result += [f"  {line}{stamp}" for line in shortcuts.lines(untrained, winner)]
    chosen = recommended(found, corrected)
    result.append(
        f"For verdicts: {folder}/{chosen['bundle']}"
        if chosen["bundle"]
        else f"For verdicts: none; {chosen['why']}"
    )
    if "unfinished" in chosen:
        result.append(f"  its fit did not finish: {chosen['unfinished']}")
    return result
