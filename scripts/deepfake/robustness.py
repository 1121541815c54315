"""How a model's scores hold when the clips of its test are perturbed, as `perturb` does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deepfake import evaluate, metrics
from deepfake.perturb import Perturbation

FRAME_COLUMNS = ("perturbation", "strength", *evaluate.FRAME_COLUMNS)
UNITS = {"frames": ("video_id", "frame"), "videos": ("video_id",)}  # and what names a row of each
COMPARED = ("accuracy", "balanced_accuracy", "roc_auc")

Row = Mapping[str, str]


@dataclass(frozen=True)
class Matched:
    """A record of a perturbed clip of the test.

    Attributes:
        perturbation: kind and strength.
        row: of the test, of the same video and frame; None where no face is to be scored.
        crop: number of the face in its batch.
    """

    perturbation: Perturbation
    row: Row | None = None
    crop: int = -1


def matched(batches: Iterable[Sequence[Row]], test: Sequence[Row]) -> list[list[Matched]]:
    """Of each batch the records that are of videos of a test, each with its row.

    Args:
        batches: records of perturbed faces, kept or not: `faces.COLUMNS`, perturbation, strength.
        test: rows of the matrix. Faces of other frames, in which the clip as it is shows none,
            take no part.
    """
    row_of = {_name(row, "frames"): row for row in test}
    tested = {row["video_id"] for row in test}
    return [
        [_matched(record, row_of) for record in records if record["video_id"] in tested]
        for records in batches
    ]


def _matched(record: Row, row_of: Mapping[tuple[str, ...], Row]) -> Matched:
    perturbation = record["perturbation"], float(record["strength"])
    row = row_of.get(_name(record, "frames"))
    if row is None or record["status"] != "kept":
        return Matched(perturbation)
    return Matched(perturbation, row, int(record["crop"].split(".")[0]))


def scored(records: Sequence[Matched], scores: Sequence[float]) -> dict[Perturbation, list[dict]]:
    """The rows of a test with their scores under each perturbation.

    Args:
        records: of all batches. scores: of those that have a row, in order.

    Returns:
        By perturbation, in the order of the records; a list is empty where no face is left.
    """
    found: dict[Perturbation, list[dict]] = {one.perturbation: [] for one in records}
    seen = [one for one in records if one.row is not None]
    for one, score in zip(seen, scores, strict=True):
        found[one.perturbation].append({**one.row, "score": float(score)})
    return found


def judge(
    found: Mapping[Perturbation, Sequence[Row]],
    before: Mapping[str, Sequence[Row]],
    record: dict,
    calibration: dict,
    **how,
) -> list[dict]:
    """What a model scores under each perturbation, and how that differs from before.

    Args:
        found: of `scored`.
        before: by unit of UNITS, the rows of its evaluation.
        record: of its evaluation; its thresholds are kept.
        calibration: of its bundle.
        how: level, count and seed of the intervals.

    Returns:
        A dict a perturbation, JSON-ready: kind, strength, and for each unit `lost`, how many rows
        have no score any more; metrics of the others (see `metrics.summary`), None where all are
        lost; and `difference`, by metric of COMPARED, {value, low, high}: that of the perturbed
        clips less that of the clips as they are, of the same rows.
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
            "difference": _difference(now[unit], before[unit], unit, limit[unit], how)
            if rows
            else {},
        }
        for unit in UNITS
    }


def _difference(
    now: Sequence[Row], before: Sequence[Row], unit: str, threshold: float, how
) -> dict:
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
