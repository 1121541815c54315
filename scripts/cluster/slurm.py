"""SLURM: a run's jobs, and the evidence of why one failed.

A job's own row says only FAILED 1:0 when its step ran out of memory, since the nested Snakemake
ends with 1: the rows of the steps must be read.
"""

from __future__ import annotations

import contextlib
import pwd
import re
from datetime import datetime

from cluster.scheduler_commands import CommandFailed, megabytes, run_command

ENDING = "COMPLETING"  # its script has ended, its node is being cleared
WAITING = (
    "PENDING",
    "SUSPENDED",
    "REQUEUE_HOLD",
    "SPECIAL_EXIT",
)  # not running
FIELDS = ("JobID", "State", "ExitCode", "ReqMem", "MaxRSS", "Elapsed", "Timelimit", "NodeList")

# What slurmstepd and srun write into a job's own log, where accounting has nothing.
LOG_SIGNS = (
    (r"oom[-_ ]kill|exceeded memory limit", "out of memory"),
    (r"DUE TO TIME LIMIT", "over its time limit"),
    (r"DUE TO NODE FAILURE", "its node was lost"),
    (r"CANCELLED AT", "cancelled"),
)


def active(run_ids: list[str]) -> dict[str, str]:
    """State by job id of the jobs of these runs that have not ended.

    Raises:
        CommandFailed: squeue does not answer.
    """
    if not run_ids:
        return {}
    answer = run_command("squeue", "--noheader", "--format=%i|%T", "--name", ",".join(run_ids))
    return dict(line.split("|", 1) for line in answer.split())


def reasons(job_ids: list[str]) -> dict[str, str]:
    """Why jobs do not run, in SLURM's words, by job id.

    Raises:
        CommandFailed: squeue does not answer.
    """
    answer = run_command("squeue", "--noheader", "--format=%i|%r", "--jobs", ",".join(job_ids))
    return dict(line.split("|", 1) for line in answer.splitlines() if "|" in line)


def cancel(jobs: dict[str, str]) -> None:
    """Cancel jobs, given with their states."""
    if jobs:
        run_command("scancel", *sorted(jobs))


def used(run_ids: list[str]) -> list[tuple[str, float | None, float, float | None]]:
    """(rule, MB, seconds, seconds in the queue) of each job of these runs in accounting.

    None MB where no sample exists, None seconds in the queue where a job has not started.

    Raises:
        CommandFailed: there is no accounting.
    """
    if not run_ids:
        return []
    form = "--format=JobID,Comment,MaxRSS,ElapsedRaw,Submit,Start"
    answer = run_command(
        "sacct", "-P", "--noheader", form, "--name", ",".join(run_ids), "-S", "now-30days"
    )
    return used_from(answer)


def used_from(answer: str) -> list[tuple[str, float | None, float, float | None]]:
    """Read `sacct -P --noheader` with the format of `used`: jobs and steps."""
    rules: dict[str, str] = {}
    memory: dict[str, float] = {}
    seconds: dict[str, float] = {}
    queued: dict[str, float | None] = {}
    for line in answer.splitlines():
        job_id, comment, most, elapsed, submitted, started = line.split("|")
        number, _, step = job_id.partition(".")
        if step and megabytes(most):  # what the job used is with its steps
            memory[number] = max(memory.get(number, 0.0), megabytes(most))
        elif not step and comment.startswith("rule_"):
            rules[number] = comment.removeprefix("rule_").split("_wildcards_")[0]
            seconds[number] = float(elapsed or 0)
            queued[number] = _between(submitted, started)
    return [(rule, memory.get(n), seconds[n], queued[n]) for n, rule in rules.items()]


def _between(first: str, second: str) -> float | None:
    """Seconds between two times of sacct; None where one is no time, like `Unknown`."""
    try:
        return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()
    except ValueError:
        return None


def evidence(job_id: str, log: str = "") -> str:
    """Why a job failed, in one phrase; "" where the cluster has no cause outside the job.

    Args:
        job_id: SLURM's number.
        log: text of the job's own log.
    """
    try:
        answer = run_command(
            "sacct", "-j", job_id, "-P", "--noheader", f"--format={','.join(FIELDS)}"
        )
        cause = from_accounting(answer)
    except CommandFailed:
        cause = ""
    with contextlib.suppress(CommandFailed):
        cause = cause or from_controller(run_command("scontrol", "show", "job", job_id, "-o"))
    return cause or from_log(log)


def from_accounting(answer: str) -> str:
    """The cause in the rows of `sacct -P --noheader --format=FIELDS`: the job's and its steps'."""
    rows = [
        dict(zip(FIELDS, line.split("|"), strict=False)) for line in answer.splitlines() if line
    ]
    if not rows:
        return ""
    job, states = rows[0], [row["State"] for row in rows]
    used = max((megabytes(row["MaxRSS"]) for row in rows), default=0)
    if any(state.startswith("OUT_OF_MEMORY") for state in states) or job["ExitCode"] == "0:9":
        peak = f"{used:.0f} MB at the last sample" if used else "more at once than was sampled"
        return f"out of memory: {_requested(job['ReqMem'])}used {peak}"
    return _by_state(job["State"], job["Elapsed"], job["Timelimit"], job["NodeList"])


def from_controller(answer: str) -> str:
    """The cause in the line of `scontrol show job ID -o`."""
    facts = dict(word.split("=", 1) for word in answer.split() if "=" in word)
    if facts.get("JobState") == "OUT_OF_MEMORY" or facts.get("ExitCode") == "0:9":
        requested = re.search(r"mem=([0-9.]+[KMGT]?)", answer)
        return f"out of memory: {_requested(requested[1] if requested else '')}used more"
    return _by_state(
        facts.get("JobState", ""),
        facts.get("RunTime", ""),
        facts.get("TimeLimit", ""),
        facts.get("NodeList", ""),
    )


def _by_state(state: str, elapsed: str, limit: str, nodes: str) -> str:
    if state.startswith("TIMEOUT"):
        return f"over its time limit: requested {limit}, ran {elapsed}"
    if state.startswith(("NODE_FAIL", "BOOT_FAIL")):
        return f"its node was lost: {nodes}"
    if state.startswith("CANCELLED"):
        by = re.search(r"by (\d+)", state)
        return (
            f"cancelled by {_user(by[1])} after {elapsed}" if by else f"cancelled after {elapsed}"
        )
    if state.startswith(("PREEMPTED", "DEADLINE", "REVOKED")):
        return f"{state.split()[0].lower()} by the cluster"
    return ""


def from_log(log: str) -> str:
    """The cause that the job's own log names."""
    return next((cause for sign, cause in LOG_SIGNS if re.search(sign, log)), "")


def _requested(memory: str) -> str:
    """`requested 500 MB, `; accounting says `16?` until it has the whole record."""
    known = megabytes(memory) if "?" not in memory else 0
    return f"requested {known:.0f} MB, " if known else ""


def _user(number: str) -> str:
    try:
        return pwd.getpwuid(int(number)).pw_name
    except KeyError:
        return f"user {number}"
