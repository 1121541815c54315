"""The wrapper of sbatch on a real SLURM that refuses, stalls and loses its answers."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from cluster import submission_wrappers
from tests.cluster.slurm.machine import wait_for

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "scripts" / "cluster" / "bin"
SLEEP = "sleep 300"


class Submitter:
    """Calls the wrapper of sbatch as the executor plugin does, from one folder and in one run."""

    def __init__(self, slurm, folder: Path) -> None:
        self.slurm, self.folder, self.run = slurm, folder, str(uuid.uuid4())
        self.commands = folder / "commands"
        self.commands.mkdir()

    def start(self, script: str = "true", *words: str, comment: str = "rule_a_wildcards_1"):
        """The wrapper in the background."""
        environment = self.slurm.environment()
        folders = [BIN / "slurm", BIN / "sacct", self.commands, environment["PATH"]]
        environment |= {"PATH": os.pathsep.join(map(str, folders))}
        environment |= {"DEEPFAKE_PYTHON": sys.executable}
        named = ("--parsable", "--job-name", self.run, "--export=ALL", "--comment", comment)
        target = words or ("-A", "test", "-p", "main")
        return subprocess.Popen(
            ["sbatch", *named, *target, "--mem", "50", "--ntasks=1", f"--wrap={script}"],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def submit(self, *words: str, **how) -> tuple[int, str, str]:
        """Its exit status and what it prints."""
        process = self.start(*words, **how)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def jobs(self) -> list[str]:
        """Numbers of this run's jobs, ended or not."""
        rows = self.slurm.squeue().items()
        return [number for number, row in rows if row["Name"] == self.run]

    def until_it_waits(self, words: str) -> str:
        """The reason that a waiting submission has left, once it has these words."""

        def found() -> str:
            reasons = submission_wrappers.waiting(self.folder).values()
            return next((reason for reason in reasons if words in reason), "")

        return wait_for(found, 60, f"a submission waits: {words}")

    def loses_its_answer(self) -> None:
        """The next submission is accepted, and its answer is lost."""
        command = self.commands / "sbatch"
        command.write_text(
            "#!/bin/sh\n"
            f'{self.slurm.root}/bin/sbatch "$@" >> {self.folder}/lost && rm {command}\n'
            "echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv"
            " operation' >&2\nexit 1\n"
        )
        command.chmod(0o755)


@pytest.fixture
def submitter(slurm, tmp_path):
    made = Submitter(slurm, tmp_path)
    yield made
    slurm.run("scancel", "--me")
    slurm.limit(MaxSubmitJobs=-1)


def test_a_job_is_submitted_as_by_sbatch_itself(submitter):
    code, out, err = submitter.submit()
    assert (code, err) == (0, "")
    assert submitter.jobs() == [out.strip()]


def test_a_controller_that_is_away_at_submission_is_waited_for(submitter, slurm):
    slurm.stop_controller()
    try:
        process = submitter.start()
        submitter.until_it_waits("Unable to contact slurm controller")
    finally:
        slurm.start_controller()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert submitter.jobs() == [out.strip()]
    assert submission_wrappers.waiting(submitter.folder) == {}


def test_a_lost_answer_gives_one_job(submitter):
    submitter.loses_its_answer()
    code, out, _ = submitter.submit()
    assert code == 0
    assert submitter.jobs() == [out.strip()]


def test_a_lost_answer_of_a_second_attempt_gives_the_second_job(submitter):
    _, first, _ = submitter.submit("exit 1")
    submitter.loses_its_answer()
    code, second, _ = submitter.submit()
    assert code == 0
    assert submitter.jobs() in ([first.strip(), second.strip()], [second.strip(), first.strip()])
    assert first != second


def test_a_lost_answer_of_a_job_that_only_accounting_knows_gives_one_job(submitter):
    submitter.loses_its_answer()
    hidden = submitter.commands / "squeue"  # away until accounting knows the job, then without it
    accounted = f"{submitter.slurm.root}/bin/sacct -X --noheader --name {submitter.run}"
    hidden.write_text(f'#!/bin/sh\ntest -n "$({accounted})"\n')
    hidden.chmod(0o755)
    code, out, _ = submitter.submit()
    assert code == 0
    assert submitter.jobs() == [out.strip()]


def test_a_submit_limit_that_is_full_is_waited_for(submitter, slurm):
    slurm.limit(MaxSubmitJobs=1)
    _, first, _ = submitter.submit(SLEEP)
    process = submitter.start(comment="rule_a_wildcards_2")
    reason = submitter.until_it_waits("AssocMaxSubmitJobLimit")
    assert "accounting/QOS policy" in reason
    slurm.run("scancel", first.strip())
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert out.strip() in submitter.jobs()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-A", "nobody", "-p", "main"), "Invalid account or account/partition combination"),
        (("-A", "test", "-p", "nowhere"), "invalid partition specified: nowhere"),
        (("-A", "test", "-p", "main", "--qos=gold"), "Invalid qos specification"),
        (("-A", "test", "-p", "main", "-c", "64"), "More processors requested than permitted"),
    ],
)
def test_an_error_that_will_not_pass_is_passed_on_at_once(submitter, words, message):
    code, out, err = submitter.submit("true", *words)
    assert (code, out) == (1, "")
    assert message in err
    assert submitter.jobs() == []


def test_a_closed_account_is_not_waited_for_and_called_so(submitter, slurm):
    slurm.limit(MaxSubmitJobs=0)
    code, _, err = submitter.submit()
    assert code == 1
    assert "the account test is closed: its limit of submitted jobs is 0" in err


def test_a_limit_on_the_size_of_a_job_is_not_waited_for(submitter, slurm):
    change = ("sacctmgr", "--immediate", "--quiet", "modify", "qos", "normal", "set")
    slurm.run(*change, "Flags=DenyOnLimit", "MaxWall=1")
    try:
        code, _, err = submitter.submit("true", "-A", "test", "-p", "main", "-t", "9")
    finally:
        slurm.run(*change, "Flags=-1", "MaxWall=-1")
    assert code == 1
    assert err == (
        "QOSMaxWallDurationPerJobLimit: the job requests more than the limit; "
        "waiting does not help\n"
    )


def test_a_run_that_is_being_ended_submits_nothing_more(submitter, slurm):
    submission_wrappers.end(submitter.folder)
    code, _, err = submitter.submit()
    assert (code, err) == (1, "the run is being stopped\n")
    submission_wrappers.begin(submitter.folder)
    slurm.stop_controller()
    try:
        process = submitter.start()
        submitter.until_it_waits("Unable to contact")
        submission_wrappers.end(submitter.folder)
        _, err = process.communicate(timeout=60)
    finally:
        slurm.start_controller()
    assert (process.returncode, err) == (1, "the run is being stopped\n")
    assert submitter.jobs() == []
