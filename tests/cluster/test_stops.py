"""A run that is refused, interrupted or cut off from its terminal, on a real SLURM."""

import os
import signal

import pytest

from tests.cluster.slurm.machine import wait_for
from tests.cluster.toy import Toy, environment_of, ignoring


@pytest.fixture
def toy(tmp_path, slurm):
    made = Toy(tmp_path / "toy", environment_of(slurm))
    yield made
    made.stop()
    slurm.run("scancel", "--me")
    slurm.limit(MaxSubmitJobs=-1)
    wait_for(lambda: not in_queue(slurm), 60, "the queue is empty")


def in_queue(slurm) -> list[str]:
    return slurm.run("squeue", "--noheader", "--me", "--format=%i").stdout.split()


def before(toy: Toy, name: str, script: str) -> None:
    """Put a shell script before a command of the cluster."""
    folder = toy.folder / "commands"
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    toy.environment |= {"PATH": f"{folder}{os.pathsep}{toy.environment['PATH']}"}


def test_a_submit_limit_below_the_number_of_jobs_ends_in_all_jobs(toy, slurm):
    slurm.limit(MaxSubmitJobs=3)
    toy.start(count=6, stall=20)
    assert toy.wait() == 0, toy.said
    assert toy.made() == [f"{number}.txt" for number in range(6)]
    assert "failed attempt" not in toy.said
    assert toy.said.count("a submission waits and is retried: AssocMaxSubmitJobLimit") == 1


def test_an_account_that_is_closed_is_reported_once_and_ends_the_run(toy, slurm):
    slurm.limit(MaxSubmitJobs=0)
    toy.start("--retries", "2", count=2)
    assert toy.wait() == 1, toy.said
    cause = "not submitted: the account test is closed: its limit of submitted jobs is 0"
    assert toy.said.count(f"why wait failed: {cause}") == 1
    assert f"6 failed attempts, in order:\n  wait (6 times): {cause}\n" in toy.said


def test_an_output_that_the_controller_misses_is_counted_with_its_job(toy, slurm):
    toy.start("--latency-wait", "1", "--slurm-init-seconds-before-status-checks", "20", count=1)
    toy.until(lambda: toy.submitted() == 1, "its job is submitted")
    toy.until(lambda: not in_queue(slurm), "its job has ended")
    (toy.folder / "0.txt").unlink()
    assert toy.wait() == 1, toy.said
    assert "1 failed attempt, in order:\n  wait (job " in toy.said
    assert toy.said.count("it succeeded, but its output is missing") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_ends_while_it_submits_and_no_job_is_left(toy, slurm, number):
    """Also where signals were ignored when it was started, as in the background."""
    before(toy, "sbatch", f'sleep 1\nexec {slurm.root}/bin/sbatch "$@"')
    toy.hold()
    toy.start(before=ignoring(signal.SIGINT))
    toy.until(lambda: toy.submitted() >= 1, "a job is submitted")
    toy.signal(number)
    assert toy.wait() == 1, toy.said
    assert toy.submitted() < 8
    wait_for(lambda: not in_queue(slurm), 30, "the queue is empty")
    assert "stopping: the jobs of this run are cancelled" in toy.said
    assert "Traceback" not in toy.said


def test_ctrl_c_twice_ends_at_once_without_a_traceback_and_names_the_jobs(toy, slurm):
    """Snakemake hangs while it cancels its jobs, so all of them are left to the controller."""
    once = f"[ -e {toy.folder}/called ] || {{ touch {toy.folder}/called; exec sleep 300; }}; "
    before(toy, "scancel", f'{once}exec {slurm.root}/bin/scancel "$@"')
    toy.hold()
    toy.start(count=3)
    toy.until(lambda: toy.submitted() == 3, "its jobs are submitted")
    left = sorted(in_queue(slurm))
    toy.signal(signal.SIGINT)
    toy.until((toy.folder / "called").exists, "it is ending")
    toy.signal(signal.SIGINT)
    assert toy.wait() == 130, toy.said
    assert "Traceback" not in toy.said
    assert f"cancelling 3 jobs left in the queue: {' '.join(left)}" in toy.said
    wait_for(lambda: not in_queue(slurm), 30, "the queue is empty")
    assert not list((toy.folder / ".snakemake" / "locks").glob("*"))


def test_a_lost_connection_does_not_end_a_run(toy, slurm):
    toy.hold()
    toy.start(count=1)
    toy.until(lambda: toy.submitted() == 1, "its job is submitted")
    toy.signal(signal.SIGHUP)
    toy.release()
    assert toy.wait() == 0, toy.said
    assert toy.made() == ["0.txt"]


def test_a_job_that_is_held_is_reported_once_with_the_reason(toy, slurm):
    toy.hold()
    for node in slurm.nodes:
        slurm.run("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    try:
        toy.start(count=1, stall=8, DEEPFAKE_PENDING="3")
        toy.until(lambda: "not running for" in toy.said, "it is reported")
        (number,) = in_queue(slurm)
    finally:
        for node in slurm.nodes:
            slurm.run("scontrol", "update", f"NodeName={node}", "State=RESUME")
    toy.release()
    assert toy.wait() == 0, toy.said
    (line,) = [line for line in toy.said.splitlines() if line.startswith("not running for")]
    assert f"1 job ({number}): " in line
    assert "DOWN, DRAINED or reserved" in line or "Resources" in line
