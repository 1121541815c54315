"""Forests grown by compiled trees, against scikit-learn's, LightGBM's and YDF's: time, memory, AUC.

    .venv/bin/python benchmarks/forest.py --rows 4000 --trees 8
    .venv/bin/python benchmarks/forest.py --rows 11187 --side 33 --trees 20 --seeds 5 \
        --peers /path/to/another/environment/bin/python

Each way runs in a process of its own, on faces-like random data of 3 x side^2 features; peak memory
is all that the process held, the mapped matrix too. scikit-learn and YDF are given float32, in
Fortran order where that is faster. Seconds are of the processor for one thread, of the clock for
more, and leave out compiling and reading. With --seeds, each way also grows a forest a seed, and
scores clips that took no part. LightGBM and YDF are no packages of this project: --peers names the
Python of an environment that has numpy, lightgbm and ydf. Quote the ratios.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import measure
import numpy as np
import pictures

TEST = 0.25  # as many rows are scored, of further clips
AIM = "4 times, 0.45"
PEERS = ("LightGBM", "YDF")

CANDIDATE = {
    "max_features": "sqrt",
    "max_depth": None,
    "min_samples_split": 2,
    "min_samples_leaf": 1,
    "max_samples": None,
    "criterion": "gini",
    "class_weight": None,
}

# Grows (trees, threads, seed) on the training rows; what it returns scores the test rows.
Grow = Callable[[int, int, int], Callable[[], np.ndarray]]


def our_forest(folder: Path, fake: np.ndarray) -> Grow:
    from deepfake.features.matrix import InMemoryMatrix, Matrix
    from deepfake.models import forest

    columns, rows = Matrix(folder / "matrix.npy").mapped()

    def grow(trees: int, threads: int, seed: int) -> Callable[[], np.ndarray]:
        grown = list(forest.grow(CANDIDATE, columns, rows, fake, range(trees), seed, threads))

        def score() -> np.ndarray:
            fitted = forest.join(CANDIDATE | {"n_estimators": trees}, [forest.pack(grown)])
            return forest.decide(fitted, InMemoryMatrix(np.load(folder / "test.npy")))

        return score

    grow(1, 1, 0)  # compiles
    return grow


def scikit_learn(folder: Path, fake: np.ndarray) -> Grow:
    from sklearn.ensemble import RandomForestClassifier

    pixels = np.load(folder / "matrix.npy", mmap_mode="r").astype(np.float32)

    def grow(trees: int, threads: int, seed: int) -> Callable[[], np.ndarray]:
        candidate = CANDIDATE | {"n_estimators": trees, "n_jobs": threads, "random_state": seed}
        grown = RandomForestClassifier(**candidate).fit(pixels, fake)
        return lambda: grown.predict_proba(np.load(folder / "test.npy"))[:, 1]

    return grow


def lightgbm(folder: Path, fake: np.ndarray) -> Grow:
    """Its random forest: bins of bytes, rows drawn without replacement, trees of any depth."""
    import lightgbm

    pixels = np.load(folder / "matrix.npy", mmap_mode="r").astype(np.float32)
    settings = {
        "boosting": "rf",
        "objective": "binary",
        "bagging_freq": 1,
        "bagging_fraction": 0.632,
        "feature_fraction_bynode": pixels.shape[1] ** -0.5,
        "num_leaves": len(pixels),
        "histogram_pool_size": 1024,  # MB; without a limit, a histogram a leaf
        "min_data_in_leaf": 1,
        "min_sum_hessian_in_leaf": 0,
        "enable_bundle": False,
        "force_col_wise": True,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(pixels, fake, params=settings).construct()

    def grow(trees: int, threads: int, seed: int) -> Callable[[], np.ndarray]:
        grown = lightgbm.train(settings | {"num_threads": threads, "seed": seed}, data, trees)
        return lambda: grown.predict(np.load(folder / "test.npy"))

    return grow


def ydf(folder: Path, fake: np.ndarray) -> Grow:
    import ydf

    ydf.verbose(0)
    pixels = np.load(folder / "matrix.npy", mmap_mode="r").astype(np.float32)
    data = {"pixels": pixels, "fake": fake}

    def grow(trees: int, threads: int, seed: int) -> Callable[[], np.ndarray]:
        learner = ydf.RandomForestLearner(
            label="fake",
            num_trees=trees,
            max_depth=-1,
            min_examples=1,
            winner_take_all=False,
            compute_oob_performances=False,
            num_threads=threads,
            random_seed=seed,
        )
        grown = learner.train(data)
        return lambda: grown.predict({"pixels": np.load(folder / "test.npy").astype(np.float32)})

    return grow


WAYS = {"scikit-learn": scikit_learn, "LightGBM": lightgbm, "YDF": ydf, "ours": our_forest}


def run(way: str, folder: Path, trees: int, threads: int, seeds: int, size: int) -> None:
    """Run one way and print what it took, as JSON."""
    grow = WAYS[way](folder, np.load(folder / "fake.npy"))
    seconds = {}
    clock = time.process_time if threads == 1 else time.perf_counter
    for count in (1, 1 + trees):
        begun = clock()
        grow(count, threads, 0)
        seconds[count] = clock() - begun
    found = {"seconds": (seconds[1 + trees] - seconds[1]) / trees, "peak_mb": measure.peak_mb()}
    tested = np.load(folder / "test_fake.npy")
    found["aucs"] = [auc(tested, grow(size, threads, seed)()) for seed in range(seeds)]
    print(json.dumps(found))


def auc(fake: np.ndarray, scores: np.ndarray) -> float:
    """ROC AUC: the share of pairs that are ranked right, equal scores counting half."""
    real = np.sort(scores[~fake])
    ranks = sum(np.searchsorted(real, scores[fake], side) for side in ("left", "right")) / 2
    return float(ranks.mean() / len(real))


def write(folder: Path, rows: int, side: int) -> None:
    """Training rows as the workflow's matrix, and rows of further clips to be scored."""
    tested = round(rows * TEST)
    pixels, fake = pictures.rows(rows + tested, side), pictures.labels(rows + tested)
    np.save(folder / "matrix.npy", np.asfortranarray(pixels[:rows]))
    np.save(folder / "fake.npy", fake[:rows])
    first = -(-rows // pictures.FRAMES) * pictures.FRAMES  # a clip is on one side
    np.save(folder / "test.npy", pixels[first:])
    np.save(folder / "test_fake.npy", fake[first:])


def line(way: str, found: dict, least: dict, arguments: argparse.Namespace, threads: int) -> list:
    """A row of the table: one way beside ours."""
    cells = [arguments.rows, 3 * arguments.side**2, threads, way, f"{found['seconds']:.3f}"]
    cells += [f"{found['peak_mb']:.0f}", f"{found['seconds'] / least['seconds']:.1f}"]
    cells += [f"{least['peak_mb'] / found['peak_mb']:.2f}"]
    if found["aucs"]:
        cells += [f"{np.mean(found['aucs']):.3f} ({np.std(found['aucs'], ddof=1):.3f})"]
    return [*cells, AIM if way == "scikit-learn" else ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=4000, help="training rows")
    parser.add_argument("--side", type=int, default=320, help="of a face, in pixels")
    parser.add_argument("--trees", type=int, default=8, help="trees to time")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--seeds", type=int, default=0, help="forests to score, 2 at least")
    parser.add_argument("--size", type=int, default=100, help="trees of a forest that is scored")
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=list(WAYS), help="ours, and these"
    )
    parser.add_argument("--peers", help="Python that has numpy, lightgbm and ydf")
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    parser.add_argument("--name", default="forest", help="of the table on the page")
    parser.add_argument("--only", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        way, folder = arguments.only
        size, seeds = arguments.size, arguments.seeds
        run(way, Path(folder), arguments.trees, arguments.threads[0], seeds, size)
        return
    columns = [
        "rows",
        "features",
        "threads",
        "way",
        "s a tree",
        "peak MB",
        "times ours",
        "our memory",
    ]
    columns += ["AUC (deviation over seeds)"] if arguments.seeds else []
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), arguments.rows, arguments.side)
        for threads in arguments.threads:
            ways = [way for way in WAYS if way in arguments.ways or way == "ours"]
            if not arguments.peers:
                ways = [way for way in ways if way not in PEERS]
            found = {
                way: measure.alone(
                    __file__, "--only", way, folder, "--trees", arguments.trees,
                    "--threads", threads, "--seeds", arguments.seeds, "--size", arguments.size,
                    python=arguments.peers if way in PEERS else sys.executable,
                )
                for way in ways
            }  # fmt: skip
            rows += [
                line(way, one, found["ours"], arguments, threads) for way, one in found.items()
            ]
    text = "\n".join([measure.machine(), "", measure.table([*columns, "aim"], rows)])
    measure.publish(arguments.name, text, arguments.page)


if __name__ == "__main__":
    main()
