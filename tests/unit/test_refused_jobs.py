"""What is read of submissions that were refused, and of jobs that do not run."""

import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cluster import snakemake_logs, submission_wrappers, watchdog
from cluster.submission_wrappers import LSF, SLURM
from tests.cluster.slurm.machine import wait_for

ROOT = Path(__file__).resolve().parents[2]

REFUSED = """\
[Sat Nov 28 22:37:19 2026]
Error in rule faces:
    message: SLURM sbatch failed. The error message was 'Batch job submission failed: {}'.
    sbatch call:
        sbatch --parsable --job-name 523b885d --comment rule_faces
For further error details see the cluster/cloud log and the log files of the involved rule(s).
    jobid: 2
    output: 1.txt
    log: logs/faces/b0001.log (check log file(s) for error details)
    shell:
        touch 1.txt
        (command exited with non-zero exit code)
Trying to restart job 2.
"""


def failure_of(text: str) -> snakemake_logs.Failure:
    (failure,) = snakemake_logs.failures(text.splitlines())
    return failure


def test_a_refusal_is_read_from_the_message_and_not_from_an_earlier_attempts_log(tmp_path):
    (tmp_path / "logs/faces").mkdir(parents=True)
    (tmp_path / "logs/faces/b0001.job.json").write_text('{"error": "of an earlier run"}')
    failure = failure_of(REFUSED.format("Invalid qos specification"))
    assert failure.log == "logs/faces/b0001.log"  # the message goes on at the start of a line
    assert snakemake_logs.why(failure, None, tmp_path) == "not submitted: Invalid qos specification"
    assert snakemake_logs.concerns_all_jobs(failure)


@pytest.mark.parametrize(
    ("message", "all_jobs"),
    [
        ("Invalid account or account/partition combination specified", True),
        ("invalid partition specified: nowhere", True),
        ("the account test is closed: its limit of submitted jobs is 0", True),
        ("Requested node configuration is not available", False),
        ("Requested time limit is invalid (missing or exceeds some limit)", False),
    ],
)
def test_a_refusal_of_the_account_concerns_all_jobs_and_one_of_the_size_does_not(message, all_jobs):
    assert snakemake_logs.concerns_all_jobs(failure_of(REFUSED.format(message))) == all_jobs


def test_an_unknown_account_is_reported_with_the_known_ones():
    text = (
        "Error in rule faces:\n"
        "    message: Job submission failed with exception: The given account nobody appears to be "
        "invalid. Available accounts:\nroot, testFor further error details see the cluster/cloud "
        "log and the log files of the involved rule(s).\n    jobid: 2\n[now]\n"
    )
    failure = failure_of(text)
    told = "The given account nobody appears to be invalid. Available accounts: root, test"
    assert failure.refusal == told
    assert snakemake_logs.concerns_all_jobs(failure)


def test_a_message_is_the_reason_where_nothing_else_is():
    text = "Error in rule faces:\n    message: SLURM-job '7' failed, for once.\n    jobid: 2\n"
    assert snakemake_logs.why(failure_of(text), None) == "SLURM-job '7' failed, for once."


def test_a_refusal_by_lsf_which_ends_snakemake_is_a_failure():
    text = (
        "WorkflowError:\nLSF job submission failed. The error message was Too many processors "
        "requested. Job not submitted.\n"
    )
    assert snakemake_logs.why(failure_of(text), None) == (
        "not submitted: Too many processors requested. Job not submitted."
    )


def test_equal_refusals_are_one_line_of_the_table():
    failure = failure_of(REFUSED.format("Invalid qos specification"))
    rows = [(failure, snakemake_logs.why(failure, None))] * 3
    assert snakemake_logs.table(rows).splitlines() == [
        "3 failed attempts, in order:",
        "  faces (3 times): not submitted: Invalid qos specification",
    ]


def test_an_output_that_is_missing_is_a_failure_of_the_job_that_should_have_made_it():
    text = (
        "Job 1 has been submitted with SLURM jobid 3001 (log: /x/3001.log).\n"
        'MissingOutputException in rule faces in file "/x/Snakefile", line 16:\n'
        "Job 1  completed successfully, but some output files are missing. Missing files after 2\n"
        "0.txt (missing locally, parent dir not present)\n"
    )
    failure = failure_of(text)
    assert (failure.rule, failure.job_id, failure.cluster_log) == ("faces", "3001", "/x/3001.log")
    assert snakemake_logs.why(failure, None) == "it succeeded, but its output is missing"


@pytest.mark.parametrize(
    ("scheduler", "text"),
    [
        (SLURM, "Unable to contact slurm controller (connect failure)"),
        (SLURM, "Batch job submission failed: Socket timed out on send/recv operation"),
        (SLURM, "Slurm temporarily unable to accept job, sleeping and retrying"),
        (SLURM, "sbatch: timed out after 300 s"),
        (LSF, "batch system daemon not responding ... still trying"),
        (LSF, "LSF is down. Please wait ..."),
        (LSF, "User <me>: Pending job threshold reached. Retrying in 60 seconds..."),
    ],
)
def test_what_passes_by_itself_is_known_by_its_words(scheduler, text):
    assert submission_wrappers.is_temporary(scheduler, text)


@pytest.mark.parametrize(
    ("scheduler", "text"),
    [
        (SLURM, "Invalid account or account/partition combination specified"),
        (SLURM, "Requested partition configuration not available now"),
        (SLURM, "Requested time limit is invalid (missing or exceeds some limit)"),
        (LSF, "nope: No such queue. Job not submitted."),
        (LSF, "Too many processors requested. Job not submitted."),
        (LSF, "User permission denied. Job not submitted."),
    ],
)
def test_what_will_not_pass_is_known_by_its_words(scheduler, text):
    assert not submission_wrappers.is_temporary(scheduler, text)


def test_a_refusal_is_shown_in_one_line():
    stderr = "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Job violates policy\n"
    assert submission_wrappers.reason(stderr) == "AssocMaxSubmitJobLimit; Job violates policy"


def test_only_living_processes_wait(tmp_path):
    home = tmp_path / submission_wrappers.STATE
    home.mkdir(parents=True)
    (home / f"{os.getpid()}.waits").write_text("the limit is full")
    (home / f"{2**22 + 1}.waits").write_text("long gone")
    assert submission_wrappers.waiting(tmp_path) == {os.getpid(): "the limit is full"}
    submission_wrappers.begin(tmp_path)
    assert submission_wrappers.waiting(tmp_path) == {}


def test_other_processes_never_see_a_part_of_the_reason_why_a_run_ends(tmp_path):
    """The first refusal ends a run while other submissions wait; each repeats its reason."""
    submission_wrappers.end(tmp_path, "closed")
    path, seen = tmp_path / submission_wrappers.STATE / submission_wrappers.ENDING, set()
    writer = threading.Thread(
        target=lambda: [submission_wrappers.end(tmp_path, "closed") for _ in range(1000)]
    )
    writer.start()
    while writer.is_alive():
        seen.add(path.read_text(encoding="utf-8"))
    assert seen == {"closed"}


class Queue:
    """A scheduler in which a partition is down."""

    WAITING = ("PENDING",)

    def reasons(self, job_ids: list[str]) -> dict[str, str]:
        return dict.fromkeys(job_ids, "PartitionDown")


def test_each_job_that_does_not_run_for_long_is_reported_once_with_its_reason():
    said: list[str] = []
    pending = watchdog.PendingJobs(Queue(), said.append, long=0)
    pending.update({"1": "PENDING", "2": "RUNNING", "3": "PENDING"})
    pending.update({"1": "PENDING", "2": "RUNNING", "3": "PENDING"})
    assert said == ["not running for 0 min: 2 jobs (1 3): PartitionDown"]
    patient = watchdog.PendingJobs(Queue(), said.append, long=3600)
    patient.update({"1": "PENDING"})
    assert len(said) == 1


TALKER = """
import sys, time
from pathlib import Path
from cluster import terminal

terminal.ignore_hangup()
terminal.say("before")
while not Path("go").exists():
    time.sleep(0.05)
terminal.say("after")
"""


def test_output_goes_on_in_a_file_when_the_terminal_is_gone(tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TALKER],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        # the tests themselves may be run by nohup
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    os.close(theirs)
    assert os.read(ours, 100).startswith(b"before")
    os.close(ours)
    process.send_signal(signal.SIGHUP)  # as the kernel does to the session of the terminal
    wait_for(lambda: (tmp_path / ".snakemake/controller.log").exists(), 20, "it moves")
    (tmp_path / "go").touch()
    assert process.wait(20) == 0
    assert (tmp_path / ".snakemake/controller.log").read_text() == "after\n"


def test_output_goes_on_in_a_file_when_nobody_reads_it_any_more(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", TALKER],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"before\n"
    process.stdout.close()
    (tmp_path / "go").touch()
    assert process.wait(20) == 0
    assert (tmp_path / ".snakemake/controller.log").read_text() == "after\n"
