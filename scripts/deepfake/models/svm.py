"""Support vector machines (libsvm, through scikit-learn) on a Gram matrix computed before.

Their candidates differ in C, kernel and gamma, which all come from the same inner products. Without
these, linear machines are solved in the columns: see `augmented_lagrangian`. So is a machine with
landmarks, which never needs them, in the features that those give: see `landmarks`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import (
    augmented_lagrangian,
    columns,
    kernels,
    landmarks,
    layout,
    linear,
    standardise,
)
from deepfake.models import gram as grams
from deepfake.models.columns import Columns
from deepfake.models.kernels import Vectors
from deepfake.models.registry import Fitted, Training
from deepfake.models.standardise import Scaler

if TYPE_CHECKING:
    from sklearn.svm import SVC

log = logging.getLogger("deepfake")

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

    Without Gram matrices they are solved in the columns, and those with landmarks always.
    """
    scores: dict[int, np.ndarray] = {}
    new_rows = training.pixels.at(held_out)
    exact = {place: one for place, one in enumerate(candidates) if "landmarks" not in one}
    approximate = {place: one for place, one in enumerate(candidates) if "landmarks" in one}
    for machine, solved in _by_landmarks(approximate, training, train, seed, threads):
        coefficients, intercepts = zip(*solved.values(), strict=True)
        values = machine.values(new_rows, np.stack(coefficients, axis=1)) + intercepts
        scores |= dict(zip(solved, values.T, strict=True))
    if not training.grams:
        found = _solved_in_columns(exact, training, train, threads) if exact else ()
        for place, (weights, intercept) in zip(exact, found, strict=True):
            scores[place] = grams.dot(new_rows, weights) + intercept
        return [scores[place] for place in range(len(candidates))]
    for members, kernel in _kernels(exact, training, train):
        fitted_on = np.ascontiguousarray(kernel[np.ix_(train, train)])
        compared = np.ascontiguousarray(kernel[np.ix_(held_out, train)])
        for member in members:
            machine = _fitted(
                *(candidates[member], fitted_on, training.fake[train], tolerance),
                *(training.notes, member),
            )
            scores[member] = machine.decision_function(compared)
    return [scores[place] for place in range(len(candidates))]


def _solved_in_columns(
    candidates: Mapping[int, dict], training: Training, train: np.ndarray, threads: int
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield weights and an intercept of linear machines, by their places."""
    places, fake = list(candidates), training.fake[train]

    def solve(number: int, candidate: dict, rows: Columns) -> np.ndarray:
        if candidate["kernel"] != "linear":
            raise ValueError(f"kernel {candidate['kernel']} needs a Gram matrix, or landmarks")
        return _solved(rows, fake, candidate, training.notes, places[number])

    return columns.solve(list(candidates.values()), training.pixels.take(train), solve, threads)


def _solved(
    rows: Columns, fake: np.ndarray, candidate: dict, notes: dict[int, str], place: int
) -> np.ndarray:
    """A linear machine of rows; one that did not finish is marked at its place."""
    found, finished = augmented_lagrangian.solve(rows, fake, candidate["C"])
    if not finished:
        name = "the augmented Lagrangian method"
        notes[place] = UNFINISHED.format(name, augmented_lagrangian.ROUNDS, "rounds")
    return found


def _by_landmarks(
    candidates: Mapping[int, dict], training: Training, train: np.ndarray, seed: int, threads: int
) -> Iterator[tuple[Vectors, dict[int, tuple[np.ndarray, float]]]]:
    """Yield landmarks, and coefficients (m,) of them and an intercept by the place of a candidate.

    Candidates that differ in C alone share their landmarks.
    """
    shared: dict[tuple, list[int]] = {}
    for place, candidate in candidates.items():
        names = "scaling", "kernel", "gamma", "landmarks"
        shared.setdefault(tuple(candidate[name] for name in names), []).append(place)
    groups = training.groups if training.groups is not None else np.zeros(len(training.fake))
    if not shared:
        return
    rows, fake = training.pixels.take(train), training.fake[train]
    mean, variance = standardise.of_columns(InMemoryMatrix(rows))
    for (scaling, kernel, gamma, count), members in shared.items():
        scaler = Scaler()
        if scaling == "standard":
            scaler = Scaler(mean, standardise.deviation(variance))
        spread = standardise.overall(mean, variance, scaling)
        drawn = landmarks.draw(groups[train], count, seed)
        log.info("%d rows are compared with %d landmarks: an approximation", len(train), len(drawn))
        machine = Vectors(
            rows[drawn], scaler, kernel, kernels.gamma_of(gamma, rows.shape[1], spread)
        )
        basis = landmarks.Landmarks(machine.kernel(InMemoryMatrix(machine.vectors)))
        features = columns.centred(basis.features(rows, machine.kernel), threads)
        solved = {}
        for place in members:
            found = _solved(features, fake, candidates[place], training.notes, place)
            weights, intercept = features.raw(found)
            solved[place] = basis.coefficients(weights), intercept
        yield machine, solved


def _kernels(
    candidates: Mapping[int, dict], training: Training, train: np.ndarray
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield the places of candidates that share a kernel matrix, and that matrix."""
    shared: dict[tuple, list[int]] = {}
    for place, candidate in candidates.items():
        key = (candidate["scaling"], candidate["kernel"], candidate.get("gamma"))
        shared.setdefault(key, []).append(place)
    for (scaling, kernel, gamma), members in shared.items():
        products = training.grams[scaling]
        number = None
        if gamma is not None:
            number = kernels.gamma_of(gamma, products.p, products.variance(train))
        yield members, kernels.values(kernel, products.products, number)


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
    if "landmarks" in candidate:
        ((machine, solved),) = _by_landmarks({0: candidate}, training, every, seed, threads)
        return _kept(candidate, machine, *solved[0])
    if not training.grams:
        ((weights, intercept),) = _solved_in_columns({0: candidate}, training, every, threads)
        return Fitted("svm", candidate, {"weights": weights}, {"intercept": intercept})
    ((_, kernel),) = _kernels({0: candidate}, training, every)
    machine = _fitted(candidate, kernel, training.fake, tolerance, training.notes, 0)
    scaler = standardise.fit(training.pixels, candidate["scaling"])
    support, dual = machine.support_, machine.dual_coef_[0]
    intercept = float(machine.intercept_[0])
    if candidate["kernel"] == "linear":
        coefficients = np.zeros(len(every))
        coefficients[support] = dual
        weights = grams.project(training.pixels, scaler, coefficients)
        return Fitted("svm", candidate, *linear.raw_weights(weights, intercept, scaler))
    products = training.grams[candidate["scaling"]]
    gamma = kernels.gamma_of(candidate["gamma"], products.p, products.variance(every))
    vectors = Vectors(training.pixels.take(support), scaler, candidate["kernel"], gamma)
    return _kept(candidate, vectors, dual, intercept)


def _kept(candidate: dict, vectors: Vectors, dual: np.ndarray, intercept: float) -> Fitted:
    settings = {"gamma": vectors.gamma, "intercept": intercept}
    return Fitted(
        *("svm", candidate, vectors.arrays(dual), settings), contains_training_images=True
    )


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Decision values of rows of raw pixels, float64 (n,)."""
    arrays, settings = fitted.arrays, fitted.settings
    if "weights" in arrays:
        return linear.decide(fitted, matrix)
    scaler = Scaler(arrays.get("mean"), arrays.get("scale"))
    kernel = fitted.candidate["kernel"], settings["gamma"]
    vectors = Vectors(arrays["support_vectors"], scaler, *kernel)
    return vectors.values(matrix, arrays["dual_coefficients"]) + settings["intercept"]


def check(arrays: dict[str, np.ndarray], length: int, record: dict) -> None:
    """Whether arrays and settings of a bundle fit each other: see `bundle_schema.check`."""
    if "weights" in arrays:
        return linear.check(arrays, length, record)
    count = record["candidate"].get("landmarks", len(arrays["support_vectors"]))
    is_count = isinstance(count, int) and not isinstance(count, bool) and count > 0
    layout.demand(is_count, "candidate.landmarks is no whole number above zero")
    layout.demand(len(arrays["support_vectors"]) <= count, "it has more rows than landmarks")
    layout.demand_settings(record, "gamma", "intercept")
    layout.demand(record["settings"]["gamma"] > 0, "settings.gamma is not above zero")
    layout.demand(record["candidate"]["kernel"] in ("rbf", "poly"), "its kernel is unknown")
    layout.demand_images_declared(record)
    return None
