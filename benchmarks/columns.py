"""Linear models solved in the columns, beside scikit-learn on the same rows as float32.

    .venv/bin/python benchmarks/columns.py --rows 20000

Rows of a feature set's length are made up: bytes that vary together, classes that overlap. Each
solver has a process of its own, with two threads. `excess` is how far its objective, evaluated in
float64, is above the lowest one found, as a share of it. LinearSVC penalises its intercept, which
ours does not, so its excess does not go to 0. scikit-learn is given what a user would give: rows
scaled beforehand, and the most steps that it ever needs.
"""

import argparse
import json
import warnings
from collections.abc import Callable

import measure
import numpy as np

from deepfake.models import augmented_lagrangian, columns, logistic, ridge

SHARED = 40  # directions in which rows vary together
HINT = 0.12  # of a deviation of the classes, in each column
BLOCK = 4096
MANY = 10_000  # steps, more than are needed
STRENGTH = 1e-3  # C; ridge's alpha is its inverse


def rows(count: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows uint8 (count, width) and labels, two in three fake."""
    generator = np.random.default_rng(0)
    sizes = 12 / np.sqrt(np.arange(1, SHARED + 1))
    shared = generator.normal(size=(SHARED, width)) * sizes[:, None]
    hint, fake = HINT * generator.normal(size=width), generator.random(count) < 2 / 3
    made = np.empty((count, width), np.uint8)
    for first in range(0, count, BLOCK):
        some = made[first : first + BLOCK]
        floats = 120 + generator.normal(size=(len(some), SHARED)) @ shared
        floats += 10 * generator.normal(size=some.shape) + fake[first : first + BLOCK, None] * hint
        some[:] = floats.clip(0, 255)
    return made, fake


def ours(model: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """What gives weights and intercept (p + 1,) of standardised columns from rows and labels."""
    import scipy.linalg  # noqa: F401  # before the clock starts

    def fit(made: np.ndarray, fake: np.ndarray) -> np.ndarray:
        scaled = columns.scaled(columns.Table(made), "standard", True)
        if model == "svm":
            found, finished = augmented_lagrangian.solve(scaled, fake, STRENGTH)
            assert finished
            return found
        if model == "ridge":
            return ridge._solve_columns({"alpha": 1 / STRENGTH}, scaled, fake)
        return logistic._solve_columns({"C": STRENGTH, "intercept": "free"}, scaled, fake)

    return fit


def theirs(name: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The same of scikit-learn, which is imported before the clock starts."""
    from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
    from sklearn.svm import LinearSVC

    def fit(made: np.ndarray, fake: np.ndarray) -> np.ndarray:
        sgd = {"alpha": 1 / (STRENGTH * len(made)), "random_state": 0}
        model = {
            "LogisticRegression": lambda: LogisticRegression(C=STRENGTH, max_iter=MANY),
            "LogisticRegression, tol 1e-8": lambda: LogisticRegression(
                C=STRENGTH, max_iter=MANY, tol=1e-8
            ),
            "SGDClassifier, log_loss": lambda: SGDClassifier(loss="log_loss", **sgd),
            "LinearSVC, hinge": lambda: LinearSVC(C=STRENGTH, loss="hinge", random_state=0),
            "SGDClassifier, hinge": lambda: SGDClassifier(loss="hinge", **sgd),
            "RidgeClassifier": lambda: RidgeClassifier(alpha=1 / STRENGTH),
        }[name]()
        scaled = made.astype(np.float32)
        scaled -= made.mean(axis=0, dtype=np.float64).astype(np.float32)
        scaled /= made.std(axis=0, dtype=np.float64).astype(np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(scaled, fake)
        return np.append(model.coef_, model.intercept_)

    return fit


def objective(model: str, found: np.ndarray, made: np.ndarray, fake: np.ndarray) -> float:
    values = columns.scaled(columns.Table(made), "standard", True).values(found)
    sign, penalty = np.where(fake, 1.0, -1.0), found[:-1] @ found[:-1] / 2
    if model == "ridge":
        return penalty / STRENGTH + np.square(sign - values).sum() / 2
    loss = np.maximum(0, 1 - sign * values)
    if model == "logistic":
        loss = np.logaddexp(0, -sign * values)
    return penalty + STRENGTH * loss.sum()


PEERS = {
    "logistic": (
        "LogisticRegression",
        "LogisticRegression, tol 1e-8",
        "SGDClassifier, log_loss",
    ),
    "svm": ("LinearSVC, hinge", "SGDClassifier, hinge"),
    "ridge": ("RidgeClassifier",),
}
HEADER = ("model", "solver", "seconds", "CPU s", "peak MB", "excess", "times ours, by CPU time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=3328)
    parser.add_argument("--model", nargs="+", choices=PEERS, default=[*PEERS])
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    parser.add_argument("--only", nargs=2, metavar=("MODEL", "SOLVER"))
    arguments = parser.parse_args()
    size = arguments.rows, arguments.width
    if arguments.only:
        model, solver = arguments.only
        made, fake = rows(*size)
        fit = ours(model) if solver == "ours" else theirs(solver)
        found, took = measure.timed(lambda: fit(made, fake))
        print(json.dumps(took | {"objective": objective(model, found, made, fake)}))
        return
    lines = []
    for model in arguments.model:
        how = "--rows", size[0], "--width", size[1], "--only", model
        found = {
            solver: measure.alone(__file__, *how, solver) for solver in ("ours", *PEERS[model])
        }
        best = min(one["objective"] for one in found.values())
        for solver, one in found.items():
            excess = one["objective"] / best - 1
            times = one["cpu_seconds"] / found["ours"]["cpu_seconds"]
            took = f"{one['seconds']:.1f}", f"{one['cpu_seconds']:.1f}", f"{one['peak_mb']:,.0f}"
            lines.append((model, solver, *took, f"{excess:.1e}", f"{times:.1f}"))
    text = [measure.machine(), "", f"{size[0]:,} x {size[1]:,}, C = {STRENGTH:g}", ""]
    measure.publish("columns", "\n".join([*text, measure.table(HEADER, lines)]), arguments.page)


if __name__ == "__main__":
    main()
