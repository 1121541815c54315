"""Find problems of a run on a cluster before its first job."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster import lsf_config, probe_job
from cluster.job_estimate import ATTEMPTS, RuleEstimate
from cluster.scheduler_commands import CommandFailed, run_command
from deepfake.workflow import checks
from deepfake.workflow.site import TEMPLATE, Site

POLL = 40  # seconds between two status queries with many jobs


@dataclass
class Finding:
    """The result of one check: whether it passed, and the line that says so or what to set."""

    passed: bool
    line: str


Findings = Iterator[Finding]


def slurm(site: Site, plan: list[RuleEstimate]) -> Findings:
    """Checks of a SLURM cluster that need no job, in order; they stop if nothing answers."""
    for command in ("sbatch", "squeue", "scancel", "scontrol", "sinfo"):
        yield (finding := _check_version(command, "--version"))
        if not finding.passed:
            return
    yield (
        finding := _check_command(
            "the controller", "slurmctld answers", "squeue", "--noheader", "--me"
        )
    )
    if not finding.passed:
        return
    if site.slurm is None:
        yield Finding(False, f"no slurm section in profiles/site.yaml: copy {TEMPLATE} and fill it")
        return
    yield from _accounting(site)
    yield from _largest_slurm(site, plan)


def _check_version(command: str, *words: str) -> Finding:
    try:
        return Finding(True, f"{command}: {run_command(command, *words).strip().splitlines()[0]}")
    except (CommandFailed, IndexError) as error:
        return Finding(False, f"{error}; is this a login node of the cluster?")


def _check_command(what: str, success: str, *words: str) -> Finding:
    try:
        run_command(*words)
        return Finding(True, f"{what}: {success}")
    except CommandFailed as error:
        return Finding(False, f"{what}: {error}")


def _accounting(site: Site) -> Findings:
    """Check sacct by its exit status: an installed but disabled sacct would hang a run."""
    try:
        run_command("sacct", "-X", "--noheader", "--starttime", "now-1hour", "--format=JobID")
        problem = ""
    except CommandFailed as error:
        problem = str(error)
    if site.slurm.status == "sacct":
        if problem:
            yield Finding(
                False,
                f"{problem}; a run that queries it would never end: set slurm.status to squeue in "
                "profiles/site.yaml",
            )
        else:
            yield Finding(True, "sacct: accounting answers")
        return
    age = re.search(r"MinJobAge\s*=\s*(\d+)", run_command("scontrol", "show", "config"))
    seconds = int(age[1]) if age else 0
    if seconds < 3 * POLL:
        with_sacct = " (and the plugin would query sacct instead)" if shutil.which("sacct") else ""
        yield Finding(
            False,
            f"MinJobAge is {seconds} s: squeue drops ended jobs before they are queried"
            f"{with_sacct}; it must be {3 * POLL} s or more (slurm.conf), or use accounting: "
            "set slurm.status to sacct",
        )
    else:
        yield Finding(True, f"squeue: ended jobs are kept for {seconds} s")


def _largest_slurm(site: Site, plan: list[RuleEstimate]) -> Findings:
    """Whether SLURM accepts the account, the partition and the plan's largest jobs."""
    for rule in _largest(plan):
        first = yield from _accepted(site, rule, rule.mem_mb, rule.minutes, 1)
        last = rule.last_mb, rule.last_minutes
        if first and last > (rule.mem_mb, rule.minutes):
            yield from _accepted(site, rule, *last, ATTEMPTS)


def _accepted(
    site: Site, rule: RuleEstimate, mem_mb: int, minutes: int, attempt: int
) -> Generator[Finding, None, bool]:
    """Whether SLURM accepts a job at an attempt."""
    words = [
        *("sbatch", "--test-only", *probe_job.sbatch_options(site), "--ntasks=1"),
        *(f"--cpus-per-task={rule.threads}", f"--mem={mem_mb}", f"--time={minutes}"),
        *("--wrap", "true"),
    ]
    request = f"{rule.threads} threads, {mem_mb} MB, {minutes} min"
    request += f" at its attempt {attempt}" if attempt > 1 else ""
    try:
        run_command(*words)
    except CommandFailed as error:
        remedy = _remedy(str(error), rule.name, attempt)
        yield Finding(False, f"{rule.name} ({request}) is refused: {error}; {remedy}")
        return False
    yield Finding(True, f"the largest job ({rule.name}: {request}) is accepted")
    return True


def _remedy(message: str, rule: str, attempt: int) -> str:
    """What to set when SLURM refuses a job."""
    message = message.lower()
    if "account" in message:
        return "set slurm.account in profiles/site.yaml (sacctmgr show assoc user=$USER)"
    if "partition" in message and "invalid" in message:
        return "set slurm.partition in profiles/site.yaml (sinfo -s)"
    if "qos" in message:
        return "set slurm.qos in profiles/site.yaml (sacctmgr show qos)"
    long = "time limit" in message
    if attempt > 1:  # a limit does not touch the first attempt
        key = "limits.minutes" if long else "limits.mem_mb"
        return f"set {key} in profiles/site.yaml to what the partition allows (sinfo -o '%P %l %m')"
    choose = "a partition with a longer limit" if long else "a partition with larger nodes"
    return f"choose {choose}, or make the job smaller: {checks.smaller(rule)}"


def _largest(plan: list[RuleEstimate]) -> list[RuleEstimate]:
    """The jobs that request most memory, time and threads; each once."""
    found: list[RuleEstimate] = []
    for size in (
        lambda r: (r.mem_mb, r.last_mb),
        lambda r: (r.minutes, r.last_minutes),
        lambda r: r.threads,
    ):
        rule = max(plan, key=size, default=None)
        if rule and rule not in found:
            found.append(rule)
    return found


def lsf(site: Site, plan: list[RuleEstimate]) -> Findings:
    """Checks of an LSF cluster that need no job, in order; they stop if nothing answers."""
    for words in (("lsid",), ("bjobs", "-V"), ("bsub", "-V"), ("bkill", "-V"), ("bhist", "-V")):
        is_installed = shutil.which(words[0]) is not None
        if words[0] == "lsid":
            yield (finding := _check_version(*words))
        else:
            missing = f"{words[0]}: no such command on this machine"
            yield (
                finding := Finding(is_installed, f"{words[0]}: found" if is_installed else missing)
            )
        if not finding.passed:
            return
    yield from _lsf_configuration()
    if site.lsf is None:
        yield Finding(False, f"no lsf section in profiles/site.yaml: copy {TEMPLATE} and fill it")
        return


def _lsf_configuration() -> Findings:
    """Check LSF's configuration; a run does not start without it."""
    try:
        known = lsf_config.facts()
    except CommandFailed as error:
        yield Finding(
            False,
            f"{error}; the LSF plugin cannot start without `badmin showconf mbd`: ask the "
            "administrators for it, or load LSF's environment (profile.lsf)",
        )
        return
    for key in lsf_config.FOLDERS:
        is_set = bool(known.get(key))
        yield Finding(is_set, f"badmin: {key} is {known.get(key) or 'not set'}")
        if not is_set:
            return
    try:
        params = lsf_config.file(known, lsf_config.cluster())
        per_task = lsf_config.reserves_per_task(lsf_config.parameters(params))
    except CommandFailed as error:
        yield Finding(False, str(error))
        return
    kind = (
        "for each task: a job's memory is divided by its threads"
        if per_task
        else "for the whole job"
    )
    yield Finding(True, f"{params}: memory is reserved {kind}")
    gawk = shutil.which("gawk") is not None
    yield Finding(
        True,
        "gawk: found" if gawk else "gawk: missing; jobs older than CLEAN_PERIOD cannot be found",
    )


CHECKS = {"slurm": slurm, "lsf": lsf}


def check(scheduler: str, site: Site, plan: list[RuleEstimate], folder: Path) -> Findings:
    """All checks; a probe job at the end if the others pass."""
    passed = True
    for finding in CHECKS[scheduler](site, plan):
        passed = passed and finding.passed
        yield finding
    if passed:
        yield Finding(*probe_job.PROBES[scheduler](site, folder))
