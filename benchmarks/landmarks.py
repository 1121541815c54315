"""A kernel machine by landmarks beside the exact one on the same rows, at growing numbers.

    .venv/bin/python benchmarks/landmarks.py --rows 20000

Rows of a feature set's length are made up: bytes that vary together, and a class that is not
linear in them, with labels exchanged. Each machine has a process of its own, with two threads.
`difference` is the mean difference of the scores of other rows from the exact machine's, as a share
of their deviation; `verdicts` the share of those rows that both put on the same side of the
threshold. The Gram matrix is counted as the exact machine's.
"""

import argparse
import json
from pathlib import Path

import measure
import numpy as np

from deepfake.features.matrix import InMemoryMatrix
from deepfake.models import gram, svm
from deepfake.models.registry import Training

SHARED = 40  # directions in which rows vary together; the class follows the first few
EXCHANGED = 0.1  # share of the labels
BLOCK = 4096
PEOPLE = 500
CANDIDATE = {"kernel": "rbf", "C": 1.0, "gamma": "scale", "scaling": "standard"}


def rows(count: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows uint8 (count, width) and labels."""
    generator = np.random.default_rng(0)
    shared = (
        generator.normal(size=(SHARED, width)) * (12 / np.sqrt(np.arange(1, SHARED + 1)))[:, None]
    )
    made, fake = np.empty((count, width), np.uint8), np.empty(count, bool)
    for first in range(0, count, BLOCK):
        some = slice(first, min(first + BLOCK, count))
        where = generator.normal(size=(some.stop - first, SHARED))
        floats = 120 + where @ shared + 10 * generator.normal(size=made[some].shape)
        made[some] = floats.clip(0, 255)
        fake[some] = where[:, 0] * where[:, 1] + where[:, 2] * where[:, 3] + where[:, 4] > 0
    return made, fake ^ (generator.random(count) < EXCHANGED)


def score(landmarks: int, arguments: argparse.Namespace) -> dict:
    """Fit a machine, exact with 0 landmarks, and keep its scores of the rows held out."""
    from sklearn.metrics import roc_auc_score

    made, fake = rows(arguments.rows + arguments.held_out, arguments.width)
    train, held_out = np.split(np.arange(len(made)), [arguments.rows])
    groups = np.random.default_rng(1).integers(0, PEOPLE, len(made))
    training = Training(InMemoryMatrix(made), fake, groups=groups)

    def work() -> np.ndarray:
        candidate = CANDIDATE
        if landmarks:
            candidate = CANDIDATE | {"landmarks": landmarks}
        else:
            training.grams = {"standard": gram.compute(training.pixels, "standard", train)}
        (found,) = svm.score([candidate], training, train, held_out, threads=2)
        return found

    found, took = measure.timed(work)
    np.save(arguments.folder / f"{landmarks}.npy", found)
    return took | {"auc": roc_auc_score(fake[held_out], found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--held-out", type=int, default=4_000)
    parser.add_argument("--width", type=int, default=3328)
    parser.add_argument("--landmarks", type=int, nargs="+", default=[256, 1024, 2048])
    parser.add_argument("--folder", type=Path, default=Path("results/landmarks"))
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    parser.add_argument("--only", type=int, help="landmarks of the one machine to fit")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.only is not None:
        print(json.dumps(score(arguments.only, arguments)))
        return
    how = ["--rows", arguments.rows, "--held-out", arguments.held_out, "--width", arguments.width]
    how += ["--folder", arguments.folder]
    lines, exact = [], np.empty(0)
    for count in (0, *arguments.landmarks):
        took = measure.alone(__file__, *how, "--only", count)
        scores = np.load(arguments.folder / f"{count}.npy")
        exact = exact if count else scores
        apart = np.abs(scores - exact).mean() / exact.std()
        same = np.mean((scores >= 0) == (exact >= 0))
        cells = f"{took['seconds']:.0f}", f"{took['cpu_seconds']:.0f}", f"{took['peak_mb']:,.0f}"
        name = f"{count:,} landmarks" if count else "exact"
        lines.append((name, *cells, f"{took['auc']:.4f}", f"{apart:.3f}", f"{same:.1%}"))
    head = ("machine", "seconds", "CPU s", "peak MB", "ROC AUC", "difference", "verdicts")
    size = (
        f"{arguments.rows:,} x {arguments.width:,}, rbf, C = 1, {arguments.held_out:,} other rows"
    )
    text = [measure.machine(), "", size, "", measure.table(head, lines)]
    measure.publish("landmarks", "\n".join(text), arguments.page)


if __name__ == "__main__":
    main()
