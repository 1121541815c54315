"""A run above `search.max_gram_rows` on a feature set of few columns equals one below it."""

import json
import shutil

import numpy as np
import pytest

from deepfake.core import tables
from tests.workflow import forked
from tests.workflow.running import Run
from tests.workflow.test_transfer import SETTINGS, make_up

SWEEP = {
    "ridge": {"alpha": [1, 1000], "scaling": ["none"]},
    "logistic": {"C": [1e-4, 1e-2], "intercept": ["free", "penalised"]},
    "svm": {"kernel": ["linear"], "C": [1e-2]},
}
PLACE = "results/test/pixels/grouped"  # of 16 x 16 pixels, 768 columns
TARGETS = [f"{PLACE}/evaluation/{model}/metrics.json" for model in SWEEP]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Run, Run]:
    """The same run with Gram matrices, and without."""
    folder = tmp_path_factory.mktemp("columns")
    usual, other = Run(folder / "usual"), Run(folder / "other")
    usual.folder.mkdir()
    make_up(usual.folder, usual.results)
    settings = SETTINGS | {"sweep": SWEEP}
    usual.write_settings(**settings)
    assert usual.planned(*TARGETS)["gram"] == 4  # of ridge's raw pixels one for all folds
    done = usual.snakemake(*TARGETS)
    assert done.returncode == 0, done.stdout
    shutil.copytree(usual.folder, other.folder)
    other.write_settings(**settings, search={"max_gram_rows": 10})
    return usual, other


def test_the_way_that_is_taken_gives_the_same_results_and_says_so(runs):
    _, other = runs
    why = other.why(TARGETS[0])
    assert [reason.split(":")[0] for reason in why["search"]] == ["key search.max_gram_rows"]
    assert "gram" not in why
    shutil.rmtree(other.features / "grouped")
    assert "gram" not in other.planned(*TARGETS)
    done = other.snakemake(*TARGETS, start=forked.run_again)
    assert done.returncode == 0, done.stdout
    (log, *_) = sorted((other.results / "logs" / "search").glob("pixels.grouped.ridge.*"))
    assert "48 rows are solved in their 768 columns, without a Gram matrix" in log.read_text()
    log = other.results / "logs" / "fit" / "pixels.grouped.svm.log"
    assert "96 rows are solved in their 768 columns" in log.read_text()
    for model in SWEEP:
        one, two = (
            tables.read(run.features / "grouped" / "evaluation" / model / "frames.tsv")
            for run in runs
        )
        assert [row["predicted"] for row in one] == [row["predicted"] for row in two]
        scores = [np.array([float(row["score"]) for row in rows]) for rows in (one, two)]
        near = 5e-3 if model == "svm" else 1e-6  # libsvm stops at 1e-3
        assert np.abs(scores[0] - scores[1]).max() <= near
        best = [
            json.loads((run.features / "grouped" / "search" / f"{model}.best.json").read_text())
            for run in runs
        ]
        assert best[0]["candidate"] == best[1]["candidate"]


def test_kernels_and_pixels_of_full_size_are_refused_with_what_remains(runs):
    _, run = runs
    before = run.settings
    for changed, where in (
        ({"sweep": {"svm": {"kernel": ["rbf", "linear"]}, "logistic": {}}}, "sweep.svm on pixels"),
        (
            {"faces": {"size": 64}},
            "sweep.svm on pixels, sweep.logistic on pixels, sweep.ridge on pixels",
        ),
    ):
        run.write_settings(**changed)
        done = run.snakemake("--dry-run", start=forked.run)
        run.settings = before
        run.write_settings()
        assert done.returncode != 0
        (line,) = (line for line in done.stdout.splitlines() if "max_gram_rows" in line)
        assert line.startswith(f"{where}: up to 144 training rows are more than "), line
        assert "sweep forest, mesonet, elasticnet and svm of kernel rbf or poly with " in line
        assert "approximation), or, on feature sets of up to 5,000 columns, svm of kernel " in line
        assert "kernel linear, logistic and ridge; take fewer frames, or" in line


def test_a_kernel_by_landmarks_is_searched_there_and_marked_in_the_summary(runs):
    _, run = runs
    before = run.settings
    run.write_settings(
        sweep={"svm": {"C": [1, 10], "landmarks": [12, 24]}}, search={"max_gram_rows": 10}
    )
    done = run.snakemake("results/test/summary.tsv")
    run.settings = before
    run.write_settings()
    assert done.returncode == 0, done.stdout
    (log, *_) = sorted((run.results / "logs" / "search").glob("pixels.grouped.svm.*"))
    assert "48 rows are compared with 24 landmarks: an approximation" in log.read_text()
    best = json.loads((run.features / "grouped" / "search" / "svm.best.json").read_text())
    count = best["candidate"]["landmarks"]
    rows = tables.read(run.results / "summary.tsv")
    assert [row["model"] for row in rows] == ["svm", "svm"]
    for row in rows:
        assert f"an approximation by {count} landmarks" in row["note"]
