"""The wrappers of bsub and bjobs on an emulator of LSF that refuses, loses answers and suspends."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from cluster import status_wrappers, submission_wrappers
from tests.cluster.lsf.cluster import EmulatedLsf
from tests.cluster.lsf.conftest import lsf, make_lsf  # noqa: F401
from tests.cluster.slurm.machine import wait_for
from tests.cluster.toy import Toy

FULL = "User <me>: Pending job threshold reached. Retrying in 60 seconds..."


class Submitter:
    """Calls the wrappers as the executor plugin does, from one folder and in one run."""

    def __init__(self, lsf: EmulatedLsf, folder: Path) -> None:  # noqa: F811
        self.lsf, self.folder, self.run = lsf, folder, str(uuid.uuid4())

    def call(self, *words: str) -> subprocess.Popen:
        path = os.pathsep.join([str(status_wrappers.BIN / "lsf"), self.lsf.path])
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env=os.environ | {"PATH": path, "DEEPFAKE_PYTHON": sys.executable},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self, command: str = "true", *words: str) -> subprocess.Popen:
        name = f"Snakemake_rule_a:n=1___({self.run})"
        return self.call("bsub", "-J", name, "-env", "all", "-W", "5", *words, command)

    def submit(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def states(self) -> str:
        """The answer to the plugin's query."""
        process = self.call("bjobs", "-noheader", "-o", "jobid stat", "-aJ", f"*{self.run}*")
        return process.communicate(timeout=120)[0]

    def jobs(self) -> list[int]:
        return sorted(int(path.stem) for path in (self.lsf.root / "jobs").glob("*.json"))


@pytest.fixture
def submitter(lsf, tmp_path):  # noqa: F811
    return Submitter(lsf, tmp_path)


def test_a_job_is_submitted_as_by_bsub_itself(submitter):
    code, out, err = submitter.submit()
    assert (code, out, err) == (0, "Job <101> is submitted to default queue <normal>.\n", "")


def test_a_limit_that_is_full_is_waited_for(submitter):
    submitter.lsf.break_("bsub-refuse", FULL)
    process = submitter.start()
    wait_for(lambda: submission_wrappers.waiting(submitter.folder), 60, "it waits")
    (reason,) = submission_wrappers.waiting(submitter.folder).values()
    assert reason.startswith(FULL)
    submitter.lsf.mend("bsub-refuse")
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Job <101> is submitted" in out
    assert submitter.jobs() == [101]


def test_a_lost_answer_gives_one_job_also_at_a_second_attempt(submitter):
    assert submitter.submit("exit 1")[0] == 0
    submitter.lsf.break_("bsub-lost-answer")
    code, out, _ = submitter.submit()
    assert code == 0
    assert "Job <102> is submitted" in out
    assert submitter.jobs() == [101, 102]


def test_an_error_that_will_not_pass_is_passed_on_at_once(submitter):
    code, out, err = submitter.submit("true", "-q", "nope")
    assert (code, out, err) == (255, "", "nope: No such queue. Job not submitted.\n")
    assert len(submitter.lsf.calls("bsub")) == 1


@pytest.mark.parametrize(("slots", "state"), [(1, "USUSP"), (0, "PSUSP")])
def test_a_job_that_a_person_suspends_is_one_that_waits(make_lsf, tmp_path, slots, state):  # noqa: F811
    lsf = make_lsf(SLOTS=slots)  # noqa: F811
    submitter = Submitter(lsf, tmp_path)
    submitter.submit("sleep 300")
    lsf.wait_for(101, "RUN" if slots else "PEND")
    lsf.run("bkill", "-s", "STOP", "101")
    lsf.wait_for(101, state)
    assert submitter.states() == "101 SSUSP\n"
    lsf.run("bkill", "-s", "CONT", "101")
    lsf.wait_for(101, "RUN" if slots else "PEND")
    assert submitter.states() == f"101 {'RUN' if slots else 'PEND'}\n"


@pytest.fixture
def toy(make_lsf, tmp_path):  # noqa: F811
    lsf = make_lsf(SECONDS_PER_MINUTE=60)  # noqa: F811
    made = Toy(tmp_path / "toy", os.environ | {"PATH": lsf.path}, "lsf")
    yield made, lsf
    made.stop()


def test_a_suspended_job_gets_no_second_copy(toy):
    toy, lsf = toy  # noqa: F811
    toy.hold()
    toy.start("--retries", "1", count=1, stall=8, DEEPFAKE_PENDING="3")
    toy.until(lambda: toy.submitted() == 1, "its job is submitted")
    lsf.wait_for(101, "RUN")
    lsf.run("bkill", "-s", "STOP", "101")
    lsf.wait_for(101, "USUSP")
    polls = len(queries(lsf))
    toy.until(lambda: len(queries(lsf)) > polls + 1, "the plugin queries it")
    toy.until(lambda: "not running for" in toy.said, "it is reported")
    lsf.run("bkill", "-s", "CONT", "101")
    toy.release()
    assert toy.wait() == 0, toy.said
    assert len(lsf.calls("bsub")) == 1
    assert "failed attempt" not in toy.said
    assert "1 job (101): suspended by a person; `bresume` lets it go on" in toy.said


def queries(lsf: EmulatedLsf) -> list[list[str]]:  # noqa: F811
    """The plugin's queries, which are also the controller's."""
    return [call for call in lsf.calls("bjobs") if "-aJ" in call]


def test_a_run_that_is_refused_for_a_while_goes_on(toy):
    toy, lsf = toy  # noqa: F811
    lsf.break_("bsub-refuse", FULL)
    toy.start(count=2, stall=8)
    toy.until(lambda: f"a submission waits and is retried: {FULL}" in toy.said, "it waits")
    lsf.mend("bsub-refuse")
    assert toy.wait() == 0, toy.said
    assert toy.made() == ["0.txt", "1.txt"]
    assert "failed attempt" not in toy.said


def test_a_refusal_that_will_not_pass_is_reported_once_and_ends_the_run(toy):
    toy, lsf = toy  # noqa: F811
    lsf.break_("bsub-refuse", "User permission denied")
    toy.start(count=2)
    assert toy.wait() == 1, toy.said
    cause = "not submitted: User permission denied. Job not submitted."
    assert toy.said.count(f"why a job failed: {cause}") == 1
    assert "1 failed attempt, in order:" in toy.said


def test_ctrl_c_while_a_submission_waits_ends_the_run(toy):
    toy, lsf = toy  # noqa: F811
    lsf.break_("bsub-refuse", FULL)
    toy.start(count=2)
    toy.until(lambda: "a submission waits" in toy.said, "it waits")
    toy.signal(signal.SIGINT)
    assert toy.wait() == 1, toy.said
    assert "Traceback" not in toy.said
    lsf.mend("bsub-refuse")
    wait_for(lambda: not submission_wrappers.waiting(toy.folder), 30, "no submission waits")
    assert not list((lsf.root / "jobs").glob("*.json"))
