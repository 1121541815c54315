"""Support vector machines (libsvm, through scikit-learn) on a Gram matrix computed before.

Their candidates differ in C, kernel and gamma, which all come from the same inner products. Without
these, linear machines are solved in the columns: see `augmented_lagrangian`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import augmented_lagrangian, columns, layout, linear, standardise
from deepfake.models import gram as grams
from deepfake.models.gram import Gram
from deepfake.models.registry import Fitted, Training
from deepfake.models.standardise import Scaler

if TYPE_CHECKING:
    from sklearn.svm import SVC

DEGREE = 3  # of the polynomial kernel (gamma z'z)**3, as in scikit-learn
THRESHOLD = 0.0
_VECTORS: layout.Layout = {
    "support_vectors": ("uint8", ("support vectors", "features")),
    "dual_coefficients": ("float64", ("support vectors",)),
}
LAYOUTS = (layout.WEIGHTS, _VECTORS, _VECTORS | layout.SCALER)
UNFINISHED = "did not converge: {} was stopped after {:,} {}; a smaller C helps"
TOLERANCE = 1e-3  # of libsvm's stopping rule, as in scikit-learn


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
    tolerance: float = TOLERANCE,
) -> list[np.ndarray]:
    """Decision values of held-out rows for each candidate, fitted on the rows `train`.

    Without Gram matrices they are solved in the columns.
    """
    if not training.grams:
        new_rows = training.pixels.at(held_out)
        found = _solved_in_columns(candidates, training, train)
        return [grams.dot(new_rows, weights) + intercept for weights, intercept in found]
    scores: list[np.ndarray] = [np.empty(0)] * len(candidates)
    for members, kernel in _kernels(candidates, training, train):
        fitted_on = np.ascontiguousarray(kernel[np.ix_(train, train)])
        new_rows = np.ascontiguousarray(kernel[np.ix_(held_out, train)])
        for member in members:
            machine = _fitted(
                *(candidates[member], fitted_on, training.fake[train], tolerance),
                *(training.notes, member),
            )
            scores[member] = machine.decision_function(new_rows)
    return scores


def _solved_in_columns(
    candidates: list[dict], training: Training, train: np.ndarray
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield weights and an intercept of linear machines."""
    fake = training.fake[train]

    def solve(place: int, candidate: dict, rows: columns.Columns) -> np.ndarray:
        if candidate["kernel"] != "linear":
            raise ValueError(f"an {candidate['kernel']} kernel needs a Gram matrix")
        found, finished = augmented_lagrangian.solve(rows, fake, candidate["C"])
        if not finished:
            name = "the augmented Lagrangian method"
            training.notes[place] = UNFINISHED.format(name, augmented_lagrangian.ROUNDS, "rounds")
        return found

    return columns.solve(candidates, training.pixels.take(train), solve)


def _kernels(
    candidates: list[dict], training: Training, train: np.ndarray
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield the positions of candidates that share a kernel matrix, and that matrix."""
    shared: dict[tuple, list[int]] = {}
    for position, candidate in enumerate(candidates):
        key = (candidate["scaling"], candidate["kernel"], candidate.get("gamma"))
        shared.setdefault(key, []).append(position)
    for (scaling, kernel, gamma), members in shared.items():
        products = training.grams[scaling]
        number = None if gamma is None else _gamma(gamma, products, train)
        yield members, _kernel(kernel, products.products, number)


def _gamma(gamma: str | float, products: Gram, train: np.ndarray) -> float:
    if gamma == "scale":
        variance = products.variance(train)
        return 1.0 / (products.p * variance) if variance > 0 else 1.0
    return 1.0 / products.p if gamma == "auto" else float(gamma)


def _kernel(
    kernel: str,
    products: np.ndarray,
    gamma: float | None,
    norms: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Kernel values from inner products; `norms` are the squared lengths of rows and columns."""
    if kernel == "linear":
        return products
    if kernel == "poly":
        return (gamma * products) ** DEGREE
    left, right = norms or (products.diagonal(), products.diagonal())
    distances = -2.0 * products
    distances += left[:, None]
    distances += right[None, :]
    np.maximum(distances, 0, out=distances)
    distances *= -gamma
    return np.exp(distances, out=distances)


def most_steps(rows: int) -> int:
    """After how many steps libsvm is stopped, which has no end of its own where nothing fits.

    A step reads all rows, so this is within the time that a job requests for a candidate.
    """
    return max(1_000_000, 300 * rows)


def _fitted(
    candidate: dict,
    kernel: np.ndarray,
    fake: np.ndarray,
    tolerance: float,
    notes: dict[int, str],
    place: int,
) -> SVC:
    """A machine on the kernel of its rows; one that did not finish is marked at its place."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import SVC

    steps = most_steps(len(fake))
    machine = SVC(
        C=candidate["C"], kernel="precomputed", tol=tolerance, cache_size=500, max_iter=steps
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(kernel, fake)
    if machine.fit_status_:
        notes[place] = UNFINISHED.format("libsvm", steps, "steps")
    return machine


def fit(
    candidate: dict,
    training: Training,
    seed: int = 0,
    threads: int = 1,
    tolerance: float = TOLERANCE,
) -> Fitted:
    """Fit on all training rows. A linear machine is kept as weights, others as support vectors."""
    every = np.arange(training.pixels.shape[0])
    if not training.grams:
        ((weights, intercept),) = _solved_in_columns([candidate], training, every)
        return Fitted("svm", candidate, {"weights": weights}, {"intercept": intercept})
    products = training.grams[candidate["scaling"]]
    gamma = candidate.get("gamma")
    gamma = None if gamma is None else _gamma(gamma, products, every)
    kernel = _kernel(candidate["kernel"], products.products, gamma)
    machine = _fitted(candidate, kernel, training.fake, tolerance, training.notes, 0)
    scaler = standardise.fit(training.pixels, candidate["scaling"])
    support, dual = machine.support_, machine.dual_coef_[0]
    intercept = float(machine.intercept_[0])
    if candidate["kernel"] == "linear":
        coefficients = np.zeros(len(every))
        coefficients[support] = dual
        weights = grams.project(training.pixels, scaler, coefficients)
        return Fitted("svm", candidate, *linear.raw_weights(weights, intercept, scaler))
    arrays = {"support_vectors": training.pixels.take(support), "dual_coefficients": dual}
    if scaler.mean is not None:
        arrays |= {"mean": scaler.mean, "scale": scaler.scale}
    settings = {"gamma": gamma, "intercept": intercept}
    return Fitted("svm", candidate, arrays, settings, contains_training_images=True)


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Decision values of rows of raw pixels, float64 (n,)."""
    arrays, intercept = fitted.arrays, fitted.settings["intercept"]
    if "weights" in arrays:
        return linear.decide(fitted, matrix)
    scaler = Scaler(arrays.get("mean"), arrays.get("scale"))
    vectors = InMemoryMatrix(arrays["support_vectors"])
    products, *norms = grams.cross(matrix, vectors, scaler)
    kernel = _kernel(fitted.candidate["kernel"], products, fitted.settings["gamma"], norms)
    return kernel @ arrays["dual_coefficients"] + intercept


def check(arrays: dict[str, np.ndarray], length: int, record: dict) -> None:
    """Whether arrays and settings of a bundle fit each other: see `bundle_schema.check`."""
    if "weights" in arrays:
        return linear.check(arrays, length, record)
    layout.demand_settings(record, "gamma", "intercept")
    layout.demand(record["settings"]["gamma"] > 0, "settings.gamma is not above zero")
    layout.demand(record["candidate"]["kernel"] in ("rbf", "poly"), "its kernel is unknown")
    layout.demand_images_declared(record)
    return None
