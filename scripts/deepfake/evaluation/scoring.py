"""Tables and metrics of a model's scores on test rows, by frame and by video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.evaluation import calibration as calibrated
from deepfake.evaluation import decision, metrics

FRAME_COLUMNS = ("row", "video_id", "frame", "face", "label", "group_id", "score", "predicted")
VIDEO_COLUMNS = (
    "video_id", "label", "group_id", "dataset", "method", "compression", "frames", "score",
    "probability", "predicted",
)  # fmt: skip


def frame_table(rows: Sequence[dict], values: np.ndarray, threshold: float) -> list[dict]:
    """One dict a row of the matrix, with its score and the predicted class."""
    return [
        row | {"score": float(value), "predicted": decision.label(value, threshold)}
        for row, value in zip(rows, values, strict=True)
    ]


def video_table(
    rows: Sequence[dict], values: np.ndarray, threshold: float, calibration: dict
) -> list[dict]:
    """One dict a video: trimmed mean of its frames' scores, probability and predicted class.

    Args:
        calibration: of `calibration.fit_on_folds`.
    """
    names, means = metrics.video_means(
        [row["video_id"] for row in rows], values, calibration["trim"]
    )
    first = {row["video_id"]: row for row in reversed(rows)}
    counts = dict.fromkeys(names, 0)
    for row in rows:
        counts[row["video_id"]] += 1
    chances = calibrated.probability(calibration, means)
    return [
        first[name]
        | {
            "frames": counts[name],
            "score": float(mean),
            "probability": float(chance),
            "predicted": decision.label(mean, threshold),
        }
        for name, mean, chance in zip(names, means, chances, strict=True)
    ]


def evaluate(table: Sequence[dict], threshold: float, **how) -> dict:
    """Metrics of a table of frames or videos; see `metrics.summary`."""
    fake = np.array([row["label"] == "fake" for row in table])
    values = np.array([row["score"] for row in table])
    groups, videos = ([row[name] for row in table] for name in ("group_id", "video_id"))
    return metrics.summary(fake, values, threshold, groups, units=videos, **how)


def slices(videos: Sequence[dict], threshold: float, **how) -> list[dict]:
    """Metrics of the videos of one dataset, method or compression, where there are several.

    Videos of a method are scored with the real videos of its datasets.

    Returns:
        Dicts of `metrics.summary` with "by" and "of": the column and its value.
    """
    found = []
    for by in ("dataset", "method", "compression"):
        present = {row.get(by, "") for row in videos if by != "method" or row["label"] == "fake"}
        values = sorted(present - {""})
        for value in values if len(present) > 1 else []:
            chosen = [row for row in videos if row.get(by, "") == value]
            if by == "method":
                datasets = {row["dataset"] for row in chosen}
                chosen += [r for r in videos if r["label"] == "real" and r["dataset"] in datasets]
            found.append({"by": by, "of": value} | evaluate(chosen, threshold, **how))
    return found


def probabilities(videos: Sequence[dict], **how) -> dict:
    """How well calibrated the videos' probabilities are; see `calibration.assess`."""
    return calibrated.assess(
        np.array([row["label"] == "fake" for row in videos]),
        np.array([row["probability"] for row in videos]),
        [row["group_id"] for row in videos],
        **how,
    )


def original_text(table: Sequence[dict], title: str) -> str:
    """The original experiment's form: confusion matrix, accuracy, report; fake first, as 0.

    The report has the form of scikit-learn's `classification_report`, whose import would take
    longer than the job.
    """
    counts = np.zeros((2, 2), dtype=np.int64)  # (actual, predicted)
    for row in table:
        counts[int(row["label"] == "real"), int(row["predicted"] == "real")] += 1
    right, of_class = np.diag(counts), counts.sum(axis=1)
    accuracy, total = right.sum() / len(table), len(table)
    precision, recall = _shares(right, counts.sum(axis=0)), _shares(right, of_class)
    scores = np.stack([precision, recall, _shares(2 * precision * recall, precision + recall)])
    lines = [
        f"{name:>12} {''.join(f' {score:>9.4f}' for score in of)} {count:>9}\n"
        for name, of, count in (
            ("fake", scores[:, 0], of_class[0]),
            ("real", scores[:, 1], of_class[1]),
            ("macro avg", scores.mean(axis=1), total),
            ("weighted avg", scores @ of_class / total, total),
        )
    ]
    head = "".join(f" {name:>9}" for name in ("precision", "recall", "f1-score", "support"))
    return (
        f"{title}\n\nconfusion matrix (rows actual, columns predicted; fake, real)\n{counts}\n\n"
        f"accuracy {accuracy:.4f}\n\n{'':>12} {head}\n\n{lines[0]}{lines[1]}\n"
        f"{'accuracy':>12} {'':>20} {accuracy:>9.4f} {total:>9}\n{lines[2]}{lines[3]}"
    )


def _shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 0 where the whole is."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
