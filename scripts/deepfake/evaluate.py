"""A model's scores on rows it has never seen, by frame and by video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake import metrics

FRAME_COLUMNS = ("row", "video_id", "frame", "face", "label", "group_id", "score", "predicted")
VIDEO_COLUMNS = (
    "video_id", "label", "group_id", "dataset", "method", "frames", "score", "probability",
    "predicted",
)  # fmt: skip


def frame_table(rows: Sequence[dict], values: np.ndarray, threshold: float) -> list[dict]:
    """One dict a row of the matrix, with its score and what the model says."""
    return [
        row | {"score": float(value), "predicted": _said(value, threshold)}
        for row, value in zip(rows, values, strict=True)
    ]


def video_table(
    rows: Sequence[dict], values: np.ndarray, threshold: float, calibration: dict
) -> list[dict]:
    """One dict a video: the mean of its frames' scores, its probability, what the model says."""
    names, means = metrics.video_means([row["video_id"] for row in rows], values)
    first = {row["video_id"]: row for row in reversed(rows)}
    counts = dict.fromkeys(names, 0)
    for row in rows:
        counts[row["video_id"]] += 1
    chances = metrics.probability(calibration, means)
    return [
        first[name]
        | {
            "frames": counts[name],
            "score": float(mean),
            "probability": float(chance),
            "predicted": _said(mean, threshold),
        }
        for name, mean, chance in zip(names, means, chances, strict=True)
    ]


def _said(value: float, threshold: float) -> str:
    return "fake" if value >= threshold else "real"


def judge(table: Sequence[dict], threshold: float, **how) -> dict:
    """Metrics of a table of frames or videos; see `metrics.summary`."""
    fake = np.array([row["label"] == "fake" for row in table])
    values = np.array([row["score"] for row in table])
    return metrics.summary(fake, values, threshold, [row["group_id"] for row in table], **how)


def original_text(table: Sequence[dict], title: str) -> str:
    """The original experiment's form: confusion matrix, accuracy, report; fake first, as 0."""
    from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

    actual = [int(row["label"] == "real") for row in table]
    said = [int(row["predicted"] == "real") for row in table]
    report = classification_report(
        actual, said, labels=[0, 1], target_names=["fake", "real"], digits=4, zero_division=0
    )
    return (
        f"{title}\n\nconfusion matrix (rows actual, columns predicted; fake, real)\n"
        f"{confusion_matrix(actual, said, labels=[0, 1])}\n\n"
        f"accuracy {accuracy_score(actual, said):.4f}\n\n{report}"
    )
