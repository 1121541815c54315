"""k nearest neighbours: the share of fakes among the training rows that a row is closest to.

Distances are Euclidean, of standardised features; of equally close rows the first counts. The
model keeps all its training rows.
"""

from __future__ import annotations

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import gram as grams
from deepfake.models import layout, standardise
from deepfake.models.registry import Fitted, Training
from deepfake.models.standardise import Scaler

THRESHOLD = 0.5
ROWS = 256  # whose neighbours are sorted at once
LAYOUTS: tuple[layout.Layout, ...] = (
    {"rows": ("uint8", ("rows", "features")), "fake": ("uint8", ("rows",))} | layout.SCALER,
)


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Share of fakes among each held-out row's neighbours in `train`, for each candidate."""
    matrix = training.pixels.at(train)
    scaler = standardise.fit(matrix, "standard")
    sizes = [min(candidate["n_neighbors"], len(train)) for candidate in candidates]
    near = _nearest(training.pixels.at(held_out), InMemoryMatrix(_rows(matrix)), scaler, max(sizes))
    fake = training.fake[train]
    return [fake[near[:, :size]].mean(axis=1) for size in sizes]


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Keep all training rows."""
    scaler = standardise.fit(training.pixels, "standard")
    arrays = {
        "rows": _rows(training.pixels),
        "fake": training.fake.astype(np.uint8),
        "mean": scaler.mean,
        "scale": scaler.scale,
    }
    settings = {"n_neighbors": min(candidate["n_neighbors"], len(training.fake))}
    return Fitted("knn", candidate, arrays, settings, THRESHOLD, contains_training_images=True)


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Share of fakes among each row's neighbours, float64 (n,)."""
    arrays = fitted.arrays
    scaler = Scaler(arrays["mean"], arrays["scale"])
    near = _nearest(matrix, InMemoryMatrix(arrays["rows"]), scaler, fitted.settings["n_neighbors"])
    return arrays["fake"][near].mean(axis=1)


def _rows(matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    return matrix.take(np.arange(matrix.shape[0]))


def _nearest(
    matrix: Matrix | InMemoryMatrix, rows: InMemoryMatrix, scaler: Scaler, most: int
) -> np.ndarray:
    """Positions of the nearest rows of each row of a matrix, the closest first, int (n, most)."""
    distances, _, lengths = grams.cross(matrix, rows, scaler)
    distances *= -2.0
    distances += lengths
    near = np.empty((len(distances), most), np.intp)
    for first in range(0, len(distances), ROWS):
        part = slice(first, first + ROWS)
        near[part] = np.argsort(distances[part], axis=1, kind="stable")[:, :most]
    return near


def check(arrays: dict[str, np.ndarray], length: int, record: dict) -> None:
    """Whether arrays and settings of a bundle fit each other: see `bundle_schema.check`."""
    layout.demand_settings(record, "n_neighbors")
    near = record["settings"]["n_neighbors"]
    sound = type(near) is int and 0 < near <= len(arrays["rows"])
    layout.demand(sound, f"settings.n_neighbors is {near!r}")
    layout.demand(bool((arrays["fake"] <= 1).all()), "fake holds more than 0 and 1")
    layout.demand_images_declared(record)
