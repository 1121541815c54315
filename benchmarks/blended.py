"""Whether self-blended clips (`self_blending`) teach a model to find a dataset's own fakes.

    .venv/bin/python benchmarks/blended.py
    .venv/bin/python benchmarks/blended.py --root DATASET --layout faceforensics

An experiment: no key of a run makes such clips. Each real clip gives a real and a fake one. Ridge
regression learns from the dataset's clips, from the blended ones alone, and from both, and scores
the dataset's own clips of people that no training saw, each group of people once. Beside each ROC
AUC of videos are its interval, the paired difference to the dataset's clips alone, and the same
score when labels of whole groups are exchanged. Without --root: the demo, which is synthetic.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import measure
import numpy as np
import self_blending
import yaml
from measure import ROOT
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from deepfake.core import tables
from deepfake.dataset import sheet
from deepfake.evaluation import intervals, metrics, summary
from deepfake.models import label_flips

GIVEN, BLENDED, BOTH = "given", "blended", "both"  # what a training learns from
ALPHA = 100.0  # of ridge regression, on standardised features
FOLDS = 10  # at most; with fewer groups each is one
LEVEL = 0.95
ENOUGH = 40  # groups
DATASET = "self-blended"
DEMO = ROOT / "data" / "demo"


def workflow(folder: Path, settings: dict, targets: Sequence[str]) -> None:
    """Make some files of a run in a folder."""
    (folder / "run.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    words = ["--snakefile", ROOT / "Snakefile", "--directory", folder, "--cores", "all"]
    words += ["--configfile", folder / "run.yaml", "--", *targets]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *map(str, words)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stdout)


def scan(folder: Path, root: Path, layout: str) -> list[dict]:
    """The sheet of a dataset."""
    words = [ROOT / "scripts/scan_dataset.py", "--layout", layout, "--dataset", "given"]
    words += ["--root", root.resolve(), "--out", "videos.tsv", "--videos-per-job", "20"]
    subprocess.run([sys.executable, *map(str, words)], cwd=folder, check=True, capture_output=True)
    return sheet.read(folder / "videos.tsv")


def blend(folder: Path, videos: list[dict], records: Sequence[dict], seed: int) -> list[dict]:
    """Make two clips of each real one whose face was found; their rows for the sheet."""
    found: dict[str, dict[int, self_blending.Points]] = {}
    for row in records:
        if row["status"] == "kept" and len(row["points"].split()) == 5:
            points = tuple(tuple(map(int, point.split(","))) for point in row["points"].split())
            found.setdefault(row["video_id"], {})[int(row["frame"])] = points
    (folder / "blended").mkdir(exist_ok=True)
    made = []
    for number, video in enumerate(videos):
        if video["label"] != "real" or video["video_id"] not in found:
            continue
        clips = {label: folder / "blended" / f"{number}-{label}.mkv" for label in ("real", "fake")}
        if not all(clip.exists() for clip in clips.values()):
            generator = np.random.default_rng([seed, number])
            reason = self_blending.make(
                video["path"], found[video["video_id"]], *clips.values(), generator
            )
            if reason:
                print(f"not blended: {video['video_id']}: {reason}")
                continue
        for label, clip in clips.items():
            facts = {"video_id": f"{DATASET}/{clip.stem}", "path": str(clip), "label": label}
            facts |= {"dataset": DATASET, "method": DATASET if label == "fake" else ""}
            made.append(video | facts | {"batch": f"blended-{len(made) // 40}"})
    return made


def prepare(folder: Path, arguments: argparse.Namespace) -> None:
    """Make the clips, and the matrices of all clips' faces."""
    videos = scan(folder, arguments.root, arguments.layout)
    settings = {"run": "blended", "sheet": "videos.tsv", "sweep": {"ridge": {}}}
    settings |= {"features": arguments.features, "faces": {"size": 64}}
    settings["frames"] = {"every": arguments.every, "per_video": arguments.frames}
    workflow(folder, settings, ["results/blended/faces.tsv"])
    records = tables.read(folder / "results/blended/faces.tsv")
    videos += blend(folder, videos, records, arguments.seed)
    sheet.write(videos, folder / "all.tsv")
    matrices = [f"results/blended/{name}/matrix.npy" for name in arguments.features]
    workflow(folder, settings | {"sheet": "all.tsv"}, ["results/blended/rows.tsv", *matrices])


class Ridge:
    """Ridge regression on labels 1 and -1, standardised: fitted to many labels of the same rows.

    Its scores are linear in the labels: what each label adds to each score is computed once.

    Args:
        values: features of all rows, float32 (n, p). train: bool (n,). test: positions.
    """

    def __init__(self, values: np.ndarray, train: np.ndarray, test: np.ndarray) -> None:
        rows, tested, self._train = values[train], values[test], train
        mean, spread = rows.mean(axis=0), rows.std(axis=0)
        spread[spread == 0] = np.inf
        for part in (rows, tested):
            part -= mean
            part /= spread
        few = len(rows) <= rows.shape[1]
        products = rows @ rows.T if few else rows.T @ rows
        products[np.diag_indices_from(products)] += ALPHA
        solved = cho_solve(cho_factor(products), rows @ tested.T if few else tested.T)
        self._added = solved.T if few else solved.T @ rows.T

    def scores(self, fake: np.ndarray) -> np.ndarray:
        """Scores of the test's rows under some labels of all rows, bool (n,)."""
        labels = np.where(fake[self._train], 1, -1).astype(np.float32)
        return self._added @ (labels - labels.mean()) + labels.mean()


class Experiment:
    """The trainings of each part of the groups, on one feature set.

    Args:
        rows: of the matrix. values: (n, p). seed: of the parts.
    """

    def __init__(self, rows: Sequence[dict], values: np.ndarray, seed: int) -> None:
        self.fake = np.array([row["label"] == "fake" for row in rows])
        self._videos = np.array([row["video_id"] for row in rows])
        self.groups = np.array([row["group_id"] for row in rows])
        blended = np.array([row["dataset"] == DATASET for row in rows])
        self.kinds = {GIVEN: ~blended, BLENDED: blended, BOTH: np.ones(len(rows), bool)}
        names = np.random.default_rng(seed).permutation(np.unique(self.groups[~blended]))
        self.parts = [
            np.isin(self.groups, part) for part in np.array_split(names, min(FOLDS, len(names)))
        ]
        self._values = values

    def trained(self, kind: str, tested: str) -> list[tuple[np.ndarray, Ridge]]:
        """Of each part the tested rows, int (n,), and the model that learned from the others."""
        found = []
        for held_out in self.parts:
            test = np.flatnonzero(self.kinds[tested] & held_out)
            found.append((test, Ridge(self._values, self.kinds[kind] & ~held_out, test)))
        return found

    def scored(
        self, models: Sequence[tuple[np.ndarray, Ridge]], fake: np.ndarray
    ) -> tuple[intervals.Linear, np.ndarray, np.ndarray] | None:
        """ROC AUC of the videos of all parts together; it, the videos' groups and labels.

        None where labels that were exchanged leave one class.
        """
        tested = np.concatenate([test for test, _ in models])
        scores = np.concatenate([model.scores(fake) for _, model in models])
        names, means = metrics.video_means(self._videos[tested], scores)
        first = tested[np.unique(self._videos[tested], return_index=True)[1]]
        labels = fake[first]
        if labels.all() or not labels.any():
            return None
        return intervals.scores(labels, means, 0.0, names)["roc_auc"], self.groups[first], labels


def judged(one: Experiment, name: str, draws: int, seed: int) -> list[tuple]:
    """The lines of the table of a feature set, one a training."""
    lines, first = [], None
    for kind in (GIVEN, BLENDED, BOTH):
        models = one.trained(kind, GIVEN)
        found = one.scored(models, one.fake)
        if found is None:
            sys.exit("the dataset's clips are of one class only: no test is possible")
        score, groups, labels = found
        known = one.scored(one.trained(kind, kind), one.fake) if kind != GIVEN else found
        lacks, number = metrics.lacking(labels, groups), metrics.numbered(groups)
        limits = shown(intervals.limits, lacks, score, number)
        first = first or score
        less = {"value": score.value - first.value, "low": None, "high": None}
        if not lacks:
            less["low"], less["high"] = intervals.difference(score, first, number, LEVEL)
        null = label_flips.compared(np.array(list(drawn(one, models, draws, seed))), score.value)
        train = one.kinds[kind]
        counts = [len(set(one._videos[train & (one.fake == label)])) for label in (True, False)]
        lines.append(
            (name, kind, *counts, summary.interval({"value": score.value} | limits),
             summary.difference(less) if kind != GIVEN else "", f"{null['null_mean']:.3f}",
             f"{null['null_95']:.3f}", f"{null['as_good']:.3f}",
             "" if known is None else f"{known[0].value:.3f}", less["low"])
        )  # fmt: skip
    return lines


def shown(
    rule: Callable, lacks: str, score: intervals.Linear, number: np.ndarray
) -> dict[str, float | None]:
    low, high = intervals.NONE if lacks else rule(score, number, LEVEL)
    return {"low": low, "high": high}


def drawn(one: Experiment, models: Sequence[tuple[np.ndarray, Ridge]], draws: int, seed: int):
    """The score under labels that say nothing, once a draw."""
    generator, group_of = np.random.default_rng(seed), metrics.numbered(one.groups)
    for _ in range(draws):
        fake = label_flips.exchanged(one.fake, group_of, np.zeros(len(one.fake), bool), generator)
        found = one.scored(models, fake)
        yield np.nan if found is None else found[0].value


HEAD = ("features", "learns from", "fake", "real", "ROC AUC of given fakes", "less given alone",
        "null: mean", "95 %", "as good", "of its own kind")  # fmt: skip


def tell(folder: Path, arguments: argparse.Namespace) -> None:
    """Print the table."""
    rows = tables.read(folder / "results/blended/rows.tsv")
    lines, groups = [], 0
    for name in arguments.features:
        values = np.load(folder / f"results/blended/{name}/matrix.npy").astype(np.float32)
        one = Experiment(rows, values, arguments.seed)
        groups = len(set(one.groups[one.kinds[GIVEN]]))
        lines += judged(one, name, arguments.draws, arguments.seed)
    named = "the demo's synthetic clips" if arguments.root == DEMO else "clips of a dataset"
    print(f"{named}: {groups} groups, {arguments.frames} frames a clip; given: the dataset's own")
    print(measure.table(HEAD, [line[:-1] for line in lines]))
    print(f"\n[low, high]: {LEVEL:.0%} over groups; none below {metrics.MIN_GROUPS}.")
    won = [line[0] for line in lines if line[1] == BOTH and line[-1] is not None and line[-1] > 0]
    if groups < ENOUGH:
        print(f"{groups} groups are fewer than {ENOUGH}: nothing is decided.")
    elif won:
        print(f"Both are better than given alone on {', '.join(won)}: `training.fakes` is due.")
    else:
        print("Both are not better than given alone: self-blended clips stay an experiment.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=DEMO, help="of a dataset")
    parser.add_argument("--layout", default="folders", help="of scan_dataset.py")
    parser.add_argument("--features", nargs="+", default=["residuals", "noise"])
    parser.add_argument("--frames", type=int, default=7, help="a clip, at most")
    parser.add_argument("--every", type=int, default=9, help="distance between them")
    parser.add_argument("--draws", type=int, default=label_flips.DRAWS, help="of labels")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--folder", type=Path, help="keeps what was made, to go on with later")
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    arguments = parser.parse_args()
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    place = nullcontext(arguments.folder) if arguments.folder else tempfile.TemporaryDirectory()
    with place as folder, threadpool_limits(2):
        prepare(Path(folder).resolve(), arguments)
        real = arguments.root != DEMO
        with measure.printed("blended real" if real else "blended", arguments.page):
            tell(Path(folder).resolve(), arguments)


if __name__ == "__main__":
    main()
