"""Results of a run as data for its page: each model's search, test and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deepfake.core import tables
from deepfake.core.row import Row
from deepfake.core.tables import Table
from deepfake.evaluation import model_selection, operating_points, summary
from deepfake.evaluation.search_table import note
from deepfake.models.catalogue import RANKS
from deepfake.report import abstention, charts, data, texts

LONG = 50  # rows shown of a list that may grow long
SCORE_NAMES = {
    "roc_auc": "ROC AUC",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "average_precision": "average precision",
}
UNITS = ("videos", "frames")


@dataclass
class Result:
    """A model under a protocol: its search, its choice and its test.

    Attributes:
        metrics: of `evaluate`. best: of `choose`. search: its table.
        scored: by unit, the table of the test rows with their scores.
        curves: of a network, the learning curve of each of its trainings.
    """

    metrics: dict
    best: dict
    search: Table
    scored: dict[str, Table]
    curves: list[Table] = field(default_factory=list)

    @property
    def model(self) -> str:
        """Its name."""
        return self.metrics["model"]

    @property
    def features(self) -> str:
        """Its feature set."""
        return self.metrics["features"]["name"]

    @property
    def protocol(self) -> str:
        """The split that it was searched and tested under."""
        return self.metrics["protocol"]

    @property
    def leaky(self) -> bool:
        """Whether its scores must be stamped."""
        return self.metrics["leaky"]


def read(files: dict[str, list[str]]) -> list[Result]:
    """Results from lists of files in the same order: metrics, best, search, videos, frames.

    The learning curves, if there are any, are in an order of their own.
    """
    lists = (files[name] for name in ("metrics", "best", "search", *UNITS))
    found = [
        Result(
            *model_selection.ranked([load(metric)], RANKS), load(best), tables.read(search),
            {"videos": _slim(videos, "group_id"), "frames": _slim(frames)},
        )
        for metric, best, search, videos, frames in zip(*lists, strict=True)
    ]  # fmt: skip
    curves = [tables.read(path) for path in files.get("curves", [])]
    for result in found:
        if result.model == "mesonet":
            result.curves = [c for c in curves if c[0]["protocol"] == result.protocol]
    return found


def load(path: str) -> dict:
    """A JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _slim(path: str, *more: str) -> Table:
    return tables.read(path, ("video_id", "label", "score", "probability", "predicted", *more))


def section(
    audit: dict, features: str, results: Sequence[Result], score: str, pairs: Sequence[Row]
) -> dict:
    """Search, curves, confusion, comparisons, slices and errors of all models on a feature set
    under a split."""
    protocol = audit["protocol"]
    chosen = [r for r in results if (r.protocol, r.features) == (protocol, features)]
    name = f"{protocol}-{features}"
    return {
        "protocol": protocol,
        "features": features,
        "name": f"{protocol}, {features}",
        "leaky": audit["leaky"],
        "folds": audit["leaky_folds"],
        "searches": [search(result, score) for result in chosen],
        "curves": [
            {"unit": unit, "figure": _roc(f"roc-{name}-{unit}", chosen, unit)} for unit in UNITS
        ],
        "confusions": [
            confusion(result.model, unit, result.metrics[unit])
            for unit in UNITS
            for result in chosen
        ],
        "calibration": charts.calibration(f"calibration-{name}", [_calibration(r) for r in chosen]),
        "answers": [abstention.shown(result.metrics) for result in chosen],
        "points_from": operating_points.SOURCES[chosen[0].metrics["answers"]["points"]["source"]],
        "coverage": abstention.figure(
            f"coverage-{name}",
            [result.metrics for result in chosen],
            [result.scored["videos"] for result in chosen],
        ),
        "slices": data.cut([one for result in chosen for one in slices(result)], LONG),
        "pairs": [
            pair(row)
            for row in pairs
            if row["protocol"] == protocol
            and row["one_features"] == row["other_features"] == features
        ],
        "errors": errors(chosen, LONG),
        "models": [result.model for result in chosen],
    }


def _calibration(result: Result) -> dict:
    found = result.metrics["calibration"]
    brier = summary.interval(found["brier"])
    label = texts.BRIER.format(model=result.model, brier=brier, baseline=found["baseline"])
    return {"model": result.model, "label": label, "bins": found["bins"]}


def slices(result: Result) -> list[dict]:
    """A model's scores on parts of the test videos, ready to be shown."""
    return [
        {
            "model": result.model,
            **{name: part[name] for name in ("by", "of", "fake", "real", "groups", "note")},
            "baseline": part["majority_baseline"],
            **{name: summary.interval(part["metrics"][name]) for name in summary.SHOWN},
        }
        for part in result.metrics["slices"]
    ]


def pair(row: Row) -> dict:
    """A comparison of two models as text, and which is significantly better, if one is."""
    value, low, high = (float(row[k]) if row[k] else None for k in ("difference", "low", "high"))
    better = ""
    if low is not None and high is not None and not low <= 0 <= high:
        better = row["one"] if low > 0 else row["other"]
    difference = summary.difference({"value": value, "low": low, "high": high})
    return row | {"difference": difference, "better": better, "score": SCORE_NAMES[row["score"]]}


def search(result: Result, score: str) -> dict:
    """A model's candidates, the best first, and their curve."""
    by_candidate: dict[int, list[Row]] = {}
    for row in result.search:
        by_candidate.setdefault(int(row["candidate"]), []).append(row)
    shown = [key for key in result.search[0] if key not in ("candidate", "fold", *SCORE_NAMES)]
    names = [key for key in shown if key != "note"]
    found = []
    for number, rows in by_candidate.items():
        values = np.array([float(row[score]) for row in rows])
        found.append(
            {
                "number": number,
                "settings": {key: rows[0][key] for key in names},
                "mean": float(values.mean()),
                "low": float(values.min()),
                "high": float(values.max()),
                "best": number == result.best["number"],
            }
        )
    found.sort(key=lambda one: (not one["best"], -ranked(one["mean"]), one["number"]))
    figure, lines = charts.search(
        f"search-{result.protocol}-{result.features}-{result.model}",
        result.model,
        found,
        SCORE_NAMES[score],
    )
    if "note" in shown:
        for one in found:
            one["settings"]["note"] = note(result.search, one["number"])
    return {
        "model": result.model,
        "axis": charts.AXES[result.model],
        "names": shown,
        "count": len(found),
        "candidates": data.cut(found, LONG),
        "figure": figure,
        "learning": _learning(result, score),
        "remark": texts.BEST_LINES.format(limit=charts.LINES, count=lines)
        if lines > charts.LINES
        else "",
    }


def _learning(result: Result, score: str) -> str:
    """The learning curves of the best candidate's training, or "" if there are none."""
    best = str(result.best["number"])
    folds = [
        [
            {"epoch": int(row["epoch"]), "loss": float(row["loss"]), "score": float(row[score])}
            for row in curve
        ]
        for curve in result.curves
        if any(row["candidate"] == best for row in curve)
    ]
    if not folds:
        return ""
    name, chosen = f"learning-{result.protocol}-{result.model}", result.best["candidate"]["epochs"]
    return charts.learning(name, result.model, folds, chosen, SCORE_NAMES[score])


def _roc(name: str, results: Sequence[Result], unit: str) -> str:
    """The figure, or "" where a class is missing."""
    curves = []
    for row, result in ((_unit_row(result, unit), result) for result in results):
        fake = result.scored[unit].column("label") == "fake"
        values = result.scored[unit].floats("score")
        label = f"{result.model} {summary.score(row, 'roc_auc')}"
        curves.append({"model": result.model, "label": label, "fake": fake, "values": values})
    if any(curve["fake"].all() or not curve["fake"].any() for curve in curves):
        return ""
    return charts.roc(name, curves)


def _unit_row(result: Result, unit: str) -> dict:
    return next(row for row in summary.table([result.metrics]) if row["unit"] == unit)


def confusion(model: str, unit: str, judged: dict) -> dict:
    """A confusion matrix with each cell's share of its row, None where the row is empty."""
    rows = [
        {"label": label, "cells": [{"count": n, "share": n / sum(cells) if sum(cells) else None}
                                   for n in cells]}
        for label, cells in zip(("fake", "real"), judged["confusion"], strict=True)
    ]  # fmt: skip
    return {"model": model, "unit": unit, "rows": rows}


def errors(results: Sequence[Result], limit: int) -> dict:
    """Test videos as `data.cut` gives them, ordered by the mean error of the models, largest first.

    Args:
        results: of one test. limit: of the videos shown.
    """
    tables_of = [result.scored["videos"] for result in results]
    names = tables_of[0].column("video_id").tolist()
    place = {name: number for number, name in enumerate(names)}
    chances = np.empty((len(results), len(names)))
    rows_of = np.empty((len(results), len(names)), int)  # of each table, by the first one's rows
    for chance, numbers, table in zip(chances, rows_of, tables_of, strict=True):
        here = [place[name] for name in table.cells("video_id")]
        chance[here], numbers[here] = table.floats("probability"), np.arange(len(here))
    mean = sum(chances) / len(results)
    wrong = np.where(tables_of[0].among("label", "fake"), 1 - mean, mean).tolist()
    order = sorted(range(len(names)), key=lambda number: (-wrong[number], names[number]))
    found = []
    for number in order[:limit]:
        row = tables_of[0][number]
        video = {name: row[name] for name in ("video_id", "label")} | {"wrong": wrong[number]}
        for result, table, row in zip(results, tables_of, rows_of[:, number], strict=True):
            row = table[row]
            video[result.model] = {"fake": float(row["probability"]), "predicted": row["predicted"]}
        found.append(video)
    return data.cut_of(found, len(names), limit)


def dots(results: Sequence[Result]) -> list[dict]:
    """Figures of scores with their intervals, by video."""
    chosen: dict[str, tuple[float | None, Callable[[dict], float | None]]] = {
        "roc_auc": (0.5, lambda judged: None),
        "accuracy": (None, lambda judged: judged["majority_baseline"]),
    }
    found = []
    for score, (chance, baseline) in chosen.items():
        rows = [
            {"protocol": r.protocol, "features": r.features, "model": r.model, "leaky": r.leaky}
            | r.metrics["videos"]["metrics"][score]
            | {"baseline": baseline(r.metrics["videos"])}
            for r in results
        ]
        figure = charts.dots(f"dots-{score}", rows, SCORE_NAMES[score], chance)
        found.append({"score": SCORE_NAMES[score], "figure": figure})
    return found


def ranked(value: float) -> float:
    """A value to sort by; an undefined value is the smallest."""
    return value if np.isfinite(value) else -np.inf
