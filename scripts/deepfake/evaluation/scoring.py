"""Tables and metrics of a model's scores on test rows, by frame and by video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.tables import Table
from deepfake.evaluation import calibration as calibrated
from deepfake.evaluation import metrics

FRAME_COLUMNS = ("row", "video_id", "frame", "face", "label", "group_id", "score", "predicted")
VIDEO_COLUMNS = (
    "video_id", "label", "group_id", "dataset", "method", "compression", "frames", "score",
    "probability", "predicted",
)  # fmt: skip


def frame_table(rows: Sequence[dict], values: np.ndarray, threshold: float) -> Table:
    """The rows of the matrix, with their scores and the predicted classes."""
    values = np.asarray(values, float)
    predicted = np.where(values >= threshold, "fake", "real")
    return tables.of(rows).with_columns(score=values, predicted=predicted)


def video_table(
    rows: Sequence[dict], values: np.ndarray, threshold: float, calibration: dict
) -> Table:
    """A row a video: trimmed mean of its frames' scores, probability and predicted class.

    Args:
        calibration: of `calibration.fit_on_folds`.
    """
    rows = tables.of(rows)
    names = rows.column("video_id")
    _, means = metrics.video_means(names, values, calibration["trim"])
    _, first, counts = np.unique(names, return_index=True, return_counts=True)
    return rows.at(first).with_columns(
        frames=counts,
        score=means,
        probability=calibrated.probability(calibration, means),
        predicted=np.where(means >= threshold, "fake", "real"),
    )


def evaluate(table: Sequence[dict], threshold: float, **how) -> dict:
    """Metrics of a table of frames or videos; see `metrics.summary`."""
    table = tables.of(table)
    fake, groups = table.column("label") == "fake", table.column("group_id")
    units = table.column("video_id")
    return metrics.summary(fake, table.floats("score"), threshold, groups, units=units, **how)


def slices(videos: Sequence[dict], threshold: float, **how) -> list[dict]:
    """Metrics of the videos of one dataset, method or compression, where there are several.

    Videos of a method are scored with the real videos of its datasets.

    Returns:
        Dicts of `metrics.summary` with "by" and "of": the column and its value.
    """
    found, videos = [], tables.of(videos)
    fake = videos.column("label") == "fake"
    for by in ("dataset", "method", "compression"):
        column = videos.column(by, "")
        present = set(column[fake] if by == "method" else column)
        values = sorted(present - {""})
        for value in values if len(present) > 1 else []:
            chosen = np.flatnonzero(column == value)
            if by == "method":
                datasets = videos.column("dataset")
                others = ~fake & np.isin(datasets, sorted(set(datasets[chosen])))
                chosen = np.concatenate([chosen, np.flatnonzero(others)])
            found.append({"by": by, "of": value} | evaluate(videos.at(chosen), threshold, **how))
    return found


def probabilities(videos: Sequence[dict], **how) -> dict:
    """How well calibrated the videos' probabilities are; see `calibration.assess`."""
    videos = tables.of(videos)
    fake, groups = videos.column("label") == "fake", videos.column("group_id")
    return calibrated.assess(fake, videos.floats("probability"), groups, **how)


def original_text(table: Sequence[dict], title: str) -> str:
    """The original experiment's form: confusion matrix, accuracy, report; fake first, as 0.

    The report has the form of scikit-learn's `classification_report`, whose import would take
    longer than the job.
    """
    table = tables.of(table)
    actual, predicted = (
        (table.column(name) == "real").astype(int) for name in ("label", "predicted")
    )
    counts = np.zeros((2, 2), dtype=np.int64)  # (actual, predicted)
    np.add.at(counts, (actual, predicted), 1)
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
