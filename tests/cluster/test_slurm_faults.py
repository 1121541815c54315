"""A long night, rehearsed on a real SLURM: each fault with its outcome, message and result."""

import subprocess
from pathlib import Path

import pytest

from tests.cluster.checkout import FRAMES, LARGE, Checkout, is_whole

QUICK = ("--", FRAMES, "--latency-wait", "5")  # one job, and one that starts soon


@pytest.fixture
def checkout(tmp_path, demo_clips, slurm) -> Checkout:
    site = {"slurm": {"account": "test", "partition": "main"}}
    made = Checkout(tmp_path / "checkout", demo_clips, site, slurm.environment())
    yield made
    made.release()
    slurm.run("scancel", "--me")


def jobs_of(slurm, rule: str) -> dict[str, str]:
    """State by number of the jobs of a rule that SLURM knows, ended or not."""
    return {
        number: row["State"]
        for number, row in slurm.squeue().items()
        if row["Comment"].startswith(f"rule_{rule}")
    }


@pytest.fixture
def held(checkout, slurm):
    """A run whose job runs, and waits to be released; with the job's number."""
    checkout.hold("frames")
    before = set(jobs_of(slurm, "frames"))

    def start(*words: str, **how):
        run = checkout.start("run", *words, **how)
        run.until(checkout.is_holding, "the job runs")
        (number,) = set(jobs_of(slurm, "frames")) - before
        return run, number

    return start


def test_out_of_memory_is_tried_again_with_more(checkout):
    checkout.edit("frames", "    settings, videos", f"{LARGE}    settings, videos")
    run = checkout.run("run", *QUICK, "--set-resources", "frames:mem_mb=300*attempt**2")
    assert run.process.returncode == 0, run.said
    assert "why frames failed: out of memory: requested 300 MB" in run.said
    assert "1 failed attempt, in order:" in run.said
    assert is_whole(checkout)


def test_a_job_starts_snakemake_once(checkout, slurm):
    run = checkout.run("run", *QUICK, "--slurm-keep-successful-logs")
    assert run.process.returncode == 0, run.said
    (log,) = (checkout.folder / ".snakemake/slurm_logs/rule_frames").rglob("*.log")
    assert log.read_text().count("Building DAG of jobs...") == 1
    steps = slurm.sacct(log.stem)
    assert {number.partition(".")[2] for number in steps} <= {"", "batch", "extern"}


def test_over_its_time_limit_is_tried_again_with_more(checkout, slurm, held):
    run, number = held(*QUICK)
    slurm.run("scontrol", "update", f"JobId={number}", "EndTime=now+2")
    run.until(lambda: "why frames failed" in run.said, "the job is ended")
    checkout.release()
    assert run.wait() == 0, run.said
    assert "why frames failed: over its time limit: requested 00:01:00" in run.said
    assert is_whole(checkout)


def test_a_lost_node_is_survived(checkout, slurm, held):
    run, number = held(*QUICK)
    (node,) = {node for node in slurm.nodes if len(slurm.processes(node)) > 1}
    slurm.kill_node(node)
    slurm.declare_down(node)
    checkout.release()
    try:
        assert run.wait() == 0, run.said
    finally:
        slurm.start_node(node)
    assert "NODE_FAIL" in slurm.run("sacct", "-D", "-n", "-j", number, "-o", "State").stdout
    assert is_whole(checkout)


def test_a_restarted_controller_of_slurm_is_not_noticed(checkout, slurm, held):
    run, _ = held(*QUICK)
    slurm.restart_controller()
    checkout.release()
    assert run.wait() == 0, run.said
    assert "failed attempt" not in run.said
    assert is_whole(checkout)


def test_accounting_that_stops_answering_does_not_hang_the_run(checkout, slurm, held):
    run, _ = held(*QUICK)
    slurm.stop_accounting()
    try:
        checkout.release()
        assert run.wait() == 0, run.said
    finally:
        slurm.start_accounting()
    assert is_whole(checkout)


def test_a_job_cancelled_by_hand_is_told_by_whom(checkout, slurm, held):
    run, number = held(*QUICK)
    slurm.run("scancel", number)
    run.until(lambda: "why frames failed" in run.said, "the job is cancelled")
    checkout.release()
    assert run.wait() == 0, run.said
    assert f"why frames failed: cancelled by {slurm.user} after" in run.said
    assert is_whole(checkout)


def test_a_snakemake_that_lost_sight_of_its_jobs_is_started_again(checkout, slurm, held):
    """Without our sacct the plugin never takes notice of a cancelled job."""
    for wrapper in (checkout.folder / "scripts" / "cluster" / "bin").glob("*/*"):
        wrapper.unlink()
    run, number = held(*QUICK, stall=15)
    slurm.run("scancel", number)
    run.until(lambda: "is restarted" in run.said, "the watchdog ends Snakemake")
    checkout.release()
    assert run.wait() == 0, run.said
    assert "Snakemake was silent for 15 s and none of its jobs is in the queue" in run.said
    assert is_whole(checkout)


@pytest.mark.parametrize(("old", "copies"), [("wait", 1), ("cancel", 2)])
def test_a_killed_controller_is_resumed_without_two_copies(checkout, slurm, held, old, copies):
    before = set(jobs_of(slurm, "frames"))
    run, number = held(*QUICK)
    run.kill()
    assert jobs_of(slurm, "frames")[number] == "RUNNING"

    refused = checkout.run("run", *QUICK)
    assert refused.process.returncode == 1
    assert "1 jobs of an earlier run are still in the queue" in refused.said
    refused = checkout.run("resume", *QUICK)
    assert refused.process.returncode == 1
    assert "set OLD=wait to wait for them" in refused.said

    resumed = checkout.start("resume", "--old", old, *QUICK)
    waiting = "waiting for 1 jobs" if old == "wait" else "cancelling 1 jobs"
    resumed.until(lambda: waiting in resumed.said, "it deals with the old job")
    checkout.release()
    assert resumed.wait() == 0, resumed.said
    mine = {n: state for n, state in jobs_of(slurm, "frames").items() if n not in before}
    assert len(mine) == copies
    assert mine[number] == ("COMPLETED" if old == "wait" else "CANCELLED")
    assert is_whole(checkout)


def test_a_full_folder_leaves_nothing_half_written(checkout):
    results = checkout.folder / "results"
    results.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", results]).returncode:
        pytest.skip("cannot mount a small file system here")
    try:
        run = checkout.run("run", *QUICK, "--retries", "0")
        assert run.process.returncode == 1
        assert "why frames failed: no space left on the device of results/test/frames" in run.said
        assert not list(Path(results).rglob(".part*"))
        assert not (checkout.folder / FRAMES).exists()
        subprocess.run(["mount", "-o", "remount,size=200m", results], check=True)
        again = checkout.run("run", *QUICK)
        assert again.process.returncode == 0, again.said
        assert is_whole(checkout)
    finally:
        subprocess.run(["umount", "-l", results], check=True)


def test_a_job_that_ends_well_without_its_output_is_a_failure(checkout):
    checkout.edit("frames", "    settings, videos", "    return\n    settings, videos")
    run = checkout.run("run", *QUICK, "--retries", "0")
    assert run.process.returncode == 1
    assert "why frames failed: it succeeded, but its output is missing" in run.said


def test_an_error_that_will_not_pass_ends_the_next_attempt_at_once(checkout):
    checkout.edit(
        "frames", "    settings, videos", "    raise ValueError('broken')\n    settings, videos"
    )
    run = checkout.run("run", *QUICK, "--retries", "1")
    assert run.process.returncode == 1
    assert run.said.count("why frames failed: ValueError: broken") == 2
    log = (checkout.results / "logs" / "frames" / "b0001.log").read_text()
    assert "not retried: the same code failed with: ValueError: broken" in log
    table = run.said[run.said.index("2 failed attempts, in order:") :]
    assert "log:    results/test/logs/frames/b0001.log" in table
    assert "replay: " in table
