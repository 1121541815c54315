"""SVM and logistic regression from a Gram matrix, against scikit-learn on the pixels themselves.

    .venv/bin/python benchmarks/against_direct_fits.py --rows 400

Each way runs in a process of its own, on faces-like random data of 307,200 features; printed are
seconds, peak memory and the share of equal predictions on other rows (liblinear stops after 100
iterations, before its optimum). Quote the ratios, not the seconds.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from deepfake import gram, models  # noqa: E402
from deepfake.matrix import Faces  # noqa: E402
from deepfake.models import Training  # noqa: E402

FEATURES = 307_200
CANDIDATES = {
    "svm": {"kernel": "rbf", "C": 1.0, "gamma": "scale", "scaling": "standard"},
    "logistic": {"C": 1.0, "scaling": "none", "intercept": "penalised"},
}


def faces(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth random pictures with a weak difference between the classes, and their labels."""
    generator = np.random.default_rng(0)
    fake = np.arange(rows) % 2 == 0
    pixels = np.empty((rows, FEATURES), np.uint8)
    for row in range(rows):  # one by one: the data must not decide the peak memory
        coarse = generator.normal(128 + 6 * fake[row], 40, (20, 20, 3)).astype(np.float32)
        picture = coarse.repeat(16, axis=0).repeat(16, axis=1)
        picture += generator.normal(0, 4, picture.shape).astype(np.float32)
        pixels[row] = np.clip(picture, 0, 255).astype(np.uint8).ravel()
    return pixels, fake


def from_gram(name: str, pixels: np.ndarray, fake: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Decisions of the workflow's own way."""
    seen, candidate = Faces(pixels), CANDIDATES[name]
    products = {candidate["scaling"]: gram.compute(seen, candidate["scaling"])}
    fitted = models.module(name).fit(candidate, Training(seen, fake, products))
    return models.decide(fitted, Faces(asked))


def direct(name: str, pixels: np.ndarray, fake: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Decisions of scikit-learn on the pixels, as the original experiment did."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    model = {
        "svm": make_pipeline(StandardScaler(), SVC()),
        "logistic": LogisticRegression(solver="liblinear", max_iter=100),
    }[name]
    return model.fit(pixels, fake).decision_function(asked)


def measure(way: str, name: str, rows: int) -> None:
    """Run one way and print what it took, as JSON."""
    pixels, fake = faces(rows + rows // 4)
    train = slice(0, rows)
    begun = time.perf_counter()
    ways = {"gram": from_gram, "direct": direct}
    decisions = ways[way](name, pixels[train], fake[train], pixels[rows:])
    seconds = time.perf_counter() - begun
    status = Path("/proc/self/status").read_text().split()
    peak = int(status[status.index("VmHWM:") + 1]) / 1024 - pixels.nbytes / 2**20
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "decisions": decisions.tolist()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=400, help="training rows")
    parser.add_argument("--only", nargs=2, metavar=("WAY", "MODEL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        measure(*arguments.only, arguments.rows)
        return
    print(f"{arguments.rows} training rows x {FEATURES} features; memory beside the pixels")
    for name in CANDIDATES:
        found = {}
        for way in ("direct", "gram"):
            words = [sys.executable, __file__, "--rows", str(arguments.rows), "--only", way, name]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            found[way] = json.loads(done.stdout)
        ours, theirs = (np.array(found[way]["decisions"]) for way in ("gram", "direct"))
        print(
            f"{name:<9} direct {found['direct']['seconds']:7.1f} s "
            f"{found['direct']['peak_mb']:6.0f} MB   gram {found['gram']['seconds']:6.1f} s "
            f"{found['gram']['peak_mb']:6.0f} MB   faster "
            f"{found['direct']['seconds'] / found['gram']['seconds']:5.1f} x   predictions equal "
            f"{np.mean((ours > 0) == (theirs > 0)):.4f}"
        )


if __name__ == "__main__":
    main()
