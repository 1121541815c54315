"""Start a run on a cluster, watch it until it ends, and continue after a crash.

Snakemake is a child process (`snakemake_process`). A watchdog ends a Snakemake that waits for
jobs which have left the queue (its plugins forget their jobs when every status query of a round
fails); it is started again. All failures are in a table at the end.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psutil

from cluster import lsf, snakemake_logs
from cluster.scheduler_commands import CommandFailed
from cluster.snakemake_process import SnakemakeProcess
from cluster.watchdog import Report
from deepfake.core import partial_files

STALL_SECONDS = 900.0  # seconds of silence, with nothing in the queue, after which Snakemake hangs
RESTARTS = 3  # after hangs, before the run fails
INTERRUPTED = 130  # exit status after Ctrl-C


class StartRefused(RuntimeError):
    """A run that must not start; the message gives the remedy."""


def other_controllers(folder: Path) -> list[int]:
    """Process ids of other Snakemake controllers of this folder on this machine."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        is_own = process.info["pid"] in (os.getpid(), os.getppid())
        if not is_own and process.info["cwd"] == str(folder.resolve()):
            inner = any(word in words for word in ("--target-jobs", "--mode"))
            if any(Path(word).name == "snakemake" for word in words[:3]) and not inner:
                found.append(process.info["pid"])
    return found


def is_locked(folder: Path) -> bool:
    """Whether Snakemake's lock of this folder is still there."""
    locks = folder / ".snakemake" / "locks"
    return locks.is_dir() and any(locks.iterdir())


def last_host(folder: Path) -> str:
    """The other machine that started the last run of this folder, or ""."""
    for line in _last_log(folder).splitlines()[:40]:
        name, _, host = line.strip().partition(": ")
        if name == "Host" and host and host != socket.gethostname():
            return host
    return ""


def _last_log(folder: Path) -> str:
    logs = snakemake_logs.logs(folder)
    return logs[-1].read_text(encoding="utf-8", errors="replace") if logs else ""


def check_can_start(scheduler: str, folder: Path) -> None:
    """Refuse a start that would make two copies of a job.

    Raises:
        StartRefused: another controller runs, jobs of an earlier run are still in the queue, or
            the folder is locked.
        CommandFailed: the scheduler does not answer.
    """
    if pids := other_controllers(folder):
        raise StartRefused(f"a run of this folder is active (process {pids[0]}); wait for its end")
    jobs = snakemake_logs.SCHEDULERS[scheduler].active(snakemake_logs.run_ids(folder))
    if jobs:
        raise StartRefused(
            f"{len(jobs)} jobs of an earlier run are still in the queue; `make resume "
            f"PROFILE={scheduler} CONFIG=... OLD=wait` waits for them and continues; OLD=cancel "
            "cancels them first"
        )
    if is_locked(folder):
        raise StartRefused(
            f"an earlier run did not finish; continue it with `make resume PROFILE={scheduler} "
            "CONFIG=...`"
        )


def finish_old_jobs(scheduler: str, folder: Path, old: str, say: Report, poll: float = 10) -> None:
    """Wait until no job of an earlier run is left; with `old` "cancel" cancel them first.

    Raises:
        StartRefused: another controller runs, or jobs are there and `old` is empty.
    """
    if pids := other_controllers(folder):
        raise StartRefused(f"a run of this folder is active (process {pids[0]}); wait for its end")
    if is_locked(folder) and (host := last_host(folder)) and old not in ("wait", "cancel"):
        raise StartRefused(
            f"the last run was started on {host}: make sure that it has ended there, then set "
            "OLD=wait or OLD=cancel"
        )
    module, ids = snakemake_logs.SCHEDULERS[scheduler], snakemake_logs.run_ids(folder)
    jobs = _wait_for_answer(module.active, ids, say, poll)
    if jobs and old == "cancel":
        say(f"cancelling {len(jobs)} jobs of earlier runs: {' '.join(sorted(jobs))}")
        _cancel(module, jobs, say)
    elif jobs and old != "wait":
        raise StartRefused(
            f"{len(jobs)} jobs of earlier runs are still in the queue ({' '.join(sorted(jobs))}): "
            "set OLD=wait to wait for them, or OLD=cancel to cancel them"
        )
    reported = None
    while jobs:
        unreachable = {job_id: state for job_id, state in jobs.items() if state in lsf.UNREACHABLE}
        if unreachable:
            say(f"{len(unreachable)} jobs are on unreachable hosts; they are removed")
            _cancel(module, unreachable, say)
        if len(jobs) != reported:
            say(f"waiting for {len(jobs)} jobs of earlier runs: {' '.join(sorted(jobs))}")
            reported = len(jobs)
        time.sleep(poll)
        jobs = _wait_for_answer(module.active, ids, say, poll)


def _wait_for_answer(active: Callable, ids: list[str], say: Report, poll: float) -> dict[str, str]:
    """The active jobs; the query is repeated until the scheduler answers."""
    while True:
        try:
            return active(ids)
        except CommandFailed as error:
            say(f"{error}; the query is repeated")
            time.sleep(poll)


def _cancel(module: ModuleType, jobs: dict[str, str], say: Report) -> None:
    """Cancel jobs; an error, as of a job that has just ended, is only reported."""
    try:
        module.cancel(jobs)
    except CommandFailed as error:
        say(str(error))


def remove_partial_files(folder: Path, say: Report) -> None:
    """Remove incomplete files of killed jobs; only when no job is in the queue."""
    if removed := partial_files.remove_abandoned(folder / "results", jobs_may_run=False):
        count = f"{len(removed)} incomplete file{'s' * (len(removed) != 1)}"
        say(f"removed {count} of killed jobs, such as {removed[0]}")


def unlock(snakemake: list[str]) -> None:
    """Remove the lock of a run that has ended."""
    subprocess.run([*snakemake, "--unlock"], capture_output=True, check=False)


def run(
    snakemake: list[str], scheduler: str, folder: Path, say: Report, stall: float = STALL_SECONDS
) -> int:
    """Run Snakemake until it ends; restart it when it no longer tracks its jobs.

    Returns:
        Its exit status.
    """
    failed: list[tuple[snakemake_logs.Failure, str]] = []
    for restart in range(RESTARTS + 1):
        process = SnakemakeProcess(snakemake, scheduler, folder, say, stall, failed)
        if process.interrupted or process.refused:
            process.cancel_orphans()
            if process.interrupted and process.status < 0:  # it was killed
                unlock(snakemake)
                process.status = INTERRUPTED
            break
        orphans = {} if process.status == 0 else process.orphans()
        if process.hung:
            say(f"Snakemake was silent for {stall:.0f} s and none of its jobs is in the queue")
        elif orphans:
            say(f"Snakemake ended though {len(orphans)} of its jobs are still in the queue")
        else:
            break
        if restart == RESTARTS:
            say(f"Snakemake stopped tracking its jobs {RESTARTS + 1} times; the run fails")
            break
        say("Snakemake stopped tracking its jobs and is restarted; finished jobs are kept")
        finish_old_jobs(scheduler, folder, "wait", say)
        remove_partial_files(folder, say)
        unlock(snakemake)
    if failed:
        say(snakemake_logs.table(failed))
    return process.status
