"""Twenty real clips: ten people, ten face swaps among them, in pairs."""

import json

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from deepfake.core import tables
from deepfake.evaluation import metrics
from deepfake.features.matrix import Matrix
from deepfake.models import forest, gram, logistic
from deepfake.models import registry as models
from deepfake.models.registry import Training
from deepfake.splits import assignment
from tests.workflow.running import Run, scan

SPLIT = {"test_size": 0.2, "k": 4, "shuffle": True, "every": 1}
SHUFFLES = 12


@pytest.fixture(scope="module")
def run(tmp_path_factory, real_clips) -> Run:
    run = Run(tmp_path_factory.mktemp("real"), name="mini")
    scan("faceforensics", "grid-mini", real_clips, run.folder / "videos.tsv", videos_per_job=10)
    run.write_settings(
        frames={"every": 10},
        split={"protocols": ["grouped", "frame"], "test_size": 0.2, "folds": {"k": 4}},
        sweep={"forest": {"n_estimators": [50]}},
    )
    done = run.snakemake()
    assert done.returncode == 0, done.stdout
    return run


def test_all_videos_give_faces(run):
    rows = tables.read(run.results / "rows.tsv")
    assert len({row["video_id"] for row in rows}) == 20
    assert len(rows) == 20 * 7


def test_pairs_stay_together_under_the_grouped_split_only(run):
    rows = tables.read(run.results / "rows.tsv")
    for protocol, together in (("grouped", True), ("frame", False)):
        split = tables.read(run.results / "splits" / f"{protocol}.tsv")
        places: dict[str, set] = {}
        for row, cut in zip(rows, split, strict=True):
            places.setdefault(row["group_id"], set()).add((cut["part"], cut["fold"]))
        assert len(places) == 5
        assert all(len(found) == 1 for found in places.values()) == together


def test_the_frame_split_is_stamped_as_leaky(run):
    summary = tables.read(run.results / "summary.tsv")
    assert {(row["protocol"], row["leaky"]) for row in summary} == {
        ("grouped", "no"),
        ("frame", "yes"),
    }
    report = run.features / "frame" / "evaluation" / "forest" / "report.txt"
    assert "LEAKY" in report.read_text()


def test_a_papers_runs_are_repeated_on_the_official_split(run):
    """Of four test videos, so that it runs is all that it says."""
    before = run.settings
    run.write_settings(
        features=["ring"],
        split={"protocols": ["official"], "folds": {"k": 4}},
        sweep={"multilinear": {"components": ["0-1", "3/7-1"]}},
        report={"published": ["abdali"]},
    )
    place = run.results / "ring" / "official"
    wanted = [place / "published" / "components-2161-5040.json"]
    wanted.append(place / "evaluation" / "multilinear" / "metrics.json")
    try:
        done = run.snakemake("--", *(str(path.relative_to(run.folder)) for path in wanted))
        assert done.returncode == 0, done.stdout
    finally:
        run.settings = before
        run.write_settings()
    repeated, judged = (json.loads(path.read_text()) for path in wanted)
    for found in (repeated, judged):
        assert (found["videos"]["fake"], found["videos"]["real"]) == (2, 2)
        assert (found["protocol"], found["leaky"]) == ("official", False)
    assert repeated["candidate"]["components"] == "3/7-1"


def test_over_seeds_forests_agree_with_scikit_learns_within_their_spread(run):
    """In the accuracy on people not seen, and in the number of nodes."""
    fake = np.array([row["label"] == "fake" for row in tables.read(run.results / "rows.tsv")])
    cuts = tables.read(run.results / "splits" / "grouped.tsv")
    asked = np.array([cut["part"] == "test" or cut["fold"] == "0" for cut in cuts])
    columns, rows = Matrix(run.features / "matrix.npy").mapped()
    pixels = np.ascontiguousarray(columns.T)
    candidate = {"max_features": "sqrt", "max_depth": None, "min_samples_split": 2}
    candidate |= {
        "min_samples_leaf": 1,
        "criterion": "gini",
        "class_weight": None,
        "max_samples": None,
    }
    ours, theirs = [], []
    for seed in range(20):
        settings = candidate, columns, rows[~asked], fake[~asked]
        some = list(forest.grow(*settings, range(25), seed))
        said = sum(forest.votes(columns, rows[asked], some)) / 25 > 0.5
        ours.append(((said == fake[asked]).mean(), sum(len(tree[0]) for tree in some)))
        direct = RandomForestClassifier(25, **candidate, random_state=seed)
        direct.fit(pixels[~asked], fake[~asked])
        count = sum(tree.tree_.node_count for tree in direct.estimators_)
        theirs.append((direct.score(pixels[asked], fake[asked]), count))
    ours, theirs = np.array(ours), np.array(theirs)
    error = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / 20)
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) <= 3 * error).all()


def test_with_shuffled_labels_only_the_frame_split_scores(run):
    """Labels shuffled by video mean nothing, so any score above chance is the leak itself."""
    rows = tables.read(run.results / "rows.tsv")
    pixels = Matrix(run.features / "matrix.npy")
    products = gram.compute(pixels, "none")
    generator = np.random.default_rng(0)
    names = sorted({row["video_id"] for row in rows})
    found: dict[str, list[float]] = {"grouped": [], "frame": []}
    while len(found["frame"]) < SHUFFLES:
        label = dict(zip(names, generator.permutation(["real", "fake"] * 10), strict=True))
        shuffled = [row | {"label": label[row["video_id"]], "method": ""} for row in rows]
        try:
            cuts = {p: assignment.make(shuffled, p, **SPLIT, seed=1) for p in found}
        except assignment.SplitError:  # a fold of one class
            continue
        for protocol, cut in cuts.items():
            found[protocol].append(balanced_accuracy(shuffled, cut, pixels, products))
    grouped, frame = np.mean(found["grouped"]), np.mean(found["frame"])
    assert 0.3 <= grouped <= 0.7
    assert frame > 0.9 > grouped


def balanced_accuracy(rows, cut, pixels: Matrix, products: gram.Gram) -> float:
    """Mean over the folds of logistic regression on raw pixels."""
    training, folds = models.training(rows, cut, pixels)
    kept = np.array([int(c["row"]) for c in cut if c["part"] == "train"])
    inner = gram.Gram(products.products[np.ix_(kept, kept)], products.p, sums=products.sums[kept])
    training = Training(training.pixels, training.fake, {"none": inner})
    candidate = {"C": 1e-4, "scaling": "none", "intercept": "penalised"}
    scores = []
    for fold in range(SPLIT["k"]):
        train, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        (values,) = logistic.score([candidate], training, train, held_out)
        scored = metrics.scores(training.fake[held_out], values, logistic.THRESHOLD)
        scores.append(float(scored["balanced_accuracy"][0]))
    return float(np.mean(scores))
