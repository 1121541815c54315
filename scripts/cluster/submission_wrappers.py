"""Wrappers of sbatch and bsub that retry a submission after a temporary refusal.

A plugin counts every refusal as a failed attempt of the job, of which there are three, and a lost
answer as a refusal: it submits a second copy. The wrappers in bin/ stand before the
real commands on the PATH of a run and call this through bin/run_wrapper.py:

    a scheduler that does not answer, or a full limit           retried, with growing pauses;
        before each retry the queue and accounting are searched for the job's name and comment,
        in case it was accepted
    anything else (account, partition, queue, too large a job)  passed on unchanged

The plugins hide what is printed here, so a waiting submission writes its reason into a file of
STATE, which the controller reads with `waiting`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.status_wrappers import real

STATE = Path(".snakemake/submission")  # accepted jobs, and reasons of waiting submissions
ENDING = "ending"  # a file that exists while a run is stopped: no further submissions
PAUSES = (2, 4, 8, 15, 30, 60)  # seconds between tries; the last is repeated
PATIENCE = 300.0  # seconds for one try
TICK = 0.5  # seconds between two checks whether the run ends

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Scheduler:
    """How one scheduler refuses jobs and identifies them.

    Attributes:
        temporary: pattern of refusals that are temporary.
        jobs: ids of all jobs, also ended ones, with the name in these arguments; None if the queue
            does not answer.
        closed: why a full limit is permanent, or "", from the arguments and the refusal.
        accepted: the answer that the plugin expects, with the job's id.
        job_id: the id in such an answer.
        variables: for the environment of the command.
    """

    command: str
    temporary: str
    jobs: Callable[[list[str]], set[str] | None]
    closed: Callable[[list[str], str], str]
    accepted: str
    job_id: str
    variables: dict[str, str]


def submit(scheduler: Scheduler, words: list[str]) -> Done:
    """Submit one job; retry until it is accepted or permanently refused.

    Args:
        scheduler: to submit to. words: arguments of its command.
    """
    parent, accepted = os.getppid(), STATE / f"{run_id(words)}.accepted"
    pauses = itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))
    with _published_reason() as say:
        while True:
            if _is_over(parent):
                return subprocess.CompletedProcess(words, 1, "", f"{_end_reason()}\n")
            done = real(scheduler.command, *words, seconds=PATIENCE, variables=scheduler.variables)
            if done.returncode == 0:
                _record(accepted, re.search(scheduler.job_id, done.stdout + done.stderr))
                return done
            may_succeed = is_temporary(scheduler, done.stderr)
            closed = scheduler.closed(words, done.stderr) if may_succeed else ""
            if closed or not may_succeed:
                done.stderr = f"{closed or reason(done.stderr)}\n"  # in one line
                return done
            say(reason(done.stderr))
            _wait(next(pauses), parent)
            while (found := scheduler.jobs(words)) is None and not _is_over(parent):
                _wait(next(pauses), parent)
            if new := sorted((found or set()) - _recorded(accepted), key=int):
                _record(accepted, re.search("(.+)", new[-1]))
                answer = scheduler.accepted.format(new[-1])
                return subprocess.CompletedProcess(words, 0, answer, "")


def is_temporary(scheduler: Scheduler, stderr: str) -> bool:
    """Whether a refusal is temporary, by its text."""
    return re.search(scheduler.temporary, stderr, flags=re.IGNORECASE) is not None


def reason(stderr: str) -> str:
    """A refusal in one line, without the command's name before each line."""
    bare = re.sub(r"^(sbatch|bsub): (error: )?", "", stderr, flags=re.MULTILINE)
    lines = (line.strip() for line in bare.splitlines())
    return "; ".join(dict.fromkeys(line for line in lines if line))


def waiting(folder: Path) -> dict[int, str]:
    """Why submissions of this folder wait now, by process id; active processes only."""
    found = {}
    for path in sorted((folder / STATE).glob("*.waits")):
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(path.stem), 0)
            found[int(path.stem)] = path.read_text(encoding="utf-8")
    return found


def begin(folder: Path) -> None:
    """Remove the state of an earlier run; a run calls it before its first submission."""
    shutil.rmtree(folder / STATE, ignore_errors=True)


def end(folder: Path, why: str = "the run is being stopped") -> None:
    """Stop all submissions from this folder until `begin`."""
    _publish(folder / STATE / ENDING, why)


def run_id(words: list[str]) -> str:
    """The id of a run, which both plugins put into the name of each of its jobs."""
    name = _option(words, "--job-name") or _option(words, "-J")
    found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name)
    return found[0] if found else "other"


def _option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1] if name in words[:-1] else ""


def _is_over(parent: int) -> bool:
    """Whether the run is being stopped, or Snakemake has ended."""
    return (STATE / ENDING).exists() or os.getppid() != parent


def _end_reason() -> str:
    with contextlib.suppress(OSError):
        return (STATE / ENDING).read_text(encoding="utf-8")
    return "Snakemake has ended"


def _wait(seconds: float, parent: int) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not _is_over(parent):
        time.sleep(TICK)


@contextlib.contextmanager
def _published_reason() -> Iterator[Callable[[str], None]]:
    """Publish in a file why this process waits, while it does."""
    path = STATE / f"{os.getpid()}.waits"

    try:
        yield lambda text: _publish(path, text)
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _publish(path: Path, text: str) -> None:
    """Write a file that other processes read meanwhile: they never see a part of it."""
    with contextlib.suppress(OSError):  # a full disk must not end the submission
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)


def _record(accepted: Path, job_id: re.Match | None) -> None:
    """Record a job that the plugin was given; in one write: several processes submit at a time."""
    if job_id:
        with contextlib.suppress(OSError):
            STATE.mkdir(parents=True, exist_ok=True)
            with accepted.open("a", encoding="utf-8") as file:
                file.write(f"{job_id[1]}\n")


def _recorded(accepted: Path) -> set[str]:
    """Ids of the jobs that the plugin was given: earlier attempts have the same name."""
    try:
        return set(accepted.read_text(encoding="utf-8").split())
    except OSError:
        return set()


# SLURM: the run's id is the job's name, rule and wildcards are its comment.


def _slurm_jobs(words: list[str]) -> set[str] | None:
    name, comment = _option(words, "--job-name"), _option(words, "--comment")
    if not name:
        return set()
    queue = real("squeue", "--noheader", "--states=all", "--format=%i|%k", "--name", name)
    form = ("-X", "--noheader", "--parsable2", "--format=JobIDRaw,Comment", "--name", name)
    ended = real("sacct", *form, "--starttime", "now-2days")
    if queue.returncode != 0:  # accounting lists a job later than the queue does
        return None
    rows = [line.split("|", 1) for line in (queue.stdout + ended.stdout).splitlines()]
    return {row[0] for row in rows if len(row) == 2 and row[1] == comment}


def _slurm_closed(words: list[str], stderr: str) -> str:
    """Why a refusal by a limit is permanent, or "".

    A closed account has a limit of 0 jobs. If only the policy is named (older versions give no
    limit), the job may be too large: without own jobs in the queue, waiting cannot help.
    """
    if not re.search(r"accounting/QOS policy", stderr):
        return ""
    if re.search(r"submit\w*limit", stderr, flags=re.I):
        account = _option(words, "-A") or _option(words, "--account")
        form = ("--noheader", "--parsable2", "show", "assoc", "format=User,GrpSubmit,MaxSubmit")
        limits = real("sacctmgr", *form, *([f"account={account}"] if account else []))
        own = ("", os.environ.get("USER") or _user())
        rows = [line.split("|") for line in limits.stdout.splitlines()]
        if account and any(row[0] in own and "0" in row[1:3] for row in rows):
            return f"the account {account} is closed: its limit of submitted jobs is 0"
        return ""
    if limit := re.search(r"^sbatch: error: (\w+Limit)$", stderr, flags=re.MULTILINE):
        return f"{limit[1]}: the job requests more than the limit; waiting does not help"
    queue = real("squeue", "--noheader", "--format=%i", "--me")
    is_empty = queue.returncode == 0 and not queue.stdout.strip()
    return (
        f"{reason(stderr)}; no job of yours is in the queue: the job requests too much"
        if is_empty
        else ""
    )


def _user() -> str:
    import getpass

    return getpass.getuser()


SLURM = Scheduler(
    command="sbatch",
    temporary=(
        r"unable to contact|timed? ?out|connection|communication|zero bytes|unexpected message"
        r"|(send|receive)\w* (failure|error)|temporarily|standby|munge|authentication"
        r"|accounting/QOS policy|partition not available"
    ),
    jobs=_slurm_jobs,
    closed=_slurm_closed,
    accepted="{}\n",
    job_id=r"(\d+)",
    variables={},
)


def sbatch(words: list[str]) -> Done:
    """sbatch's answer."""
    return submit(SLURM, words)


# LSF: rule, wildcards and the run's id are the job's name.


def _lsf_jobs(words: list[str]) -> set[str] | None:
    if not (name := _option(words, "-J")):
        return set()
    form = "jobid job_name delimiter='|'"
    listing = real("bjobs", "-noheader", "-o", form, "-aJ", f"*{run_id(words)}*")
    if listing.returncode != 0 and not re.search(
        r"is not found|no \w* ?job found", listing.stderr, re.I
    ):
        return None
    rows = [line.split("|", 1) for line in listing.stdout.splitlines()]
    return {row[0].strip() for row in rows if len(row) == 2 and row[1].strip() == name}


LSF = Scheduler(
    command="bsub",
    temporary=(
        r"not responding|please wait|still trying|timed? ?out|connection|cannot connect"
        r"|communication|retrying|temporarily|(limit|threshold)\b.* reached"
    ),
    jobs=_lsf_jobs,
    closed=lambda _words, _stderr: "",
    accepted="Job <{}> is submitted to default queue.\n",
    job_id=r"Job <(\d+)>",
    # bsub itself retries for ever without telling the plugin: the number of its tries
    variables={"LSB_NTRIES": os.environ.get("LSB_NTRIES", "2")},
)


def bsub(words: list[str]) -> Done:
    """bsub's answer."""
    return submit(LSF, words)
