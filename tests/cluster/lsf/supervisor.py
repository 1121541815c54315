"""The part of the emulated LSF that runs jobs: what dispatches them and what watches over each.

Each running job has one supervisor process, as it has a child of sbatchd in LSF; who frees a slot
starts what waits for it.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import layout
from state import (
    FINISHED,
    HOST,
    ON_HOST,
    ROOT,
    all_jobs,
    changing,
    enter,
    fault,
    locked,
    save,
    seconds,
    setting,
)

EMULATOR = Path(__file__).with_name("emulator.py")
PR_SET_CHILD_SUBREAPER = 36


def dispatch() -> None:
    """Start every pending job that fits into what is free, oldest first. Call it locked."""
    jobs = all_jobs()
    free = int(setting("SLOTS")) - sum(job["slots"] for job in jobs if job["stat"] in ON_HOST)
    memory = int(setting("HOST_MEMORY") or 10**9) * 1024
    memory -= sum(job["reserved"] for job in jobs if job["stat"] in ON_HOST)
    for job in jobs:
        if job["stat"] == "PEND" and job["slots"] <= free and job["reserved"] <= memory:
            free -= job["slots"]
            memory -= job["reserved"]
            job["start_time"] = time.time()
            enter(job, "RUN")
            with open(ROOT / "supervisors.log", "a") as log:
                job["supervisor"] = subprocess.Popen(
                    [sys.executable, "-ES", EMULATOR, "supervise", str(job["id"])],
                    env=json.loads((ROOT / "spool" / f"{job['id']}.env").read_text()),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                ).pid  # fmt: skip
            save(job)


def processes_below(pid: int) -> dict[int, int]:
    """The living descendants of a process, with the KB of memory each has resident."""
    children = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                kb = int(fields[21]) * resource.getpagesize() // 1024
                children.setdefault(int(fields[1]), []).append((int(entry.name), kb))
    below, todo = {}, [pid]
    while todo:
        found = children.get(todo.pop(), [])
        below.update(found)
        todo += [child for child, _ in found]
    return below


def send(number: int, supervisor: int) -> None:
    """Signal every process of a job."""
    for pid in processes_below(supervisor):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class Supervisor:
    """Runs one job as sbatchd does: starts it, holds it to its limits, reports its end."""

    def __init__(self, job_id: int):
        self.job_id = job_id
        self.reason = ""
        self.due = []  # (when, signal) still to be sent, once the job has to end
        self.ran = 0.0
        self.looks = self.memory = 0

    def run(self) -> None:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # its orphans stay below us
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
            signal.signal(number, signal.SIG_DFL)  # whatever the caller of bsub ignores
        with changing(self.job_id) as job:
            main = self.start(job)
            job["pid"] = main.pid
        looked = time.monotonic()
        while main.poll() is None:
            with changing(self.job_id) as job:
                now = time.monotonic()
                self.look(job, now - looked)
                looked = now
            if fault("host-lost"):
                return self.lose()
            with suppress(subprocess.TimeoutExpired):
                main.wait(seconds("POLL_SECONDS"))
        self.finish(main.returncode)

    def start(self, job: dict) -> subprocess.Popen:
        cwd = job["cwd"] if os.access(job["cwd"], os.X_OK) else "/tmp"
        script = ROOT / "spool" / f"{self.job_id}.sh"
        script.write_text(job["command"] + "\n")
        hosts = " ".join([HOST] * job["slots"])
        told = {
            "JOBID": self.job_id, "JOBINDEX": 0, "JOBNAME": job["name"], "QUEUE": job["queue"],
            "HOSTS": hosts, "MCPU_HOSTS": f"{HOST} {job['slots']}", "SUB_HOST": HOST,
            "BATCH_JID": self.job_id, "JOBFILENAME": script,
        }  # fmt: skip
        env = os.environ | {f"LSB_{name}": str(value) for name, value in told.items()}
        with (
            open(script.with_suffix(".out"), "wb") as out,
            open(script.with_suffix(".err"), "wb") as err,
        ):
            return subprocess.Popen(
                ["/bin/sh", script], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out,
                stderr=err if job["error_file"] else out, start_new_session=True,
            )  # fmt: skip

    def look(self, job: dict, elapsed: float) -> None:
        """One look: what the job uses, what it has been told, which limit it is over."""
        memory = sum(processes_below(os.getpid()).values())
        self.looks, self.memory = self.looks + 1, self.memory + memory
        job.update(max_mem=max(job["max_mem"], memory), avg_mem=self.memory // self.looks)
        unreachable = fault("host-unreachable")
        if unreachable and job["stat"] in ON_HOST - {"UNKWN", "ZOMBI"}:
            enter(job, "UNKWN")
        elif not unreachable and job["stat"] == "UNKWN":
            enter(job, "RUN")
        elif fault("host-overloaded") and job["stat"] == "RUN":
            send(signal.SIGSTOP, os.getpid())
            enter(job, "SSUSP")
        elif not fault("host-overloaded") and job["stat"] == "SSUSP":
            send(signal.SIGCONT, os.getpid())
            enter(job, "RUN")
        self.ran += elapsed * (job["stat"] not in ("SSUSP", "USUSP"))
        if job["kill"] and not unreachable:
            self.end("TERM_OWNER", 0)
        elif job["memory_limit"] and memory > job["memory_limit"]:
            self.end("TERM_MEMLIMIT", 0)
        elif job["run_limit"] and self.ran > job["run_limit"] * seconds("SECONDS_PER_MINUTE"):
            self.end("TERM_RUNLIMIT", seconds("SECONDS_AFTER_USR2"))
        while self.due and self.due[0][0] <= time.monotonic():
            send(self.due.pop(0)[1], os.getpid())
            send(signal.SIGCONT, os.getpid())  # a stopped process takes no other signal

    def end(self, reason: str, grace: float) -> None:
        if not self.reason:
            self.reason = reason
            now, step = time.monotonic(), seconds("JOB_TERMINATE_INTERVAL")
            kinds = enumerate((signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
            self.due = [(now + grace + n * step, kind) for n, kind in kinds]
            if grace:
                self.due.insert(0, (now, signal.SIGUSR2))

    def clear(self) -> None:
        """Kill and collect whatever is left of the job."""
        while processes_below(os.getpid()):
            send(signal.SIGKILL, os.getpid())
            time.sleep(0.01)

    def lose(self) -> None:
        """The host goes down: the processes are gone, and nobody says so."""
        self.clear()
        with changing(self.job_id) as job:
            if job["stat"] not in FINISHED:
                enter(job, "UNKWN")

    def finish(self, code: int) -> None:
        self.clear()
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        with changing(self.job_id) as job:
            job["cpu"] = round(usage.ru_utime + usage.ru_stime, 2)
            job["exit_code"] = code if code >= 0 else 128 - code
            job["exit_reason"] = job["exit_reason"] or (self.reason if code else "")
            job["finish_time"] = time.time()
            layout.write_output(job)
        while fault("host-unreachable"):
            time.sleep(seconds("POLL_SECONDS"))
        with changing(self.job_id) as job:
            if job["stat"] not in FINISHED:
                enter(job, "EXIT" if code else "DONE")
        with locked():
            dispatch()
