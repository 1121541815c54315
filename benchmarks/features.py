"""Faces a second of each feature set, and a check on real clips that the sets see something.

    .venv/bin/python benchmarks/features.py

The demo's faces are cut first. Printed are faces a CPU second on one core: at the crops' own
sizes, and stretched to faces of other sizes. With real clips (name their folder, laid out as
FaceForensics++, in DEEPFAKE_TEST_CLIPS), their faces are measured too; and logistic regression on
each set is tested on people it never saw. That needs many more people than twenty clips have to say
anything of which set is better.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import cv2
import measure
import numpy as np
import yaml
from measure import ROOT
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from deepfake.core import tables
from deepfake.features import registry as features
from deepfake.features.extraction import Crop, extract, of_batch

CLIPS = "DEEPFAKE_TEST_CLIPS"
SIDES = (150, 225, 300)  # of a face, in pixels
AIM = 200  # faces a second of residuals
C = 1e-2


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def stretched(whole: Crop, side: int) -> Crop:
    """A crop whose face has sides of about this geometric mean."""
    crop, box, corner, points = whole
    times = side / np.sqrt(box[2] * box[3])
    size = round(crop.shape[1] * times), round(crop.shape[0] * times)
    box = tuple(int(value * times) for value in box)
    points = [(x * times, y * times) for x, y in points]
    return cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC), box, corner, points


def all_of(one: ModuleType, crops: list[Crop]) -> None:
    for crop in crops:
        one.vector(*crop)


def speed(crops: list[Crop], title: str) -> None:
    """Print faces a CPU second of each set."""
    sides = [np.sqrt(box[2] * box[3]) for _, box, *_ in crops]
    print(f"{title}: {len(crops)} faces of {np.mean(sides):.0f} pixels a side")
    for name in features.NAMES:
        one = features.module(name)
        one.vector(*crops[0])  # what is loaded at the first call is no face's
        rate = len(crops) / min(seconds(partial(all_of, one, crops)) for _ in range(3))
        aim = f"   aim {AIM}: {'met' if rate >= AIM else 'MISSED'}" if name == "residuals" else ""
        print(f"  {name:<10} {one.LENGTH:5} numbers {rate:7.0f} faces/s{aim}")


def cut_clips(root: str | Path, layout: str, folder: Path) -> list[tuple[Path, Path]]:
    """Cut the faces of 15 frames of each clip; (table, tar) of each batch."""
    words = [ROOT / "scripts/scan_dataset.py", "--layout", layout, "--dataset", "clips"]
    words += ["--root", root, "--out", "videos.tsv", "--videos-per-job", "10"]
    subprocess.run([sys.executable, *words], cwd=folder, check=True, capture_output=True)
    settings = {"run": "clips", "sheet": "videos.tsv", "frames": {"every": 5, "per_video": 15}}
    settings["sweep"] = {"logistic": {"C": [1]}}
    (folder / "run.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    batches = sorted({row["batch"] for row in tables.read(folder / "videos.tsv")})
    tars = [f"results/clips/faces/{batch}.tar" for batch in batches]
    words = ["--snakefile", ROOT / "Snakefile", "--directory", folder]
    words += ["--configfile", folder / "run.yaml", "--cores", "1", *tars]
    subprocess.run(
        [sys.executable, "-m", "snakemake", *words], cwd=ROOT, check=True, capture_output=True
    )
    return [((folder / tar).with_suffix(".tsv"), folder / tar) for tar in tars]


def check(batches: list[tuple[Path, Path]], sheet: Path) -> None:
    """Print how well logistic regression on each set tells the clips of people it never saw."""
    videos = {row["video_id"]: row for row in tables.read(sheet)}
    kept = [row for table, _ in batches for row in tables.read(table) if row["status"] == "kept"]
    ids = np.array([row["video_id"] for row in kept])
    fake = np.array([videos[name]["label"] == "fake" for name in ids])
    groups = np.array([videos[name]["group_id"] for name in ids])
    names, first = np.unique(ids, return_index=True)
    print(
        f"leave one group out: {len(set(groups))} groups, {len(names)} videos ({fake[first].sum()} "
        f"fake), {len(ids)} faces ({fake.sum()} fake); logistic regression, standardised, C={C:g}"
    )
    for name in features.NAMES:
        parts = [extract(name, tables.read(table), tar) for table, tar in batches]
        model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=2000))
        scores = cross_val_predict(
            model, np.concatenate(parts), fake, groups=groups, cv=LeaveOneGroupOut(),
            method="decision_function",
        )  # fmt: skip
        means = [scores[ids == video].mean() for video in names]
        print(
            f"  {name:<10} AUC of faces {roc_auc_score(fake, scores):.3f}, of videos "
            f"{roc_auc_score(fake[first], means):.3f}; right at 0: "
            f"{np.mean((scores > 0) == fake):.3f} of faces"
        )
    print(
        f"{len(set(groups))} groups cannot choose among these sets: the differences may be chance, "
        "and no interval can be given."
    )


def tell(table: Path, tar: Path) -> None:
    """Print the rates of every set, and the check on real clips where they are."""
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        rows = tables.read(table)
        crops: list[Crop] = []
        took = seconds(lambda: crops.extend(of_batch(rows, tar)))
        print(f"reading and decoding: {len(crops) / took:.0f} faces/s, not counted below")
        speed(crops, "the crops themselves")
        for side in SIDES:
            speed([stretched(crop, side) for crop in crops], f"stretched to {side}")
        if CLIPS not in os.environ:
            print(f"no real clips: {CLIPS} is not set")
            return
        with tempfile.TemporaryDirectory() as folder:
            batches = cut_clips(os.environ[CLIPS], "faceforensics", Path(folder))
            found = [crop for table, tar in batches for crop in of_batch(tables.read(table), tar)]
            speed(found, "real clips")
            check(batches, Path(folder) / "videos.tsv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--page", action="append", default=[], help="a page to put it on too")
    arguments = parser.parse_args()
    with measure.printed("features", arguments.page), tempfile.TemporaryDirectory() as folder:
        table, tar = cut_clips(ROOT / "data" / "demo", "folders", Path(folder))[0]
        tell(table, tar)


if __name__ == "__main__":
    main()
