"""Detect a Snakemake that hangs, and report why its submissions and its jobs wait."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cluster import snakemake_logs, submission_wrappers
from cluster.scheduler_commands import CommandFailed

SUBMISSION_CHECK_SECONDS = 5.0  # between two checks of waiting submissions
QUEUE_CHECK_SECONDS = 30.0  # between two queries of the queue
PENDING_SECONDS = float(os.environ.get("DEEPFAKE_PENDING", 900))  # then it is reported

Report = Callable[[str], None]


class Watchdog:
    """Ends a Snakemake that prints nothing while none of its jobs is in the queue.

    A waiting submission counts as activity. Why submissions and jobs wait is reported.

    Args:
        scheduler: a module with `active`, `WAITING` and `reasons`.
        reader: has the run's id from Snakemake's output.
        stall: seconds without activity.
        end: called once when Snakemake hangs.
        folder: of the run. say: prints a line.
    """

    def __init__(
        self,
        scheduler,
        reader: snakemake_logs.Reader,
        stall: float,
        end: Callable,
        folder: Path = Path(),
        say: Report = print,
    ) -> None:
        self._scheduler, self._reader, self._stall, self._end = scheduler, reader, stall, end
        self._folder, self._say = folder, say
        self._last_activity = time.monotonic()
        self._shown: set[str] = set()  # reasons of waiting submissions
        self._pending = PendingJobs(scheduler, say)
        self._stop = threading.Event()
        self.hung = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def note_output(self) -> None:
        """Snakemake printed something."""
        self._last_activity = time.monotonic()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        queried = time.monotonic()
        while not self._stop.wait(min(SUBMISSION_CHECK_SECONDS, self._stall / 4)):
            now = time.monotonic()
            if reasons := submission_wrappers.waiting(self._folder).values():
                self._last_activity = now
                for reason in sorted(set(reasons) - self._shown):
                    self._shown.add(reason)
                    self._say(f"a submission waits and is retried: {reason}")
            if self._reader.submitted and now - queried >= min(
                QUEUE_CHECK_SECONDS, self._stall / 4
            ):
                queried = now
                if self._queue_is_busy():
                    self._last_activity = time.monotonic()
            if self._reader.submitted and time.monotonic() - self._last_activity > self._stall:
                self.hung = True
                self._end()
                return

    def _queue_is_busy(self) -> bool:
        """Whether jobs are in the queue; also true if the scheduler does not answer."""
        try:
            jobs = self._scheduler.active([self._reader.run_id])
            self._pending.update(jobs)
        except CommandFailed:
            return True
        return bool(jobs)


class PendingJobs:
    """Reports each job that waits too long, once, with its reason.

    Jobs of one reason share a line, and a reason is repeated after PENDING_SECONDS at the earliest.
    """

    def __init__(self, scheduler, say: Report, long: float = PENDING_SECONDS) -> None:
        self._scheduler, self._say, self._long = scheduler, say, long
        self._since: dict[str, float] = {}  # when each job was first found waiting
        self._reported: set[str] = set()
        self._named: dict[str, float] = {}  # when each reason was last named

    def update(self, jobs: dict[str, str]) -> None:
        """Take the current states of all jobs.

        Raises:
            CommandFailed: the scheduler does not answer.
        """
        now = time.monotonic()
        waiting = [job_id for job_id, state in jobs.items() if state in self._scheduler.WAITING]
        self._since = {job_id: self._since.get(job_id, now) for job_id in waiting}
        overdue = [job_id for job_id in waiting if now - self._since[job_id] >= self._long]
        if not set(overdue) - self._reported:
            return
        by_reason: dict[str, list[str]] = {}
        for job_id, reason in self._scheduler.reasons(overdue).items():
            if job_id not in self._reported:
                by_reason.setdefault(reason, []).append(job_id)
        for reason, job_ids in sorted(by_reason.items()):
            if now - self._named.get(reason, -self._long) >= self._long:
                self._named[reason] = now
                self._reported |= set(job_ids)
                names = " ".join(sorted(job_ids)[:5]) + " ..." * (len(job_ids) > 5)
                count = f"{len(job_ids)} job{'s' * (len(job_ids) != 1)}"
                self._say(f"not running for {self._long / 60:.0f} min: {count} ({names}): {reason}")
