"""A changed key reruns the stage that config/README.md names, and nothing before it."""

import copy

import pytest

from deepfake import config
from tests.workflow.running import DEFAULTS, Run, scan

STAGES = ["frames", "faces", "matrix", "split", "gram", "search", "choose", "fit", "evaluate"]

# Another value for every key; "sheet" is a test of its own.
CHANGED = {
    "seed": 7,
    "max_jobs": 400,
    "frames.every": 5,
    "frames.per_video": 2,
    "frames.format": "jpeg",
    "frames.jpeg_quality": 90,
    "frames.timeout": 500,
    "faces.size": 64,
    "faces.margin": 0.1,
    "faces.choose": "largest",
    "faces.min_confidence": 0.8,
    "faces.thresholds": [0.5, 0.6, 0.7],
    "faces.resize": "box",
    "faces.jpeg_quality": 75,
    "split.protocols": ["frame"],
    "split.test_size": 0.4,
    "split.folds.k": 3,
    "split.folds.shuffle": False,
    "split.rows.every": 2,
    "sweep.svm.kernel": ["poly"],
    "sweep.svm.C": [2],
    "sweep.svm.gamma": ["auto"],
    "sweep.svm.scaling": ["none"],
    "sweep.logistic.C": [3],
    "sweep.logistic.scaling": ["none"],
    "sweep.logistic.intercept": ["penalised"],
    "sweep.forest.n_estimators": [7],
    "sweep.forest.max_features": ["log2"],
    "sweep.forest.max_depth": [3],
    "sweep.forest.min_samples_split": [4],
    "sweep.forest.min_samples_leaf": [2],
    "sweep.forest.criterion": ["entropy"],
    "sweep.forest.class_weight": ["balanced"],
    "search.score": "accuracy",
    "search.candidates_per_job": 1,
    "search.trees_per_job": 8,
    "search.max_gram_rows": 100,
    "evaluation.level": 0.9,
    "evaluation.resamples": 300,
}
KEYS = {path: stage for path, _, _, stage in config.keys() if path not in ("run", "sheet")}


@pytest.fixture(scope="module")
def run(tmp_path_factory, demo_clips) -> Run:
    run = Run(tmp_path_factory.mktemp("reruns"))
    scan("folders", "demo", demo_clips, run.folder / "videos.tsv", videos_per_job=12)
    run.write_settings(faces={"size": 32})
    done = run.snakemake()
    assert done.returncode == 0, done.stdout
    assert run.planned() == {}
    return run


def test_every_key_has_another_value_here():
    assert set(CHANGED) == set(KEYS)


@pytest.mark.parametrize("path", CHANGED)
def test_a_changed_key_reruns_from_its_stage(run, path):
    values = copy.deepcopy({**DEFAULTS, "faces": {"size": 32}})
    here = values
    *sections, last = path.split(".")
    for section in sections:
        here = here.setdefault(section, {})
    here[last] = CHANGED[path]
    before = run.settings
    run.write_settings(**values)
    rerun = set(run.planned()) - {"all", "summary"}
    run.settings = before
    stage = KEYS[path]
    if stage == "faces":
        rerun -= {"frames"}  # their archive is temporary, so they are taken again
    if stage == "nothing":
        assert rerun == set()
    else:
        assert stage in rerun
        assert not rerun & set(STAGES[: STAGES.index(stage)])
