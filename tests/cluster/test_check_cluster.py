"""`make check-cluster` on a good cluster, and on broken ones: what to set, in plain lines."""

import pytest
import yaml

from tests.cluster.checkout import FRAMES, Checkout, is_whole

GOOD = {"account": "test", "partition": "main"}


@pytest.fixture
def check(tmp_path, demo_clips):
    """Runs the check on a cluster with a site file; its status, and the lines to mend."""

    def run(cluster, slurm: dict | None, **settings):
        site = {"slurm": slurm} if slurm is not None else {}
        checkout = Checkout(
            tmp_path / "checkout", demo_clips, site, cluster.environment(), **settings
        )
        done = checkout.run("check")
        lines = [line for line in done.said.splitlines() if line.startswith("FAIL ")]
        return done, lines

    return run


def test_a_good_cluster_is_called_good(check, slurm):
    done, lines = check(slurm, GOOD)
    assert done.process.returncode == 0, done.said
    assert lines == []
    assert "ok   sacct: accounting answers" in done.said
    assert "reads this folder and starts this environment" in done.said
    assert done.said.splitlines()[-1] == "all checks passed"


def test_accounting_that_is_off_is_found_by_its_exit_status(check, slurm_without_accounting):
    done, (line,) = check(slurm_without_accounting, {"partition": "main"})
    assert done.process.returncode == 1
    assert "set slurm.status to squeue in profiles/site.yaml" in line


def test_without_accounting_squeue_is_good(check, slurm_without_accounting):
    done, lines = check(slurm_without_accounting, {"partition": "main", "status": "squeue"})
    assert done.process.returncode == 0, done.said
    assert lines == []


def test_a_wrong_account_is_found(check, slurm):
    done, lines = check(slurm, GOOD | {"account": "nobody"})
    assert done.process.returncode == 1
    assert all("set slurm.account in profiles/site.yaml" in line for line in lines)


def test_a_partition_that_is_too_short_is_found(check, slurm):
    done, lines = check(slurm, GOOD | {"partition": "short"})
    assert done.process.returncode == 1
    assert "choose a partition with a longer limit" in lines[0]


def test_a_last_attempt_above_the_partitions_limit_is_found(check, slurm):
    """12 videos whose decoding is given up late: 27 minutes at first, 108 at last."""
    done, (line,) = check(slurm, GOOD, frames={"every": 10, "per_video": 3, "timeout": 1400})
    assert done.process.returncode == 1
    assert "at its attempt 3) is refused" in line
    assert "set limits.minutes in profiles/site.yaml" in line


def test_what_a_site_wants_besides_reaches_its_jobs(tmp_path, demo_clips, slurm):
    site = {"slurm": GOOD | {"jobs": 1, "qos": "normal", "extra": "--nice=7 --requeue"}}
    checkout = Checkout(tmp_path / "checkout", demo_clips, site, slurm.environment())
    checkout.hold("frames")
    run = checkout.start("run", "--", FRAMES)
    run.until(checkout.is_holding, "the job began")
    told = slurm.run("scontrol", "show", "job", "--oneliner").stdout.splitlines()
    (job,) = [line for line in told if f"WorkDir={checkout.folder}" in line]
    checkout.release()
    assert {"QOS=normal", "Nice=7"} <= set(job.split())
    assert run.wait() == 0, run.said


def test_a_missing_site_file_is_found(check, slurm):
    _, (line,) = check(slurm, None)
    assert "copy profiles/site.example.yaml" in line


def test_a_run_without_accounting_asks_squeue(tmp_path, demo_clips, slurm_without_accounting):
    cluster = slurm_without_accounting
    site = {"slurm": {"partition": "main", "status": "squeue"}}
    checkout = Checkout(tmp_path / "checkout", demo_clips, site, cluster.environment())
    assert yaml.safe_load((checkout.folder / "profiles/site.yaml").read_text()) == site
    run = checkout.run("run", "--", FRAMES, "--latency-wait", "5")
    assert run.process.returncode == 0, run.said
    assert is_whole(checkout)
