"""LSF: a run's jobs, and the evidence of why one failed."""

from __future__ import annotations

import re

from cluster.commands import Silent, ask, megabytes

ENDED = {"DONE", "EXIT"}
LOST = {"UNKWN", "ZOMBI"}  # the host does not answer

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
    "TERM_UNKNOWN": "ended by the cluster for a reason that it does not know",
    "TERM_CWD_NOTEXIST": "its working folder does not exist on its host",
    "TERM_ZOMBIE": "its host was lost",
}


def active(run_ids: list[str]) -> dict[str, str]:
    """State by job id of the jobs of these runs that have not ended; UNKWN is a lost host.

    Raises:
        Silent: bjobs does not answer.
    """
    found: dict[str, str] = {}
    for run_id in run_ids:
        told = _listed(run_id, "jobid stat")
        found |= dict(line.split()[:2] for line in told.splitlines() if len(line.split()) >= 2)
    return {job_id: state for job_id, state in found.items() if state not in ENDED}


def _listed(run_id: str, form: str) -> str:
    """What bjobs knows of a run's jobs; that it has forgotten them is no error here."""
    try:
        return ask("bjobs", "-noheader", "-o", form, "-aJ", f"*{run_id}*")
    except Silent as error:
        if re.search(r"is not found|No \w+ job found", str(error)):
            return ""
        raise


def cancel(jobs: dict[str, str]) -> None:
    """Ask for the end of jobs, given with their states; those on a lost host are removed."""
    lost = sorted(job_id for job_id, state in jobs.items() if state in LOST)
    others = sorted(set(jobs) - set(lost))
    if others:
        ask("bkill", *others)
    if lost:
        ask("bkill", "-r", *lost)


def used(run_ids: list[str]) -> list[tuple[str, float, float]]:
    """(rule, MB, seconds) of each job of these runs that bjobs still knows.

    Raises:
        Silent: bjobs does not answer.
    """
    found = []
    for run_id in run_ids:
        told = _listed(run_id, "job_name max_mem run_time delimiter='|'")
        for line in told.splitlines():
            name, memory, seconds = (*line.split("|"), "", "")[:3]
            rule = re.match(r"Snakemake_rule_([A-Za-z0-9]+)", name)
            number = re.match(r"[0-9.]+", seconds)
            if rule:
                found.append((rule[1], megabytes(memory), float(number[0]) if number else 0.0))
    return found


def evidence(job_id: str, log: str = "") -> str:
    """Why a job failed, in one phrase; "" where the cluster knows of no cause but the job's own.

    Args:
        job_id: LSF's number.
        log: text of the job's own report.
    """
    for words in (("bjobs", "-l", job_id), ("bhist", "-l", job_id)):
        try:
            cause = from_text(ask(*words))
        except Silent:
            continue
        if cause:
            return cause
    return from_text(log.split("Sender: LSF System")[-1])  # the last attempt's report


def from_text(told: str) -> str:
    """The cause in a long listing or a job's report."""
    joined = re.sub(r"\n {10,}", "", told)  # long listings break lines inside words
    if re.search(r"Status ?<(?:UNKWN|ZOMBI)>", joined):
        return "its host was lost (UNKWN)"
    reason = re.findall(r"TERM_[A-Z_]+", joined)
    if not reason:
        return ""
    cause = REASONS.get(reason[-1], f"ended by the cluster ({reason[-1]})")
    if reason[-1] == "TERM_MEMLIMIT":
        asked = re.search(r"MEMLIMIT\s*\n?\s*([0-9.]+ ?[KMGT])", told)
        used = re.search(r"(?:MAX MEM|Max Memory)\s*:\s*([0-9.]+ ?[A-Za-z]+)", told)
        facts = [f"asked {asked[1]}" if asked else "", f"used {used[1]}" if used else ""]
        facts = [fact for fact in facts if fact]
        return f"{cause}: {', '.join(facts)}" if facts else cause
    return cause
