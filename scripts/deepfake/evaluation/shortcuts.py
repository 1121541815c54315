"""Untrained baselines: the ROC AUC of single measures of the face, to compare models with.

Fakes are often softer than real faces, or have other noise than their surroundings, because of the
encoder or the size at which they were made. Such a measure is no detector of forgeries: it is a
baseline that a trained model should beat.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.row import Row
from deepfake.evaluation import metrics, summary
from deepfake.splits.parts import copies, rows_of

MEASURES = {
    "sharpness": "sharpness of the face",
    "noise": "luma noise of the face minus that of the ring around it",
}  # columns of the faces' records
COLUMNS = (
    "protocol", "features", "model", "measure", "fakes_have", "training_roc_auc", "roc_auc",
    "roc_auc_low", "roc_auc_high", "difference", "difference_low", "difference_high", "videos",
    "groups", "leaky",
)  # fmt: skip
OF_A_RECORD = ("video_id", "frame", "face", "copy", "status", *MEASURES)  # columns that are used
CLOSE = 0.05  # a smaller difference of ROC AUC is called hardly better


def of_videos(
    rows: Sequence[Row], records: Sequence[Row], split: Sequence[Row]
) -> dict[str, dict[str, dict]]:
    """The mean of each measure over the faces of each video, without training copies.

    Args:
        rows: of the matrix. records: of the faces, in the order of the rows, with others between.
        split: of the rows.

    Returns:
        By part (train, test) and measure, by video its mean and whether it is fake.

    Raises:
        ValueError: the records that were kept are of other faces than the rows.
    """
    records = tables.of(records)
    kept = records.at((records.column("status") == "kept") & ~copies(records))
    faces = rows_of(rows, split, "train", "test", "unused")
    faces = faces.at(~copies(faces))
    for name in ("video_id", "frame", "face"):
        if not np.array_equal(faces.column(name), kept.column(name)):
            raise ValueError(
                "the rows of the matrix and the faces' records are of different faces; remove both "
                "tables (rows.tsv, faces.tsv) and run again"
            )
    found: dict[str, dict[str, dict]] = {}
    for part in ("train", "test"):
        inside = faces.column("part") == part
        videos = faces.column("video_id")[inside]
        first = np.unique(videos, return_index=True)[1]
        fake = (faces.column("label")[inside][first] == "fake").tolist()
        found[part] = {}
        for measure in MEASURES:
            names, means = metrics.video_means(videos, kept.at(inside).floats(measure))
            pairs = zip(means.tolist(), fake, strict=True)
            found[part][measure] = dict(zip(names, pairs, strict=True))
    return found


def table(
    found: Sequence[dict],
    videos: Sequence[Sequence[Row]],
    known: dict[str, dict[str, dict[str, dict]]],
    level: float,
) -> list[dict]:
    """Each model compared with each measure on the same test videos: rows of COLUMNS.

    Args:
        found: evaluation records. videos: the scored videos of each.
        known: of `of_videos`, by protocol. level: of the intervals.
    """
    rows = []
    for record, scored in zip(found, videos, strict=True):
        parts = known[record["protocol"]]
        fake = np.array([row["label"] == "fake" for row in scored])
        groups = [row["group_id"] for row in scored]
        scores = np.array([float(row["score"]) for row in scored])
        for measure in MEASURES:
            means, labels = map(np.array, zip(*parts["train"][measure].values(), strict=True))
            auc = metrics.scores(labels.astype(bool), means, 0.0)["roc_auc"][0]
            sign = -1 if auc < 0.5 else 1
            values = sign * np.array([parts["test"][measure][row["video_id"]][0] for row in scored])
            measured = metrics.summary(fake, values, 0.0, groups, level=level)["metrics"]["roc_auc"]
            compared = metrics.paired(fake, (scores, 0.0), (values, 0.0), groups, level=level)
            row = {
                "protocol": record["protocol"],
                "features": record["features"]["name"],
                "model": record["model"],
                "measure": measure,
                "fakes_have": "less" if sign < 0 else "more",
                "training_roc_auc": float(max(auc, 1 - auc)) if np.isfinite(auc) else None,
                "roc_auc": measured["value"],
                "videos": len(scored),
                "groups": len(set(groups)),
                "leaky": "yes" if record["leaky"] else "no",
                "difference": compared["roc_auc"]["value"],
            }
            for end in ("low", "high"):
                row |= {
                    f"roc_auc_{end}": measured[end],
                    f"difference_{end}": compared["roc_auc"][end],
                }
            rows.append(row)
    return rows


def of_result(rows: Sequence[dict], record: dict) -> list[dict]:
    """The rows of `table` of one model, the best measure on the training first."""
    key = record["protocol"], record["features"]["name"], record["model"]
    chosen = [row for row in rows if (row["protocol"], row["features"], row["model"]) == key]
    return sorted(chosen, key=lambda row: -float(row["training_roc_auc"] or 0))


def verdict(row: dict) -> str:
    """A sentence if a model is hardly better than a measure, or ""."""
    value, low = (_number(row[key]) for key in ("difference", "difference_low"))
    if value is None:
        return ""
    name = f"the {MEASURES[row['measure']]} alone"
    if value < CLOSE:
        return f"It is hardly better than {name}, which needs no training."
    if low is None or low <= 0:
        return f"This test cannot show whether it is better than {name}, which needs no training."
    return ""


def as_text(row: dict) -> dict:
    """A row of `table` with its scores as text."""
    score = {"value": _number(row["roc_auc"])}
    difference = {"value": _number(row["difference"])}
    for end in ("low", "high"):
        score[end], difference[end] = (
            _number(row[f"roc_auc_{end}"]),
            _number(row[f"difference_{end}"]),
        )
    texts = {"measure": MEASURES[row["measure"]], "roc_auc": summary.interval(score)}
    return row | texts | {"difference": summary.difference(difference)}


def lines(rows: Sequence[dict], record: dict) -> list[str]:
    """The ROC AUC of each measure on a model's test, and whether the model is better."""
    chosen = of_result(rows, record)
    texts = [
        f"on the test, {row['measure']} alone, untrained: {text['roc_auc']}; "
        f"the model minus it: {text['difference']}"
        for row, text in zip(chosen, map(as_text, chosen), strict=True)
    ]
    return texts + list(filter(None, [verdict(chosen[0])] if chosen else []))


def _number(cell: object) -> float | None:
    return None if cell in (None, "") else float(str(cell))
