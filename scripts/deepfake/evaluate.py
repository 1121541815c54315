"""A model's scores on rows it has never seen, by frame and by video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake import calibration as calibrated
from deepfake import metrics

FRAME_COLUMNS = ("row", "video_id", "frame", "face", "label", "group_id", "score", "predicted")
VIDEO_COLUMNS = (
    "video_id", "label", "group_id", "dataset", "method", "compression", "frames", "score",
    "probability", "predicted",
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
    chances = calibrated.probability(calibration, means)
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


def thresholds(unseen: Sequence[dict], own: float, aim: str, rate: float) -> dict[str, float]:
    """From which score frames, and videos by their mean, are called fake.

    Args:
        unseen: out-of-fold scores of the training's frames; the test takes no part.
        own: the model's own threshold, taken for the aim "model" and where a class is missing.
        aim, rate: see `metrics.threshold`.
    """
    if aim == "model":
        return {"frames": own, "videos": own}
    values = np.array([float(row["score"]) for row in unseen])
    names, means = metrics.video_means([row["video_id"] for row in unseen], values)
    label = {row["video_id"]: row["label"] for row in unseen}
    found = {
        "frames": metrics.threshold(
            np.array([row["label"] == "fake" for row in unseen]), values, aim, rate
        ),
        "videos": metrics.threshold(
            np.array([label[name] == "fake" for name in names]), means, aim, rate
        ),
    }
    return {unit: own if chosen is None else chosen for unit, chosen in found.items()}


def slices(videos: Sequence[dict], threshold: float, **how) -> list[dict]:
    """Metrics of the videos of one dataset, method or compression, where there are several.

    Those of a method are judged with the real videos of its datasets.

    Returns:
        Dicts of `metrics.summary` with "by" and "of": the column and its value.
    """
    found = []
    for by in ("dataset", "method", "compression"):
        told = {row.get(by, "") for row in videos if by != "method" or row["label"] == "fake"}
        values = sorted(told - {""})
        for value in values if len(told) > 1 else []:
            mine = [row for row in videos if row.get(by, "") == value]
            if by == "method":
                home = {row["dataset"] for row in mine}
                mine += [r for r in videos if r["label"] == "real" and r["dataset"] in home]
            found.append({"by": by, "of": value} | judge(mine, threshold, **how))
    return found


def probabilities(videos: Sequence[dict], **how) -> dict:
    """How well the videos' probabilities hold; see `calibration.judge`."""
    return calibrated.judge(
        np.array([row["label"] == "fake" for row in videos]),
        np.array([row["probability"] for row in videos]),
        [row["group_id"] for row in videos],
        **how,
    )


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
