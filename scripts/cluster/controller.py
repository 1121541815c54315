"""Starting a run on a cluster, watching it to its end, and going on after a crash.

Snakemake is a child process here. Its output passes through; each failure in it is explained at
once, and all of them in a table at the end. A watchdog ends a Snakemake that waits for jobs which
have left the queue (its plugins forget their jobs when every status query of a round fails).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psutil

from cluster import lsf, runs, slurm
from cluster.commands import Silent

STALL = 900.0  # seconds of silence, with nothing in the queue, after which Snakemake hangs
RESTARTS = 3  # after a hang, before giving up

Say = Callable[[str], None]


class Refused(RuntimeError):
    """A run that must not start, and what to do instead."""


def others(folder: Path) -> list[int]:
    """Process ids of other Snakemake controllers of this folder on this machine."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        mine = process.info["pid"] in (os.getpid(), os.getppid())
        if not mine and process.info["cwd"] == str(folder.resolve()):
            inner = any(word in words for word in ("--target-jobs", "--mode"))
            if any(Path(word).name == "snakemake" for word in words[:3]) and not inner:
                found.append(process.info["pid"])
    return found


def locked(folder: Path) -> bool:
    """Whether a run has locked this folder, and has not taken the lock away."""
    locks = folder / ".snakemake" / "locks"
    return locks.is_dir() and any(locks.iterdir())


def elsewhere(folder: Path) -> str:
    """The other machine on which this folder's last run was started, or ""."""
    for line in _last_log(folder).splitlines()[:40]:
        name, _, host = line.strip().partition(": ")
        if name == "Host" and host and host != socket.gethostname():
            return host
    return ""


def _last_log(folder: Path) -> str:
    logs = runs.logs(folder)
    return logs[-1].read_text(encoding="utf-8", errors="replace") if logs else ""


def ready(scheduler: str, folder: Path) -> None:
    """Refuse a start that would make two copies of a job.

    Raises:
        Refused: another controller runs, an earlier run's jobs are still there, or the folder is
            locked.
        Silent: the scheduler does not answer.
    """
    if pids := others(folder):
        raise Refused(f"a run of this folder is going on (process {pids[0]}); wait for it")
    jobs = runs.SCHEDULERS[scheduler].active(runs.run_ids(folder))
    if jobs:
        raise Refused(
            f"{len(jobs)} jobs of an earlier run are still in the queue; `make resume "
            f"PROFILE={scheduler} CONFIG=... OLD=wait` waits for them and goes on, OLD=cancel ends "
            "them first"
        )
    if locked(folder):
        raise Refused(
            f"an earlier run was cut off; `make resume PROFILE={scheduler} CONFIG=...` goes on"
        )


def settle(scheduler: str, folder: Path, old: str, say: Say, poll: float = 10) -> None:
    """Wait until no job of an earlier run is left: by itself ("wait") or cancelled ("cancel").

    Raises:
        Refused: another controller runs, or jobs are there and `old` says nothing of them.
    """
    if pids := others(folder):
        raise Refused(f"a run of this folder is going on (process {pids[0]}); wait for it")
    if locked(folder) and (host := elsewhere(folder)) and old not in ("wait", "cancel"):
        raise Refused(
            f"the last run was started on {host}: make sure there that it is gone, then say "
            "OLD=wait or OLD=cancel"
        )
    module, ids = runs.SCHEDULERS[scheduler], runs.run_ids(folder)
    jobs = _patiently(module.active, ids, say, poll)
    if jobs and old == "cancel":
        say(f"cancelling {len(jobs)} jobs of earlier runs: {' '.join(sorted(jobs))}")
        _cancel(module, jobs, say)
    elif jobs and old != "wait":
        raise Refused(
            f"{len(jobs)} jobs of earlier runs are still in the queue ({' '.join(sorted(jobs))}): "
            "say OLD=wait to wait for them, or OLD=cancel to end them"
        )
    told = None
    while jobs:
        lost = {job_id: state for job_id, state in jobs.items() if state in lsf.LOST}
        if lost:
            say(f"{len(lost)} jobs are on hosts that do not answer; they are removed")
            _cancel(module, lost, say)
        if len(jobs) != told:
            say(f"waiting for {len(jobs)} jobs of earlier runs: {' '.join(sorted(jobs))}")
            told = len(jobs)
        time.sleep(poll)
        jobs = _patiently(module.active, ids, say, poll)


def _patiently(active: Callable, ids: list[str], say: Say, poll: float) -> dict[str, str]:
    """Jobs that are still there, asked for until the scheduler answers."""
    while True:
        try:
            return active(ids)
        except Silent as error:
            say(f"{error}; asking again")
            time.sleep(poll)


def _cancel(module: ModuleType, jobs: dict[str, str], say: Say) -> None:
    """Ask for the end of jobs; one that has just ended is an error there, and none here."""
    try:
        module.cancel(jobs)
    except Silent as error:
        say(str(error))


def unlock(snakemake: list[str]) -> None:
    """Take away the lock of a run that is gone."""
    subprocess.run([*snakemake, "--unlock"], capture_output=True, check=False)


class Watchdog:
    """Ends a Snakemake that is silent while none of its jobs is in the queue any more.

    Args:
        scheduler: a module with `active`. reader: knows the run's id from Snakemake's output.
        stall: seconds.
        end: called once when Snakemake hangs.
    """

    def __init__(self, scheduler, reader: runs.Reader, stall: float, end: Callable) -> None:
        self._scheduler, self._reader, self._stall, self._end = scheduler, reader, stall, end
        self._alive = time.monotonic()
        self._stop = threading.Event()
        self.barked = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def heard(self) -> None:
        """Snakemake said something."""
        self._alive = time.monotonic()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(min(30.0, self._stall / 4)):
            if self._reader.submitted and self._queue_is_busy():
                self._alive = time.monotonic()
            if self._reader.submitted and time.monotonic() - self._alive > self._stall:
                self.barked = True
                self._end()
                return

    def _queue_is_busy(self) -> bool:
        """Whether jobs are there; where the scheduler is silent they may be."""
        try:
            return bool(self._scheduler.active([self._reader.run_id]))
        except Silent:
            return True


def run(snakemake: list[str], scheduler: str, folder: Path, say: Say, stall: float = STALL) -> int:
    """Run Snakemake to its end; started again where it loses sight of its jobs.

    Returns:
        Its exit status.
    """
    failed: list[tuple[runs.Failure, str]] = []
    for restart in range(RESTARTS + 1):
        life = _Life(snakemake, scheduler, folder, say, stall, failed)
        orphans = {} if life.status == 0 else life.orphans()
        if life.interrupted:
            break
        if life.hung:
            say(f"Snakemake was silent for {stall:.0f} s though no job of it is in the queue")
        elif orphans:
            say(f"Snakemake ended though {len(orphans)} of its jobs are still in the queue")
        else:
            break
        if restart == RESTARTS:
            say(f"it lost sight of its jobs {RESTARTS + 1} times; giving up")
            break
        say("it lost sight of its jobs, and is started again; what is done stays done")
        settle(scheduler, folder, "wait", say)
        unlock(snakemake)
    if failed:
        say(runs.table(failed))
    return life.status


class _Life:
    """One life of Snakemake, from its start to its end.

    Attributes:
        status: its exit status.
        hung: whether the watchdog ended it. interrupted: whether we were told to end it.
    """

    def __init__(
        self,
        snakemake: list[str],
        scheduler: str,
        folder: Path,
        say: Say,
        stall: float,
        failed: list[tuple[runs.Failure, str]],
    ) -> None:
        self._module, self._reader = runs.SCHEDULERS[scheduler], runs.Reader()
        self.interrupted = False
        self._child = subprocess.Popen(
            snakemake,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | {runs.WATCHED: "1"},
            start_new_session=True,  # signals reach it through us, once
        )
        numbers = signal.SIGINT, signal.SIGTERM
        before = {number: signal.signal(number, self._interrupt) for number in numbers}
        watchdog = Watchdog(self._module, self._reader, stall, self._kill)
        for line in self._child.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            watchdog.heard()
            if failure := self._reader.feed(line):
                cause = runs.why(failure, self._module, folder)
                failed.append((failure, cause))
                say(f"why {failure.rule} failed: {cause}")
                self._remove_if_lost(failure.job_id)
        self.status = self._child.wait()
        watchdog.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
        self.hung = watchdog.barked

    def _remove_if_lost(self, job_id: str) -> None:
        """A job given up on a silent host must not come back beside its next attempt."""
        if self._module is lsf and job_id:
            with contextlib.suppress(Silent):
                jobs = lsf.active([self._reader.run_id])
                lsf.cancel({j: s for j, s in jobs.items() if j == job_id and s in lsf.LOST})

    def _interrupt(self, _number: int, _frame: object) -> None:
        """Snakemake cancels its jobs on SIGINT alone; SIGTERM would wait for them."""
        self.interrupted = True
        self._child.send_signal(signal.SIGINT)

    def _kill(self) -> None:
        os.killpg(self._child.pid, signal.SIGKILL)

    def orphans(self) -> dict[str, str]:
        """Jobs of this life that are still there, though it has ended."""
        try:
            jobs = self._module.active([self._reader.run_id] if self._reader.run_id else [])
        except Silent:
            return {}
        return {job_id: state for job_id, state in jobs.items() if state != slurm.ENDING}
