"""What breaks a run on a cluster, looked for before its first job, told in plain lines."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.commands import Silent, ask
from cluster.planned import Rule
from deepfake.site import TEMPLATE, Site

POLL = 40  # seconds before the first status query, as profiles/slurm has it
PROBE_SECONDS = 300


@dataclass
class Finding:
    """One thing looked at: whether it is well, and the line that says so or what to set."""

    well: bool
    line: str


Findings = Iterator[Finding]


def slurm(site: Site, plan: list[Rule]) -> Findings:
    """What can be asked without a job on a SLURM cluster, in order; stops where nothing answers."""
    for command in ("sbatch", "squeue", "scancel", "scontrol", "sinfo"):
        yield (found := _answers(command, "--version"))
        if not found.well:
            return
    yield (found := _tried("the controller", "slurmctld answers", "squeue", "--noheader", "--me"))
    if not found.well:
        return
    if site.slurm is None:
        yield Finding(False, f"no slurm section in profiles/site.yaml: copy {TEMPLATE} and fill it")
        return
    yield from _accounting(site)
    yield from _largest_slurm(site, plan)


def _answers(command: str, *words: str) -> Finding:
    try:
        return Finding(True, f"{command}: {ask(command, *words).strip().splitlines()[0]}")
    except (Silent, IndexError) as error:
        return Finding(False, f"{error}; is this a login node of the cluster?")


def _tried(what: str, well: str, *words: str) -> Finding:
    try:
        ask(*words)
        return Finding(True, f"{what}: {well}")
    except Silent as error:
        return Finding(False, f"{what}: {error}")


def _accounting(site: Site) -> Findings:
    """sacct by its exit status: present but off, it would hang a run for ever."""
    try:
        ask("sacct", "-X", "--noheader", "--starttime", "now-1hour", "--format=JobID")
        works = ""
    except Silent as error:
        works = str(error)
    if site.slurm.status == "sacct":
        if works:
            yield Finding(
                False,
                f"{works}; a run that asks it would never end: set slurm.status to squeue in "
                "profiles/site.yaml",
            )
        else:
            yield Finding(True, "sacct: accounting answers")
        return
    age = re.search(r"MinJobAge\s*=\s*(\d+)", ask("scontrol", "show", "config"))
    seconds = int(age[1]) if age else 0
    if seconds < 3 * POLL:
        with_sacct = " (and the plugin would ask sacct instead)" if shutil.which("sacct") else ""
        yield Finding(
            False,
            f"MinJobAge is {seconds} s: squeue forgets ended jobs before they are asked "
            f"for{with_sacct}; it must be {3 * POLL} s or more (slurm.conf), or use accounting: "
            "set slurm.status to sacct",
        )
    else:
        yield Finding(True, f"squeue: ended jobs are kept for {seconds} s")


def _target(site: Site) -> list[str]:
    words = []
    if site.slurm.account:
        words += ["--account", site.slurm.account]
    if site.slurm.partition:
        words += ["--partition", site.slurm.partition]
    return words


def _largest_slurm(site: Site, plan: list[Rule]) -> Findings:
    """Account, partition and the plan's largest jobs, by SLURM's own judgement."""
    for rule in _largest(plan):
        words = [
            *("sbatch", "--test-only", *_target(site), "--ntasks=1"),
            *(f"--cpus-per-task={rule.threads}", f"--mem={rule.mem_mb}", f"--time={rule.minutes}"),
            *("--wrap", "true"),
        ]
        asked = f"{rule.threads} threads, {rule.mem_mb} MB, {rule.minutes} min"
        try:
            ask(*words)
            yield Finding(True, f"the largest job ({rule.name}: {asked}) is accepted")
        except Silent as error:
            yield Finding(
                False, f"{rule.name} ({asked}) is refused: {error}; {_remedy(str(error))}"
            )


def _remedy(told: str) -> str:
    if "account" in told.lower():
        return "set slurm.account in profiles/site.yaml (sacctmgr show assoc user=$USER)"
    if "partition" in told.lower() and "invalid" in told.lower():
        return "set slurm.partition in profiles/site.yaml (sinfo -s)"
    if "time limit" in told.lower():
        return "choose a partition with a longer limit, or set limits.minutes"
    return "choose a partition with larger nodes, set limits.mem_mb, or make the jobs smaller"


def _largest(plan: list[Rule]) -> list[Rule]:
    """The jobs that ask most memory, time and threads; each once."""
    found: list[Rule] = []
    for size in (lambda r: r.mem_mb, lambda r: r.minutes, lambda r: r.threads):
        rule = max(plan, key=size, default=None)
        if rule and rule not in found:
            found.append(rule)
    return found


PROBE = "import snakemake, sys; print(sys.version.split()[0], snakemake.__version__)"


def _probe_slurm(site: Site, folder: Path) -> Finding:
    """One tiny job: the shared file system and the environment, seen from a node."""
    place = folder / ".snakemake" / "probe"

    def submit(command: str, out: Path) -> str:
        words = ["sbatch", "--parsable", *_target(site), "--time=5", "--mem=500", "--ntasks=1"]
        return ask(*words, "--output", str(out), "--wrap", command).strip().split(";")[0]

    def state(job_id: str) -> str:
        told = ask("squeue", "--noheader", "--states=all", "--format=%T %r", "--jobs", job_id)
        return told.strip()

    return _probe(place, submit, state, lambda job_id: ask("scancel", job_id))


def _probe(
    place: Path,
    submit: Callable[[str, Path], str],
    state: Callable[[str], str],
    cancel: Callable[[str], object],
) -> Finding:
    """Run a probe job and wait for its mark in the working folder, for a bounded time."""
    place.mkdir(parents=True, exist_ok=True)
    mark, out = place / "mark.txt", place / "out.txt"
    mark.unlink(missing_ok=True)
    out.unlink(missing_ok=True)
    command = f"hostname > '{mark}' && '{sys.executable}' -c '{PROBE}' >> '{mark}'"
    try:
        job_id = submit(command, out)
    except Silent as error:
        return Finding(False, f"the probe job was refused: {error}")
    deadline, seen = time.monotonic() + PROBE_SECONDS, ""
    while time.monotonic() < deadline:
        try:
            seen = state(job_id)
        except Silent:
            seen = ""
        told = mark.read_text().split() if mark.exists() else []
        if len(told) == 3:
            return Finding(
                True, f"a job on {told[0]} sees this folder and this environment (Python {told[1]})"
            )
        if seen and not seen.startswith(("PEND", "RUN", "CONFIGURING", "COMPLETING", "WAIT")):
            break
        time.sleep(1)
    with contextlib.suppress(Silent):
        cancel(job_id)
    if mark.exists():
        detail = out.read_text().strip().splitlines()[-1:] if out.exists() else []
        return Finding(
            False,
            f"a job sees this folder but cannot start {sys.executable}: "
            f"{detail[0] if detail else 'no message'}; is .venv on the shared file system?",
        )
    return Finding(
        False,
        f"the probe job ({job_id}) left no mark in {place}: it was "
        f"{seen or 'gone from the queue'}; is this folder on the shared file system, is the "
        "queue open?",
    )


def lsf(site: Site, plan: list[Rule]) -> Findings:
    """What can be asked without a job on an LSF cluster, in order; stops where nothing answers."""
    for words in (("lsid",), ("bjobs", "-V"), ("bsub", "-V"), ("bkill", "-V"), ("bhist", "-V")):
        there = shutil.which(words[0]) is not None
        if words[0] == "lsid":
            yield (found := _answers(*words))
        else:
            missing = f"{words[0]}: no such command on this machine"
            yield (found := Finding(there, f"{words[0]}: is there" if there else missing))
        if not found.well:
            return
    yield from _lsf_configuration()
    if site.lsf is None:
        yield Finding(False, f"no lsf section in profiles/site.yaml: copy {TEMPLATE} and fill it")
        return


def _lsf_configuration() -> Findings:
    """What the executor plugin reads when it starts; each missing thing is a traceback there."""
    try:
        told = ask("badmin", "showconf", "mbd")
    except Silent as error:
        yield Finding(
            False,
            f"{error}; the LSF plugin cannot start without `badmin showconf mbd`: ask for it, or "
            "load LSF's environment (profile.lsf)",
        )
        return
    facts = dict(line.strip().split(" = ", 1) for line in told.splitlines() if " = " in line)
    for key in ("LSB_SHAREDIR", "LSF_CONFDIR"):
        there = key in facts
        yield Finding(there, f"badmin: {key} is {facts.get(key, 'not told')}")
        if not there:
            return
    unit = facts.get("LSF_UNIT_FOR_LIMITS")
    if not unit:
        yield Finding(
            True,
            "LSF_UNIT_FOR_LIMITS is not set: LSF counts memory in KB, the plugin in MB; if jobs "
            "reserve too little, ask the administrator for LSF_UNIT_FOR_LIMITS=MB",
        )
    try:
        name = ask("lsclusters").splitlines()[1].split()[0]
    except (Silent, IndexError) as error:
        yield Finding(False, f"lsclusters: {error}")
        return
    params = Path(facts["LSF_CONFDIR"], "lsbatch", name, "configdir", "lsb.params")
    yield Finding(params.is_file(), f"{params}: {'is there' if params.is_file() else 'is missing'}")
    gawk = shutil.which("gawk") is not None
    yield Finding(
        True, "gawk: is there" if gawk else "gawk: missing; jobs older than CLEAN_PERIOD are lost"
    )


def _probe_lsf(site: Site, folder: Path) -> Finding:
    """One tiny job in the queue and project of the site file."""

    def submit(command: str, out: Path) -> str:
        words = ["bsub", "-q", site.lsf.queue, "-P", site.lsf.project, "-W", "5", "-n", "1"]
        told = ask(*words, "-R", "rusage[mem=500]", "-o", str(out), command)
        return re.search(r"Job <(\d+)>", told)[1]

    def state(job_id: str) -> str:
        return ask("bjobs", "-noheader", "-o", "stat", job_id).strip()

    place = folder / ".snakemake" / "probe"
    return _probe(place, submit, state, lambda job_id: ask("bkill", job_id))


CHECKS = {"slurm": slurm, "lsf": lsf}
PROBES = {"slurm": _probe_slurm, "lsf": _probe_lsf}


def check(scheduler: str, site: Site, plan: list[Rule], folder: Path) -> Findings:
    """Everything, with a probe job at the end where the rest is well."""
    well = True
    for finding in CHECKS[scheduler](site, plan):
        well = well and finding.well
        yield finding
    if well:
        yield PROBES[scheduler](site, folder)
