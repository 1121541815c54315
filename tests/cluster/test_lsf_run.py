"""The workflow through profiles/lsf, on an emulator of LSF's commands; IBM's LSF was not tried."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.cluster.checkout import FRAMES, LARGE, Checkout, is_whole
from tests.cluster.lsf.cluster import EmulatedLsf
from tests.cluster.lsf.conftest import make_lsf  # noqa: F401

QUICK = ("--", FRAMES, "--latency-wait", "3")
SITE = {"lsf": {"queue": "normal", "project": "people"}}


@pytest.fixture
def make_checkout(tmp_path, demo_clips, make_lsf):  # noqa: F811
    """Makes an emulated LSF and a checkout on it; its missing commands are the arguments."""

    def make(*without: str, **settings: object) -> tuple[Checkout, EmulatedLsf]:
        lsf = make_lsf(*without, **{"SECONDS_PER_MINUTE": 60} | settings)
        environment = dict(lsf_environment(lsf))
        return Checkout(tmp_path / "checkout", demo_clips, SITE, environment), lsf

    return make


def lsf_environment(lsf: EmulatedLsf) -> dict[str, str]:
    import os

    return os.environ | {"PATH": lsf.path, "DEEPFAKE_LOST_HOST": "3"}


def submissions(lsf: EmulatedLsf, rule: str) -> list[list[str]]:
    return [call for call in lsf.calls("bsub") if f"rule_{rule}" in call[1]]


def test_the_words_of_bsub_at_each_attempt(make_checkout):
    checkout, lsf = make_checkout()
    checkout.edit("frames", "    settings, videos", "    raise MemoryError\n    settings, videos")
    run = checkout.run("run", *QUICK, profile="lsf")
    assert run.process.returncode == 1
    assert run.said.count("why frames failed: MemoryError") == 3
    words = [
        {
            "-q": call[call.index("-q") + 1],
            "-P": call[call.index("-P") + 1],
            "-W": call[call.index("-W") + 1],
            "-n": call[call.index("-n") + 1],
            "-R": [call[i + 1] for i, word in enumerate(call) if word == "-R"],
            "-M": call[call.index("-M") + 1],
        }
        for call in submissions(lsf, "frames")
    ]
    common = {"-q": "normal", "-P": "people", "-n": "1"}
    assert words == [
        common
        | {"-W": str(minutes), "-M": f"{memory}MB"}
        | {"-R": [f"rusage[mem={memory}MB]", "span[hosts=1]"]}
        for minutes, memory in ((14, 1775), (28, 2662), (55, 3992))
    ]


def test_the_plain_line_reserves_for_the_job_and_not_for_its_threads(make_checkout):
    checkout, lsf = make_checkout(HOST_MEMORY=4000)
    command = [
        *(sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/lsf"),
        *("--configfile", "run.yaml", "--set-threads", "frames=2", "--latency-wait", "3"),
        *("--", FRAMES),
    ]
    environment = dict(checkout.environment)
    environment.pop("SNAKEMAKE_LSF_MEMFMT", None)
    done = subprocess.run(
        command, cwd=checkout.folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (call,) = submissions(lsf, "frames")
    assert call[call.index("-n") + 1] == "2"
    assert "rusage[mem=1775MB]" in call


def test_what_a_site_wants_besides_reaches_bsub(make_checkout):
    checkout, lsf = make_checkout()
    wanted = "select[type==any && swp>0]"
    site = {"lsf": SITE["lsf"] | {"jobs": 1, "extra": f"-R '{wanted}'"}}
    (checkout.folder / "profiles" / "site.yaml").write_text(yaml.safe_dump(site))
    check = checkout.run("check", profile="lsf")
    assert check.process.returncode == 0, check.said
    assert len(lsf.calls("bsub")) == 1  # the probe
    run = checkout.run("run", *QUICK, profile="lsf")
    assert run.process.returncode == 0, run.said
    assert len(submissions(lsf, "frames")) == 1
    for call in lsf.calls("bsub"):
        assert wanted in [call[i + 1] for i, word in enumerate(call) if word == "-R"], call


def test_over_the_memory_limit_is_tried_again_with_more(make_checkout):
    checkout, lsf = make_checkout()
    checkout.edit(
        "deepfake/workflow/resources",
        "300 * MB + DECODER_BYTES + most_bytes(s.frames)",
        "100 * MB",
    )
    checkout.edit("frames", "    settings, videos", f"{LARGE}    settings, videos")
    run = checkout.run("run", *QUICK, profile="lsf")
    assert run.process.returncode == 0, run.said
    assert re.search(r"why frames failed: out of memory: requested 500 M\w*, used \d+", run.said)
    asked = [call[call.index("-M") + 1] for call in submissions(lsf, "frames")]
    assert asked[:2] == ["500MB", "750MB"]
    assert is_whole(checkout)


def test_over_the_time_limit_is_tried_again_with_more(make_checkout):
    checkout, _ = make_checkout(SECONDS_PER_MINUTE=1)
    checkout.hold("frames")
    run = checkout.start("run", *QUICK, profile="lsf")
    run.until(lambda: "why frames failed" in run.said, "the job is ended")
    checkout.release()
    assert "why frames failed: over its time limit" in run.said
    run.kill()  # a minute of one second is too short for an attempt that works


def test_a_bjobs_that_says_nothing_loses_no_job(make_checkout):
    checkout, lsf = make_checkout()
    checkout.hold("frames")
    run = checkout.start("run", *QUICK, profile="lsf")
    run.until(checkout.is_holding, "the job runs")
    lsf.break_("bjobs-empty")
    asked = len(lsf.calls("bjobs"))
    run.until(lambda: len(lsf.calls("bjobs")) > asked + 8, "it asks again and again")
    lsf.mend("bjobs-empty")
    checkout.release()
    assert run.wait() == 0, run.said
    assert len(submissions(lsf, "frames")) == 1
    assert is_whole(checkout)


def test_jobs_that_snakemake_left_behind_are_waited_for(make_checkout):
    """Without our bjobs the plugin ends on empty answers, and leaves its jobs running."""
    checkout, lsf = make_checkout()
    for wrapper in (checkout.folder / "scripts" / "cluster" / "bin").glob("*/*"):
        wrapper.unlink()
    checkout.hold("frames")
    run = checkout.start("run", *QUICK, profile="lsf")
    run.until(checkout.is_holding, "the job runs")
    lsf.break_("bjobs-empty")
    run.until(lambda: "TypeError" in run.said, "the plugin ends")
    lsf.mend("bjobs-empty")
    run.until(lambda: "waiting for 1 jobs" in run.said, "the controller waits")
    checkout.release()
    assert run.wait() == 0, run.said
    assert "Snakemake ended though 1 of its jobs are still in the queue" in run.said
    assert len(submissions(lsf, "frames")) == 1
    assert is_whole(checkout)


def test_a_missing_badmin_is_a_clear_line_and_no_traceback(make_checkout):
    checkout, lsf = make_checkout("badmin")
    run = checkout.run("run", *QUICK, profile="lsf")
    assert run.process.returncode == 1
    assert "badmin: no such command" in run.said
    assert "the LSF plugin cannot start without" in run.said
    assert "Traceback" not in run.said
    assert not submissions(lsf, "frames")


def test_a_lost_host_is_no_success_and_its_job_is_done_again(make_checkout):
    checkout, lsf = make_checkout()
    checkout.hold("frames")
    run = checkout.start("run", *QUICK, profile="lsf")
    run.until(checkout.is_holding, "the job runs")
    lsf.break_("host-lost")
    run.until(lambda: "why frames failed: its host was lost (UNKWN)" in run.said, "it is told")
    lsf.mend("host-lost")
    checkout.release()
    assert run.wait() == 0, run.said
    assert len(submissions(lsf, "frames")) > 1
    assert is_whole(checkout)


def test_the_check_finds_a_good_cluster_good(make_checkout):
    checkout, _ = make_checkout()
    run = checkout.run("check", profile="lsf")
    assert run.process.returncode == 0, run.said
    assert "all checks passed" in run.said
    assert "reads this folder and starts this environment" in run.said
