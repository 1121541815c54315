"""Snakemake as a child process of the controller: its output, its failures, its signals."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from cluster import lsf, slurm, snakemake_logs, submission_wrappers, terminal
from cluster.scheduler_commands import CommandFailed
from cluster.watchdog import Report, Watchdog

CANCEL_SECONDS = 60.0  # seconds for cancelled jobs to leave the queue

INTERRUPTED_TEXT = "stopping: the jobs of this run are cancelled; a second signal kills Snakemake\n"


class SnakemakeProcess:
    """One start of Snakemake: its output is printed, and each failure in it is explained at once.

    SIGINT and SIGTERM end the run: Snakemake gets SIGINT, on which it cancels its jobs (on
    SIGTERM it would wait for them), and is killed at the second time.

    Attributes:
        status: its exit status.
        hung: whether the watchdog ended it. interrupted: how many signals asked to end it.
        refused: whether no further job can be submitted.
    """

    def __init__(
        self,
        snakemake: list[str],
        scheduler: str,
        folder: Path,
        say: Report,
        stall: float,
        failed: list[tuple[snakemake_logs.Failure, str]],
    ) -> None:
        self._module, self._reader = snakemake_logs.SCHEDULERS[scheduler], snakemake_logs.Reader()
        self._folder, self._say, self._failed = folder, say, failed
        self._child: subprocess.Popen | None = None
        self.interrupted, self.refused = 0, False
        submission_wrappers.begin(folder)
        # before the child starts: a signal that is ignored now would stay so in it
        numbers = signal.SIGINT, signal.SIGTERM
        before = {number: signal.signal(number, self._interrupt) for number in numbers}
        try:
            self._run(snakemake, stall)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _run(self, snakemake: list[str], stall: float) -> None:
        self._child = subprocess.Popen(
            snakemake,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | {snakemake_logs.WATCHED: "1"},
            start_new_session=True,  # signals reach it through the controller, once
        )
        if self.interrupted:  # while it was started
            self._child.send_signal(signal.SIGINT)
        watchdog = Watchdog(self._module, self._reader, stall, self._kill, self._folder, self._say)
        hidden = False
        for line in self._child.stdout:
            # hide the traceback of an interrupted Python
            hidden = hidden or (self.interrupted > 0 and line.startswith("Traceback (most recent"))
            if not hidden:
                terminal.show(line)
            watchdog.note_output()
            if failure := self._reader.feed(line):
                self._explain(failure)
        self.status = self._child.wait()
        watchdog.stop()
        self.hung = watchdog.hung

    def _explain(self, failure: snakemake_logs.Failure) -> None:
        """Report why an attempt failed; a cause that all submissions share is reported once."""
        cause = snakemake_logs.why(failure, self._module, self._folder)
        reported = failure.refusal and any(cause == other for _, other in self._failed)
        self._failed.append((failure, cause))
        if not reported:
            self._say(f"why {failure.rule} failed: {cause}")
        self._remove_from_unreachable_host(failure.job_id)
        if failure.refusal and (self._module is lsf or snakemake_logs.concerns_all_jobs(failure)):
            # Snakemake would try every job three times, and its SIGTERM may block for ever
            self.refused = True
            submission_wrappers.end(self._folder, failure.refusal)

    def _remove_from_unreachable_host(self, job_id: str) -> None:
        """Remove a job on an unreachable host: it must not run at the same time as its retry."""
        if self._module is lsf and job_id:
            with contextlib.suppress(CommandFailed):
                jobs = lsf.active([self._reader.run_id])
                lsf.cancel({j: s for j, s in jobs.items() if j == job_id and s in lsf.UNREACHABLE})

    def _interrupt(self, _number: int, _frame: object) -> None:
        self.interrupted += 1
        if self._child is None:
            return
        submission_wrappers.end(self._folder)  # no further submissions
        if self.interrupted == 1:
            with contextlib.suppress(OSError):  # print() is unsafe in a signal handler
                os.write(1, INTERRUPTED_TEXT.encode())
            self._child.send_signal(signal.SIGINT)
        else:
            self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)

    def orphans(self) -> dict[str, str]:
        """Jobs of this process that are still in the queue after it has ended."""
        try:
            jobs = self._module.active([self._reader.run_id] if self._reader.run_id else [])
        except CommandFailed:
            return {}
        return {job_id: state for job_id, state in jobs.items() if state != slurm.ENDING}

    def cancel_orphans(self) -> None:
        """Cancel the jobs that an interrupted Snakemake left in the queue, and report them."""
        deadline, named = time.monotonic() + CANCEL_SECONDS, set()
        while (jobs := self.orphans()) and time.monotonic() < deadline:
            if new := sorted(set(jobs) - named):
                named |= set(new)
                self._say(f"cancelling {len(new)} jobs left in the queue: {' '.join(new)}")
                try:
                    self._module.cancel(jobs)
                except CommandFailed as error:
                    self._say(str(error))
            time.sleep(1)
        if jobs:
            self._say(f"still in the queue: {' '.join(sorted(jobs))}")
