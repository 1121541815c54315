"""SVM and logistic regression from a Gram matrix, against scikit-learn on the pixels themselves.

    .venv/bin/python benchmarks/engines.py --rows 100 200 400 800

Each way runs in a process of its own, the two of one size one after the other, on the same made-up
faces: fit on n rows of 307,200 pixels, and decide n / 4 others. Ours reads the matrix from its file
and computes the Gram matrix; scikit-learn is given the pixels in memory before its clock starts.
Each has one thread, which is what the workflow gives to jobs of these sizes. Quote the ratios, not
the seconds.

Both stop where libsvm and liblinear stop by default: that leaves an SVM's values 1e-4 apart (3e-7
where both use tol=1e-6), and liblinear far above its least objective.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import measure
import numpy as np
import pictures
import threadpoolctl
from sklearn.linear_model import LogisticRegression  # imports are not what is measured
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from deepfake.features.matrix import Matrix
from deepfake.models import gram
from deepfake.models import registry as models
from deepfake.models.registry import Training

CANDIDATES = {
    "svm": {"kernel": "rbf", "C": 1.0, "gamma": "scale", "scaling": "standard"},
    "logistic": {"C": 1.0, "scaling": "none", "intercept": "penalised"},
}
AIMS = {"svm": 15, "logistic": 20}  # times as fast as the direct fit
AIM_ROWS = 400


def ours(name: str, path: str, fake: np.ndarray) -> dict:
    """The workflow's own way, from the matrix's file."""
    every = np.arange(Matrix(path).shape[0])
    seen, new_rows = (Matrix(path, part) for part in np.split(every, [len(fake)]))
    candidate = CANDIDATES[name]

    def work():
        products = {candidate["scaling"]: gram.compute(seen, candidate["scaling"])}
        fitted = models.module(name).fit(candidate, Training(seen, fake, products))
        return fitted, models.decide(fitted, new_rows)

    (fitted, decisions), took = measure.timed(work)
    if name == "logistic":
        weights, intercept = fitted.arrays["weights"], fitted.settings["intercept"]
        took["objective"] = objective(weights, intercept, models.decide(fitted, seen), fake)
    return took | {"decisions": decisions.tolist()}


def direct(name: str, path: str, fake: np.ndarray) -> dict:
    """scikit-learn on the pixels, as the original experiment did."""
    pixels = np.ascontiguousarray(np.load(path))
    seen, new_rows = np.split(pixels, [len(fake)])
    model = {
        "svm": make_pipeline(StandardScaler(), SVC()),
        "logistic": LogisticRegression(solver="liblinear", max_iter=100),
    }[name]
    decisions, took = measure.timed(lambda: model.fit(seen, fake).decision_function(new_rows))
    if name == "logistic":
        values = model.decision_function(seen)
        took["objective"] = objective(model.coef_[0], model.intercept_[0], values, fake)
    return took | {"decisions": decisions.tolist()}


def objective(weights: np.ndarray, intercept: float, values: np.ndarray, fake: np.ndarray) -> float:
    """What logistic regression with a penalised intercept and C = 1 makes least."""
    losses = np.logaddexp(0, -np.where(fake, values, -values)).sum()
    return float(weights @ weights / 2 + intercept**2 / 2 + losses)


def compare(name: str, rows: int, size: int) -> dict[str, dict]:
    """Both ways at one size."""
    with tempfile.TemporaryDirectory(prefix="engines") as folder:
        path = Path(folder, "matrix.npy")
        pictures.write_matrix(path, rows + rows // 4, size)
        return {
            way: measure.alone(__file__, "--only", way, name, path, "--rows", rows)
            for way in ("ours", "direct")
        }


def agreement(found: dict[str, dict]) -> str:
    """How alike the two ways' decisions are, and their objectives where there are any."""
    one, other = (np.array(found[way]["decisions"]) for way in ("ours", "direct"))
    equal = f"{np.mean((one > 0) == (other > 0)):.4f}"
    if "objective" in found["ours"]:
        return f"{equal}, objective {found['ours']['objective'] / found['direct']['objective']:.6f}"
    return f"{equal}, values to {np.abs(one - other).max():.0e}"


def line(name: str, rows: int, found: dict[str, dict]) -> list[object]:
    """One row of the table."""
    one, other = found["direct"], found["ours"]
    return [
        name,
        rows,
        f"{one['seconds']:.1f}",
        f"{other['seconds']:.2f}",
        f"{one['seconds'] / other['seconds']:.1f}",
        f"{one['cpu_seconds'] / other['cpu_seconds']:.1f}",
        f"{one['peak_mb']:.0f}",
        f"{other['peak_mb']:.0f}",
        agreement(found),
    ]


def conclusions(name: str, found: dict[int, dict[str, dict]]) -> list[str]:
    """How both ways grow with the rows, and whether the aim is met."""
    sentences = []
    if len(found) > 1:
        one, other = (
            measure.growth(list(found), [both[way]["seconds"] for both in found.values()])
            for way in ("direct", "ours")
        )
        sentences.append(f"{name}: direct grows as n^{one:.2f}, ours as n^{other:.2f}.")
    if AIM_ROWS in found:
        both = found[AIM_ROWS]
        ratio = both["direct"]["seconds"] / both["ours"]["seconds"]
        word = "met" if ratio >= AIMS[name] else "missed"
        sentences.append(f"{name}: {ratio:.1f} times at {AIM_ROWS} rows; aim {AIMS[name]}: {word}.")
    return sentences


COLUMNS = (
    "model", "rows", "direct s", "ours s", "times faster", "by CPU time", "direct MB", "ours MB",
    "equal predictions",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 200, 400, 800])
    parser.add_argument("--size", type=int, default=320, help="side of a face in pixels")
    parser.add_argument("--models", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    parser.add_argument("--only", nargs=3, metavar=("WAY", "MODEL", "MATRIX"), help="one way alone")
    arguments = parser.parse_args()
    if arguments.only:
        way, name, path = arguments.only
        fake = pictures.labels(arguments.rows[0])
        threadpoolctl.threadpool_limits(1)
        print(json.dumps({"ours": ours, "direct": direct}[way](name, path, fake)))
        return
    lines, sentences = [], []
    for name in arguments.models:
        found = {rows: compare(name, rows, arguments.size) for rows in sorted(arguments.rows)}
        lines += [line(name, rows, both) for rows, both in found.items()]
        sentences += conclusions(name, found)
    text = "\n".join([measure.machine(), "", measure.table(COLUMNS, lines), "", *sentences])
    measure.publish("engines", text, arguments.page)


if __name__ == "__main__":
    sys.exit(main())
