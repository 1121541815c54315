"""Scores of a model on new people, in `known.json` next to its bundle.

A bundle is written before its test. So its own score, of the folds that chose it, is optimistically
biased; the scores of the test and of the corrected choice are written next to it later.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from deepfake.evaluation import shortcuts
from deepfake.models.layout import Refused, demand

FILE = "known.json"
NULL = "null.json"  # of `snakemake null`
MOST_BYTES = 100_000
TEST = "a test on held-out videos"
CHOICE = "the folds, corrected for the choice among {} candidates"
FOLDS = "the folds that chose it, optimistically biased"
COUNTS = ("fake", "real", "groups")


def of(record: dict, selection: dict, untrained: Sequence[dict] = ()) -> dict:
    """The known scores of a model.

    Args:
        record: of its evaluation. selection: of its protocol, from `selection_bias.corrected`.
            Of the best of all its models the choice was among all candidates.
        untrained: rows of `shortcuts.table`.
    """
    features, model = record["features"]["name"], record["model"]
    folds, test = selection["models"][f"{features} {model}"], record["videos"]
    if (selection["all"]["features"], selection["all"]["model"]) == (features, model):
        folds = selection["all"]
    return {
        "test": {"roc_auc": test["metrics"]["roc_auc"]}
        | {name: test[name] for name in (*COUNTS, "note")}
        | {"leaky": record["leaky"]},
        "folds": {name: folds[name] for name in ("roc_auc", "chosen", "candidates", *COUNTS)},
        "shortcut": _shortcut(shortcuts.of_result(untrained, record)) if untrained else None,
    }


def _shortcut(rows: Sequence[dict]) -> dict | None:
    """That untrained number which is best on the training, on the same test."""
    if not rows:
        return None
    scores = {"value": "roc_auc", "low": "roc_auc_low", "high": "roc_auc_high"}
    roc_auc = {end: rows[0][column] for end, column in scores.items()}
    return {"measure": shortcuts.MEASURES[rows[0]["measure"]], "roc_auc": roc_auc}


def read(folder: str | Path) -> dict | None:
    """The known scores in a bundle's folder, checked; None if there are none.

    Raises:
        Refused: it is malformed.
    """
    if not Path(folder, FILE).is_file():
        return None
    try:
        known = _load(folder, FILE)
        known["null"] = _load(folder, NULL) if Path(folder, NULL).is_file() else None
        for part in (known["test"], known["folds"]):
            numbers = [part["roc_auc"][end] for end in ("value", "low", "high")]
            sound = all(n is None or (_is_number(n) and 0 <= n <= 1) for n in numbers)
            demand(sound, f"{FILE}: roc_auc is no share with an interval")
            demand(
                all(type(part[name]) is int for name in COUNTS), f"{FILE}: counts are no numbers"
            )
        demand(type(known["folds"]["candidates"]) is int, f"{FILE}: candidates is no number")
        if shortcut := known["shortcut"]:
            numbers = [shortcut["roc_auc"][end] for end in ("value", "low", "high")]
            sound = all(n is None or (_is_number(n) and 0 <= n <= 1) for n in numbers)
            demand(sound and isinstance(shortcut["measure"], str), f"{FILE}: shortcut is malformed")
        if null := known["null"]:
            sound = "null_95" not in null or _is_number(null["null_95"])
            demand(sound and isinstance(null["note"], str), f"{NULL} is malformed")
        sound = isinstance(known["test"]["note"], str) and type(known["test"]["leaky"]) is bool
        demand(sound, f"{FILE} is malformed")
    except (ValueError, LookupError, TypeError, RecursionError, OSError) as error:
        raise error if isinstance(error, Refused) else Refused(f"{FILE} is malformed") from None
    return known


def _load(folder: str | Path, name: str) -> dict:
    path = Path(folder, name)
    demand(path.stat().st_size <= MOST_BYTES, f"{name} is too large")
    return json.loads(path.read_text(encoding="utf-8"))


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(float(str(value)))


def auc(bundle: dict) -> dict | None:
    """The best that is known of a model's ROC AUC on people it has not seen.

    Args:
        bundle: the record of bundle.json, with `known_scores` where it has that file.

    Returns:
        value, low, high, source (in words), and fake, real, groups and note where they are known;
        None of a model whose folds leak, and where nothing is known.
    """
    if bundle["training"]["leaky"]:
        return None
    known = bundle.get("known")
    if known and not known["test"]["leaky"] and known["test"]["roc_auc"]["value"] is not None:
        return known["test"] | known["test"]["roc_auc"] | {"source": TEST}
    if known and known["folds"]["roc_auc"]["value"] is not None:
        choice = CHOICE.format(known["folds"]["candidates"])
        return {"note": ""} | known["folds"] | known["folds"]["roc_auc"] | {"source": choice}
    unseen = bundle.get("out_of_fold")
    if unseen:
        score = unseen["metrics"]["roc_auc"]
        counts = {name: unseen[name] for name in (*COUNTS, "note")}
    else:
        score = {"value": bundle["calibration"]["roc_auc"], "low": None, "high": None}
        counts = {"note": ""}
    return None if score["value"] is None else counts | score | {"source": FOLDS}
