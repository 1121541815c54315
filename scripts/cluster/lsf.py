"""LSF: a run's jobs, and the evidence of why one failed."""

from __future__ import annotations

import re

from cluster.scheduler_commands import CommandFailed, megabytes, run_command

ENDED = {"DONE", "EXIT"}
UNREACHABLE = {"UNKWN", "ZOMBI"}  # the host does not answer
WAITING = {  # states of a job that does not run, with their meaning
    "PEND": "pending; `bjobs -p` names the reason",
    "PSUSP": "suspended while pending; `bresume` lets it go on",
    "USUSP": "suspended by a person; `bresume` lets it go on",
}

# Termination reasons that bjobs -l, bhist -l and a job's own report name.
REASONS = {
    "TERM_MEMLIMIT": "out of memory",
    "TERM_RUNLIMIT": "over its time limit",
    "TERM_OWNER": "cancelled by its owner",
    "TERM_FORCE_OWNER": "cancelled by its owner",
    "TERM_ADMIN": "cancelled by an administrator",
    "TERM_FORCE_ADMIN": "cancelled by an administrator",
    "TERM_CPULIMIT": "over its CPU time limit",
    "TERM_SWAP": "over its swap limit",
    "TERM_PREEMPT": "preempted by the cluster",
    "TERM_UNKNOWN": "ended by the cluster for an unknown reason",
    "TERM_CWD_NOTEXIST": "its working folder does not exist on its host",
    "TERM_ZOMBIE": "its host was lost",
}


def active(run_ids: list[str]) -> dict[str, str]:
    """State by job id of the jobs of these runs that have not ended; UNKWN is an unreachable host.

    Raises:
        CommandFailed: bjobs does not answer.
    """
    found: dict[str, str] = {}
    for run_id in run_ids:
        listing = _listed(run_id, "jobid stat")
        found |= dict(line.split()[:2] for line in listing.splitlines() if len(line.split()) >= 2)
    return {job_id: state for job_id, state in found.items() if state not in ENDED}


def reasons(job_ids: list[str]) -> dict[str, str]:
    """Why jobs do not run, by job id.

    Raises:
        CommandFailed: bjobs does not answer.
    """
    listing = run_command("bjobs", "-noheader", "-o", "jobid stat", *job_ids)
    rows = [line.split()[:2] for line in listing.splitlines() if len(line.split()) >= 2]
    return {job_id: WAITING[state] for job_id, state in rows if state in WAITING}


def _listed(run_id: str, form: str) -> str:
    """What bjobs lists of a run's jobs; empty where it has no record of them."""
    try:
        return run_command("bjobs", "-noheader", "-o", form, "-aJ", f"*{run_id}*")
    except CommandFailed as error:
        if re.search(r"is not found|No \w+ job found", str(error)):
            return ""
        raise


def cancel(jobs: dict[str, str]) -> None:
    """Cancel jobs, given with their states; those on an unreachable host are removed."""
    unreachable = sorted(job_id for job_id, state in jobs.items() if state in UNREACHABLE)
    others = sorted(set(jobs) - set(unreachable))
    if others:
        run_command("bkill", *others)
    if unreachable:
        run_command("bkill", "-r", *unreachable)


def used(run_ids: list[str]) -> list[tuple[str, float | None, float, None]]:
    """(rule, MB, seconds, None) of each job of these runs that bjobs still lists.

    None MB if unknown; how long a job was in the queue is not known here.

    Raises:
        CommandFailed: bjobs does not answer.
    """
    found = []
    for run_id in run_ids:
        listing = _listed(run_id, "job_name max_mem run_time delimiter='|'")
        for line in listing.splitlines():
            name, memory, seconds = (*line.split("|"), "", "")[:3]
            rule = re.match(r"Snakemake_rule_(\w+?)(?::|___\()", name)
            number = re.match(r"[0-9.]+", seconds)
            if rule:
                duration = float(number[0]) if number else 0.0
                found.append((rule[1], megabytes(memory) or None, duration, None))
    return found


def evidence(job_id: str, log: str = "") -> str:
    """Why a job failed, in one phrase; "" where the cluster has no cause outside the job.

    Args:
        job_id: LSF's number.
        log: text of the job's own report.
    """
    for words in (("bjobs", "-l", job_id), ("bhist", "-l", job_id)):
        try:
            cause = from_text(run_command(*words))
        except CommandFailed:
            continue
        if cause:
            return cause
    return from_text(log.split("Sender: LSF System")[-1])  # the last attempt's report


def from_text(listing: str) -> str:
    """The cause in a long listing or a job's report."""
    joined = re.sub(r"\n {10,}", "", listing)  # long listings break lines inside words
    if re.search(r"Status ?<(?:UNKWN|ZOMBI)>", joined):
        return "its host was lost (UNKWN)"
    reason = re.findall(r"TERM_[A-Z_]+", joined)
    if not reason:
        return ""
    cause = REASONS.get(reason[-1], f"ended by the cluster ({reason[-1]})")
    if reason[-1] == "TERM_MEMLIMIT":
        requested = re.search(r"MEMLIMIT\s*\n?\s*([0-9.]+ ?[KMGT])", listing)
        used = re.search(r"(?:MAX MEM|Max Memory)\s*:\s*([0-9.]+ ?[A-Za-z]+)", listing)
        facts = [
            f"requested {requested[1]}" if requested else "",
            f"used {used[1]}" if used else "",
        ]
        facts = [fact for fact in facts if fact]
        return f"{cause}: {', '.join(facts)}" if facts else cause
    return cause
