"""The plan's list of jobs, by which limits are checked, is what Snakemake would run."""

from collections import Counter

import pytest
import yaml

from deepfake.core import schema
from deepfake.dataset import sheet
from deepfake.workflow import config, extra_jobs
from deepfake.workflow.plan import Plan
from tests.workflow.running import ROOT, Run, scan

CONFIGS = ("config", "faceforensics", "original", "abdali")
BESIDE = {  # the rules of a target beside the run that are its alone
    "leakage": {"leakage_splits", "leakage_page"},
    "robustness": {
        "perturbed_faces", "perturbed_features", "robustness_scores", "robustness_page",
    },
    "transfer": {"transfer_page"},
    "null": {"label_flips", "null_table"},
}  # fmt: skip


@pytest.fixture
def run(tmp_path, demo_clips) -> Run:
    run = Run(tmp_path)
    scan("folders", "demo", demo_clips, tmp_path / "videos.tsv", videos_per_job=3)
    videos = sheet.read(tmp_path / "videos.tsv")
    groups = sorted({video["group_id"] for video in videos})
    for video in videos:
        video["official"] = "test" if video["group_id"] == groups[0] else "train"
    sheet.write(videos, tmp_path / "videos.tsv")
    return run


def write(run: Run, name: str) -> config.Config:
    """A shipped configuration, on the sheet of the test."""
    settings = schema.read_mapping(ROOT / "config" / f"{name}.yaml")
    settings |= {"sheet": str(run.folder / "videos.tsv"), "run": "planned"}
    (run.folder / "run.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return config.load(settings, name)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_dry_run_has_the_jobs_of_the_plan_by_rule_and_count(run, name):
    settings = write(run, name)
    made = Plan(settings, sheet.read(settings.sheet))
    expected = Counter(rule for rule, _ in made.jobs())
    planned = run.planned()
    assert planned.pop("all") == 1
    assert planned == expected


def test_what_is_left_out_has_the_jobs_of_a_split_each(run):
    videos = sheet.read(run.folder / "videos.tsv")
    for number, video in enumerate(videos):
        video["method"] = f"m{number % 2}" if video["label"] == "fake" else ""
    sheet.write(videos, run.folder / "videos.tsv")
    settings = write(run, "config")
    one = settings.model_copy(update={"split": settings.split.model_copy(
        update={"protocols": ["grouped"]})})  # fmt: skip
    ours = Counter(rule for rule, _ in Plan(one, videos).jobs())
    planned = run.planned("transfer")
    once = {"frames", "faces", "features", "rows", "matrix", "compile"}
    assert planned == {
        rule: count if rule in once else 2 * count
        for rule, count in ours.items()
        if rule not in ("selection", "summary", "report")
    } | {"transfer_page": 1, "transfer": 1}


@pytest.mark.parametrize("target", BESIDE)
def test_a_target_beside_the_run_has_the_jobs_of_the_plan(run, target):
    settings = write(run, "config")
    made = Plan(settings, sheet.read(settings.sheet))
    expected = Counter(rule for rule, _ in extra_jobs.jobs(settings, made))
    planned = run.planned(target)
    assert planned[target] == 1
    mine = {rule: count for rule, count in planned.items() if rule in BESIDE[target]}
    assert mine == {rule: expected[rule] for rule in BESIDE[target]}
    if target != "leakage":  # which has the run's rules under splits of its own
        ours = Counter(rule for rule, _ in made.jobs())
        others = planned.keys() - BESIDE[target] - {target}
        assert all(planned[rule] <= ours[rule] for rule in others)  # perhaps of fewer protocols
