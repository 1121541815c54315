"""Tests of the check before a run: what a cluster refuses, and which key to turn."""

import os
import stat
from pathlib import Path

import pytest
import yaml

from cluster import job_estimate, preflight
from deepfake.dataset import sheet
from deepfake.workflow import config, site
from deepfake.workflow.plan import Plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Puts a shell script under a command's name first on the PATH."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return put


def videos(count: int) -> list[dict]:
    return [
        {"video_id": f"v{n}", "path": f"v{n}.mp4", "label": "real", "batch": f"b{n // 5}"}
        for n in range(count)
    ]


def refusing(on_path, condition: str, told: str) -> None:
    """A SLURM whose `sbatch --test-only` refuses under a condition of the shell."""
    for name in ("squeue", "scancel", "scontrol", "sinfo", "sacct"):
        on_path(name, "echo slurm 22")
    on_path("sbatch", f"echo slurm 22; if {condition}; then echo '{told}' >&2; exit 1; fi")


def test_the_check_tries_the_last_attempt_too(on_path):
    short = "Requested time limit is invalid (missing or exceeds some limit)"
    refusing(on_path, 'case "$*" in *--time=66*) true;; *) false;; esac', short)
    frames = job_estimate.RuleEstimate("frames", 4, 1, 1800, 17, 1.0, last_mb=4000, last_minutes=66)
    found = list(preflight.slurm(site.Site(slurm=site.Slurm()), [frames]))
    (line,) = [one.line for one in found if not one.passed]
    assert line.startswith("frames (1 threads, 4000 MB, 66 min at its attempt 3) is refused: ")
    assert "set limits.minutes in profiles/site.yaml" in line
    assert "the largest job (frames: 1 threads, 1800 MB, 17 min) is accepted" in found[-2].line


def test_a_refused_first_attempt_names_the_key_that_makes_the_job_smaller(on_path):
    short = "Requested time limit is invalid (missing or exceeds some limit)"
    refusing(on_path, 'case "$*" in *--test-only*) true;; *) false;; esac', short)
    frames = job_estimate.RuleEstimate("frames", 4, 1, 1800, 17, 1.0, last_mb=4000, last_minutes=66)
    (line,) = [
        one.line
        for one in preflight.slurm(site.Site(slurm=site.Slurm()), [frames])
        if not one.passed
    ]
    assert "choose a partition with a longer limit, or make the job smaller: lower" in line
    assert "frames.timeout" in line


def test_the_check_asks_with_all_words_of_the_site_file(on_path, tmp_path):
    refusing(on_path, 'printf "%s\\n" "$@" >> "$0.words"; false', "")
    mine = site.Slurm(qos="long", constraint="a&b", extra="--nice=7 --comment='two words'")
    list(
        preflight.slurm(
            site.Site(slurm=mine), [job_estimate.RuleEstimate("gram", 3, 2, 4000, 30, 3.0)]
        )
    )
    (told,) = [path.read_text().splitlines() for path in tmp_path.rglob("sbatch.words")]
    expected = ["--qos", "long", "--constraint", "a&b", "--nice=7", "--comment=two words"]
    first = told.index("--qos")
    assert told[first : first + len(expected)] == expected


def test_a_plan_knows_the_largest_jobs_at_the_first_and_the_last_attempt(tmp_path):
    sheet.write(videos(12), tmp_path / "videos.tsv")
    text = (tmp_path / "videos.tsv").read_text().replace("v3.mp4\treal", "v3.mp4\tfake")
    (tmp_path / "videos.tsv").write_text(text)
    settings = {"sheet": str(tmp_path / "videos.tsv"), "sweep": {"forest": {}}}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    (frames,) = job_estimate.rules(tmp_path / "run.yaml", tmp_path, {"frames": 3})
    assert (frames.jobs, frames.minutes, frames.last_minutes) == (3, 13, 51)
    assert frames.last_mb == pytest.approx(frames.mem_mb * 2.25, abs=3)
    for name in ("slurm", "lsf"):
        profile = (ROOT / "profiles" / name / "profile.yaml").read_text()
        assert f"\nretries: {job_estimate.ATTEMPTS - 1}\n" in profile


def test_a_partition_of_half_an_hour_can_take_frames():
    settings = config.load({"sweep": {"forest": {}}}, "x")
    assert Plan(settings, videos(5)).minutes("frames", {"batch": "b0"}) <= 30
