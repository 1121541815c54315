"""Tests of the rows that a main process leaves for the jobs of its run."""

import os
from pathlib import Path

import pytest

from deepfake.dataset import sheet
from deepfake.workflow import config, extra_jobs, job_sheet
from deepfake.workflow.plan import Plan

LACKING = {"shuffled-grouped": "", "official": "no video has the part test"}
LEFT_OUT = {"transfer-a": {"cross": {"by": "method", "train": ["b"], "test": ["a"]}, "reason": ""}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(path: Path, videos: int = 10, per_job: int = 3) -> list[sheet.Video]:
    """A sheet that was written and read."""
    rows = [
        {
            "video_id": f"v{number}",
            "path": f"Größe 顔/{number}.mp4",
            "label": ("real", "fake")[number % 2],
            "batch": f"b{number // per_job}",
        }
        for number in range(videos)
    ]
    sheet.write(rows, path)
    return sheet.read(path, check_files=False)


def test_a_job_reads_what_the_sheet_says_of_each_batch(folder: Path) -> None:
    videos = table(folder / "videos.tsv")
    made_of = job_sheet.identity("videos.tsv", 3, "method")
    job_sheet.store(videos, LACKING, LEFT_OUT, made_of, "run")
    left = job_sheet.read(made_of, "run")
    # as text, for Snakemake compares the text of params: the order of keys counts
    assert repr(dict(left.batches)) == repr(sheet.batches(videos))
    assert repr(left.batches["b2"]) == repr(sheet.batches(videos)["b2"])  # in any order
    assert (len(left), len(left.batches), left.lacking) == (10, 4, LACKING)
    assert left.left_out == LEFT_OUT
    assert "b9" not in left.batches


def test_the_plan_of_a_job_is_that_of_the_main_process(folder: Path) -> None:
    videos = table(folder / "videos.tsv", 200, 7)
    made_of = job_sheet.identity("videos.tsv", 3, "method")
    job_sheet.store(videos, {}, {}, made_of, "run")
    chosen = config.load({"sweep": {"forest": {}, "svm": {}}, "features": ["pixels", "lbp"]}, "x")
    main, job = Plan(chosen, videos), Plan(chosen, job_sheet.read(made_of, "run"))
    asked = [
        [
            (rule, wildcards, plan.mem_mb(rule, wildcards), plan.minutes(rule, wildcards))
            for rule, wildcards in [*plan.jobs(), *extra_jobs.jobs(chosen, plan)]
        ]
        for plan in (main, job)
    ]
    assert asked[0] == asked[1]


def test_what_was_made_of_another_sheet_is_not_read(folder: Path) -> None:
    videos = table(folder / "videos.tsv")
    made_of = job_sheet.identity("videos.tsv", 3, "method")
    assert job_sheet.read(made_of, "run") is None  # nothing was left
    job_sheet.store(videos, {}, {}, made_of, "run")
    assert job_sheet.read(made_of, "other") is None
    assert job_sheet.read(job_sheet.identity("videos.tsv", 4, "method"), "run") is None
    assert job_sheet.read(job_sheet.identity("videos.tsv", 3, "dataset"), "run") is None
    changed = os.stat("videos.tsv").st_mtime_ns + 1
    os.utime("videos.tsv", ns=(changed, changed))
    assert job_sheet.read(job_sheet.identity("videos.tsv", 3, "method"), "run") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"of": 1}', "\x00\xff"])
def test_a_file_that_is_no_such_thing_is_as_if_it_were_not_there(folder: Path, text: str) -> None:
    table(folder / "videos.tsv")
    made_of = job_sheet.identity("videos.tsv", 3, "method")
    (folder / job_sheet.FOLDER).mkdir(parents=True)
    (folder / job_sheet.FOLDER / "run.jsonl").write_text(text, encoding="utf-8")
    assert job_sheet.read(made_of, "run") is None


def test_a_job_does_not_mix_what_two_runs_left(folder: Path) -> None:
    videos = table(folder / "videos.tsv")
    made_of = job_sheet.identity("videos.tsv", 3, "method")
    job_sheet.store(videos, {}, {}, made_of, "run")
    left = job_sheet.read(made_of, "run")
    job_sheet.store(videos[:4], {}, {}, made_of, "run")
    assert dict(left.batches) == sheet.batches(videos)
    assert [path.name for path in (folder / job_sheet.FOLDER).iterdir()] == ["run.jsonl"]
