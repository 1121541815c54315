"""Scores of a model on perturbed clips of its test, and their differences to the originals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deepfake.evaluation import answers, metrics, scoring

FRAME_COLUMNS = ("perturbation", "strength", *scoring.FRAME_COLUMNS)
UNITS = {
    "frames": ("video_id", "frame"),
    "videos": ("video_id",),
}  # and the columns that identify a row
COMPARED = ("accuracy", "balanced_accuracy", "roc_auc")

Row = Mapping[str, str]
Perturbation = tuple[str, float]  # name and strength


@dataclass(frozen=True)
class Matched:
    """A record of a perturbed clip of the test.

    Attributes:
        perturbation: its name and strength.
        row: of the test, of the same video and frame; None where no face is to be scored.
        crop: number of the face in its batch.
    """

    perturbation: Perturbation
    row: Row | None = None
    crop: int = -1


def matched(batches: Iterable[Sequence[Row]], test: Sequence[Row]) -> list[list[Matched]]:
    """The records of a test's videos in each batch, each with its row.

    Args:
        batches: records of perturbed faces, kept or not: `face_record.COLUMNS`, perturbation,
            strength.
        test: rows of the matrix. Faces in frames in which the unperturbed clip has no face are
            not used.
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
    return Matched(perturbation, row, int(record["crop_row"]))


def scored(records: Sequence[Matched], scores: Sequence[float]) -> dict[Perturbation, list[dict]]:
    """The rows of a test with their scores under each perturbation.

    Args:
        records: of all batches. scores: of those that have a row, in order.

    Returns:
        By perturbation, in the order of the records; a list is empty if no face is left.
    """
    found: dict[Perturbation, list[dict]] = {one.perturbation: [] for one in records}
    with_row = [one for one in records if one.row is not None]
    for one, score in zip(with_row, scores, strict=True):
        found[one.perturbation].append({**one.row, "score": float(score)})
    return found


def compare(
    found: Mapping[Perturbation, Sequence[Row]],
    before: Mapping[str, Sequence[Row]],
    record: dict,
    calibration: dict,
    **how,
) -> list[dict]:
    """Metrics of a model under each perturbation, and their differences to the unperturbed clips.

    Args:
        found: of `scored`.
        before: by unit of UNITS, the rows of its evaluation.
        record: of its evaluation; its thresholds are kept.
        calibration: of its bundle.
        how: level of the intervals.

    Returns:
        A dict a perturbation, JSON-ready: kind, strength, and for each unit `lost`, how many rows
        have no score any more; metrics of the others (see `metrics.summary`), None where all are
        lost; of videos `answers` (see `answers.judge`) at the run's operating points; and
        `difference`, by metric of COMPARED, {value, low, high}: that of the perturbed clips less
        that of the clips as they are, of the same rows.
    """
    return [
        {"kind": kind, "strength": strength} | _compared(rows, before, record, calibration, how)
        for (kind, strength), rows in found.items()
    ]


def _compared(rows, before, record, calibration, how) -> dict:
    values = np.array([row["score"] for row in rows], float)
    limit = {unit: record[unit]["threshold"] for unit in UNITS}
    now = {
        "frames": scoring.frame_table(rows, values, limit["frames"]),
        "videos": scoring.video_table(rows, values, limit["videos"], calibration) if rows else [],
    }
    return {
        unit: {
            "lost": len(before[unit]) - len(now[unit]),
            "metrics": scoring.evaluate(now[unit], limit[unit], **how) if rows else None,
            "answers": answers.judge(now[unit], record["answers"]["points"], **how)
            if rows and unit == "videos"
            else None,
            "difference": _difference(now[unit], before[unit], unit, limit[unit], how)
            if rows
            else {},
        }
        for unit in UNITS
    }


def _difference(
    now: Sequence[Row], before: Sequence[Row], unit: str, threshold: float, how
) -> dict:
    """Differences of the metrics of COMPARED, on the same rows."""
    was = {_name(row, unit): float(row["score"]) for row in before}
    values = np.array([row["score"] for row in now])
    differences = metrics.paired(
        np.array([row["label"] == "fake" for row in now]),
        (values, threshold),
        (np.array([was[_name(row, unit)] for row in now]), threshold),
        [row["group_id"] for row in now],
        units=[row["video_id"] for row in now],
        **how,
    )
    return {name: differences[name] for name in COMPARED}


def _name(row: Row, unit: str) -> tuple[str, ...]:
    return tuple(row[column] for column in UNITS[unit])
