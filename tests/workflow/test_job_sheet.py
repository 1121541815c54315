"""A job of a cluster reads its batch's rows, which the main process left, and refuses nothing."""

import os
import subprocess

import pytest

from deepfake.core import tables
from tests.workflow import forked
from tests.workflow.running import Run, scan

# As an executor plugin starts a job on a node: Snakemake again, for this one job.
JOB = (
    "--mode", "remote", "--nolock", "--force", "--no-hooks",
    "--target-jobs", "frames:batch=b0001", "--allowed-rules", "frames",
)  # fmt: skip


@pytest.fixture
def run(tmp_path, demo_clips) -> Run:
    run = Run(tmp_path)
    scan("folders", "demo", demo_clips, tmp_path / "videos.tsv", videos_per_job=6)
    run.write_settings()
    return run


def leave(run: Run) -> None:
    """What the main process leaves when it submits jobs: here the executor is none of a cluster."""
    script = run.folder / "leave.py"
    script.write_text(
        "from deepfake.dataset import sheet\n"
        "from deepfake.workflow import job_sheet\n"
        "made_of = job_sheet.identity('videos.tsv', 2, 'method')\n"
        "job_sheet.store(sheet.read('videos.tsv'), {}, {}, made_of, 'test')\n"
    )
    run.python(script)


def test_a_job_does_not_read_the_sheet(run):
    leave(run)
    table = run.folder / "videos.tsv"
    before, text = table.stat(), table.read_text()
    table.write_text("x" * len(text.encode()))  # no sheet, but of its size and time
    os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = run.snakemake(*JOB, start=subprocess.run)
    assert done.returncode == 0, done.stdout
    batch = [line.split("\t")[0] for line in text.splitlines() if line.endswith("b0001")]
    made = tables.read(run.results / "frames/b0001.tsv")
    assert {row["video_id"] for row in made} == set(batch)
    (run.folder / ".snakemake/batches/test.jsonl").unlink()
    done = run.snakemake(*JOB, start=subprocess.run)
    assert "line 1: no column video_id" in done.stdout  # it has read the sheet itself


def test_a_job_whose_rows_were_not_left_reads_the_sheet(run):
    done = run.snakemake("--dry-run", *JOB, start=forked.run)
    assert done.returncode == 0, done.stdout
    assert "taking frames out of the videos of batch b0001" in done.stdout


def test_the_main_process_alone_refuses(run):
    run.write_settings(max_jobs=5)
    assert run.snakemake("--dry-run", start=forked.run).returncode == 1
    done = run.snakemake("--dry-run", *JOB, start=forked.run)
    assert done.returncode == 0, done.stdout


def test_a_run_on_this_machine_leaves_nothing(run):
    assert run.snakemake("results/test/frames/b0001.tsv").returncode == 0
    assert not (run.folder / ".snakemake/batches").exists()
