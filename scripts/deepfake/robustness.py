"""How a model's scores hold when the clips of its test are perturbed, as `perturb` does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepfake import evaluate, metrics
from deepfake.perturb import Perturbation

FRAME_COLUMNS = ("perturbation", "strength", *evaluate.FRAME_COLUMNS)
UNITS = {"frames": ("video_id", "frame"), "videos": ("video_id",)}  # and what names a row of each
COMPARED = ("accuracy", "balanced_accuracy", "roc_auc")

Row = Mapping[str, str]


def scored(
    records: Sequence[Row], values: Sequence[float], test: Sequence[Row]
) -> dict[Perturbation, list[dict]]:
    """The rows of a test with their scores under each perturbation.

    Args:
        records: of perturbed faces, kept or not: `faces.COLUMNS`, perturbation and strength.
        values: score of each that was kept, in order.
        test: rows of the matrix. Faces of other frames, in which the clip as it is shows none,
            take no part.

    Returns:
        By perturbation, in the order of the records; a list is empty where no face is found any
        more.
    """
    row_of = {_name(row, "frames"): row for row in test}
    tested = {row["video_id"] for row in test}
    scores = iter(values)
    found: dict[Perturbation, list[dict]] = {}
    for record in records:
        value = next(scores) if record["status"] == "kept" else None
        if record["video_id"] not in tested:
            continue
        perturbation = record["perturbation"], float(record["strength"])
        mine = found.setdefault(perturbation, [])
        row = row_of.get(_name(record, "frames"))
        if value is not None and row is not None:
            mine.append({**row, "score": float(value)})
    return found


def judge(
    found: Mapping[Perturbation, Sequence[Row]],
    before: Mapping[str, Sequence[Row]],
    record: dict,
    calibration: dict,
    **how,
) -> list[dict]:
    """What a model scores under each perturbation, and how much that is less than before.

    Args:
        found: of `scored`.
        before: by unit of UNITS, the rows of its evaluation.
        record: of its evaluation; its thresholds are kept.
        calibration: of its bundle.
        how: level, count and seed of the intervals.

    Returns:
        A dict a perturbation, JSON-ready: kind, strength, and for each unit `lost`, how many rows
        have no face any more; metrics of the others (see `metrics.summary`), None where all are
        lost; and `less`, by metric of COMPARED, {value, low, high} of the difference to the
        clips as they are, on the rows that are in both.
    """
    return [
        {"kind": kind, "strength": strength} | _judge(rows, before, record, calibration, how)
        for (kind, strength), rows in found.items()
    ]


def _judge(rows, before, record, calibration, how) -> dict:
    values = np.array([row["score"] for row in rows], float)
    limit = {unit: record[unit]["threshold"] for unit in UNITS}
    now = {
        "frames": evaluate.frame_table(rows, values, limit["frames"]),
        "videos": evaluate.video_table(rows, values, limit["videos"], calibration) if rows else [],
    }
    return {
        unit: {
            "lost": len(before[unit]) - len(now[unit]),
            "metrics": evaluate.judge(now[unit], limit[unit], **how) if rows else None,
            "less": _less(now[unit], before[unit], unit, limit[unit], how) if rows else {},
        }
        for unit in UNITS
    }


def _less(now: Sequence[Row], before: Sequence[Row], unit: str, threshold: float, how) -> dict:
    """Differences of the metrics of COMPARED, on the same rows and resamples."""
    was = {_name(row, unit): float(row["score"]) for row in before}
    values = np.array([row["score"] for row in now])
    differences = metrics.paired(
        np.array([row["label"] == "fake" for row in now]),
        (values, threshold),
        (np.array([was[_name(row, unit)] for row in now]), threshold),
        [row["group_id"] for row in now],
        **how,
    )
    return {name: differences[name] for name in COMPARED}


def _name(row: Row, unit: str) -> tuple[str, ...]:
    return tuple(row[column] for column in UNITS[unit])
