"""Quadratic discriminant analysis with regularised covariances (Friedman 1989).

Each class' covariance S of standardised features becomes (1 - reg_param) S + reg_param I, as in
scikit-learn, which refuses classes of fewer rows than features; here they have a variance of
reg_param in all directions that their rows do not span. For feature sets of few columns.
"""

from __future__ import annotations

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import layout, standardise
from deepfake.models.layout import demand
from deepfake.models.registry import Fitted, Training
from deepfake.models.standardise import Scaler

THRESHOLD = 0.0
NOISE = 1e-10  # share of the largest spread below which a direction is none
LAYOUTS: tuple[layout.Layout, ...] = (
    {
        "class_means": ("float64", (2, "features")),
        "directions": ("float64", ("directions", "features")),
        "variances": ("float64", ("directions",)),
    }
    | layout.SCALER,
)


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Log odds of held-out rows for each candidate, fitted on the rows `train`."""
    matrix = training.pixels.at(train)
    scaler = standardise.fit(matrix, "standard")
    new_rows = standardise.table(training.pixels.at(held_out), scaler)
    spread = _spread(standardise.table(matrix, scaler), training.fake[train])
    return [_log_odds(new_rows, *_regularised(spread, c["reg_param"])) for c in candidates]


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Fit on all training rows: each class' mean, principal directions and their variances."""
    scaler = standardise.fit(training.pixels, "standard")
    spread = _spread(standardise.table(training.pixels, scaler), training.fake)
    arrays, settings = _regularised(spread, candidate["reg_param"])
    arrays |= {"mean": scaler.mean, "scale": scaler.scale}
    return Fitted("qda", candidate, arrays, settings)


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Log odds of rows of raw features, float64 (n,)."""
    arrays = fitted.arrays
    new_rows = standardise.table(matrix, Scaler(arrays["mean"], arrays["scale"]))
    return _log_odds(new_rows, arrays, fitted.settings)


def _spread(rows: np.ndarray, fake: np.ndarray) -> list[tuple]:
    """Of fake and real: rows, mean (p,), principal directions (r, p) and their variances (r,)."""
    found = []
    for of_class in (rows[fake], rows[~fake]):
        mean = of_class.mean(axis=0)
        _, sizes, directions = np.linalg.svd(of_class - mean, full_matrices=False)
        kept = sizes > NOISE * sizes[0]
        found.append(
            (len(of_class), mean, _pointed(directions[kept]), sizes[kept] ** 2 / len(of_class))
        )
    return found


def _pointed(directions: np.ndarray) -> np.ndarray:
    """Unit vectors, one a row, with their largest entry above 0: else its sign is by chance."""
    largest = np.abs(directions).argmax(axis=1)[:, None]
    return directions * np.sign(np.take_along_axis(directions, largest, axis=1))


def _regularised(spread: list[tuple], share: float) -> tuple[dict[str, np.ndarray], dict]:
    counts, means, directions, variances = zip(*spread, strict=True)
    variances = [(1 - share) * found + share for found in variances]
    sizes = [
        np.log(found).sum() + (len(mean) - len(found)) * np.log(share)
        for mean, found in zip(means, variances, strict=True)
    ]
    offset = np.log(counts[0] / counts[1]) - (sizes[0] - sizes[1]) / 2
    arrays = {"class_means": np.stack(means), "directions": np.concatenate(directions)}
    arrays["variances"] = np.concatenate(variances)
    settings = {"offset": float(offset), "rest": share, "fake_directions": len(variances[0])}
    return arrays, settings


def _log_odds(rows: np.ndarray, arrays: dict[str, np.ndarray], settings: dict) -> np.ndarray:
    """Of standardised rows; the arrays name the fake class first."""
    first = settings["fake_directions"]
    distances = []
    for mean, part in zip(arrays["class_means"], (slice(first), slice(first, None)), strict=True):
        centred = rows - mean
        along = np.square(centred @ arrays["directions"][part].T)
        rest = np.maximum(np.square(centred).sum(axis=1) - along.sum(axis=1), 0)
        distances.append(along @ (1 / arrays["variances"][part]) + rest / settings["rest"])
    return settings["offset"] - (distances[0] - distances[1]) / 2


def check(arrays: dict[str, np.ndarray], length: int, record: dict) -> None:
    """Whether arrays and settings of a bundle fit each other: see `bundle_schema.check`."""
    settings, directions = record["settings"], len(arrays["directions"])
    layout.demand_settings(record, "offset", "rest", "fake_directions")
    demand(settings["rest"] > 0, "settings.rest is not above zero")
    first = settings["fake_directions"]
    sound = type(first) is int and 0 <= first <= directions
    demand(sound, f"settings.fake_directions is {first!r} of {directions} directions")
    sound = bool((arrays["variances"] > 0).all())
    demand(sound, "variances holds numbers that are not above zero")
