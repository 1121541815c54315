"""Forests grown by compiled trees, against scikit-learn's, by seconds a tree and peak memory.

    .venv/bin/python benchmarks/forest.py --rows 4000 --trees 8

Each way runs in a process of its own, on faces-like random data of 307,200 features; peak memory is
all that the process held, the mapped matrix too. scikit-learn is given float32 in Fortran order,
in which it is faster. Seconds are of the processor for one thread, of the clock for more, and leave
out compiling and reading. Quote the ratios.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import measure
import numpy as np
import pictures

from deepfake.matrix import Matrix
from deepfake.models import forest

COLUMNS = (
    "rows", "threads", "scikit-learn: s a tree", "peak MB", "ours: s a tree", "peak MB",
    "times faster", "of its memory", "aim",
)  # fmt: skip
AIM = "4 times, 0.45"

CANDIDATE = {
    "max_features": "sqrt",
    "max_depth": None,
    "min_samples_split": 2,
    "min_samples_leaf": 1,
    "criterion": "gini",
    "class_weight": None,
}


def ours(folder: Path, fake: np.ndarray):
    """A function that grows so many trees on so many threads."""
    columns, rows = Matrix(folder / "matrix.npy").mapped()

    def grow(trees: int, threads: int) -> None:
        list(forest.grow(CANDIDATE, columns, rows, fake, range(trees), 0, threads))

    grow(1, 1)  # compiles
    return grow


def scikit_learns(folder: Path, fake: np.ndarray):
    """The same for scikit-learn."""
    from sklearn.ensemble import RandomForestClassifier

    pixels = np.load(folder / "matrix.npy", mmap_mode="r").astype(np.float32)

    def grow(trees: int, threads: int) -> None:
        candidate = CANDIDATE | {"n_estimators": trees, "n_jobs": threads, "random_state": 0}
        RandomForestClassifier(**candidate).fit(pixels, fake)

    return grow


WAYS = {"scikit-learn": scikit_learns, "ours": ours}


def run(way: str, folder: Path, trees: int, threads: int) -> None:
    """Run one way and print what it took, as JSON."""
    grow = WAYS[way](folder, np.load(folder / "fake.npy"))
    seconds = {}
    clock = time.process_time if threads == 1 else time.perf_counter
    for count in (1, 1 + trees):
        begun = clock()
        grow(count, threads)
        seconds[count] = clock() - begun
    a_tree = (seconds[1 + trees] - seconds[1]) / trees
    print(json.dumps({"seconds": a_tree, "peak_mb": measure.peak_mb()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=4000, help="training rows")
    parser.add_argument("--trees", type=int, default=8, help="trees to time")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    parser.add_argument("--only", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        way, folder = arguments.only
        run(way, Path(folder), arguments.trees, arguments.threads[0])
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        pictures.write_matrix(Path(folder, "matrix.npy"), arguments.rows)
        np.save(Path(folder, "fake.npy"), pictures.labels(arguments.rows))
        for threads in arguments.threads:
            found = {
                way: measure.alone(
                    __file__, "--only", way, folder, "--trees", arguments.trees,
                    "--threads", threads,
                )
                for way in WAYS
            }  # fmt: skip
            theirs, mine = found["scikit-learn"], found["ours"]
            line = [arguments.rows, threads]
            for one in (theirs, mine):
                line += [f"{one['seconds']:.3f}", f"{one['peak_mb']:.0f}"]
            line += [f"{theirs['seconds'] / mine['seconds']:.1f}"]
            rows.append([*line, f"{mine['peak_mb'] / theirs['peak_mb']:.2f}", AIM])
    text = "\n".join([measure.machine(), "", measure.table(COLUMNS, rows)])
    measure.publish("forest", text, arguments.page)


if __name__ == "__main__":
    main()
