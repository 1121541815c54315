"""What the emulated LSF knows: its settings, its jobs and its event log, all in files below a root.

A job is one JSON file, written under a lock and replaced whole, so that it can be read at any time.
Nothing here starts, watches or prints a job.
"""

import fcntl
import json
import os
import pwd
import socket
import time
from contextlib import contextmanager
from pathlib import Path

SETTINGS = {  # LSF_EMULATOR_<name> in the environment changes one
    "SLOTS": "2",
    "TASKLIMIT": "64",  # bsub refuses a larger -n; one above SLOTS pends for ever
    "QUEUES": "normal short",
    "DEFAULT_QUEUE": "normal",
    "QUEUE_MEMLIMIT": "",  # for jobs without -M, in the unit below
    "QUEUE_MEMLIMIT_MOST": "",  # the queue's hard limits: of -M in the unit below, of -W in minutes
    "QUEUE_RUNLIMIT_MOST": "",
    "HOST_MEMORY": "",  # MB that jobs may reserve together; empty: as many as they like
    "RESERVE_PER_TASK": "N",  # RESOURCE_RESERVE_PER_TASK of lsb.params
    "UNIT_FOR_LIMITS": "MB",  # empty: not in lsf.conf, where LSF takes KB
    "SECONDS_PER_MINUTE": "60",  # of -W
    "SECONDS_AFTER_USR2": "600",
    "JOB_TERMINATE_INTERVAL": "10",
    "CLEAN_PERIOD": "3600",
    "BJOBS_CONSISTENT_EXIT_CODE": "N",
    "POLL_SECONDS": "0.2",
}
CLUSTER = "cluster1"
ROOT = Path(os.environ["LSF_EMULATOR_ROOT"])
USER = pwd.getpwuid(os.geteuid()).pw_name
HOST = socket.gethostname()
KB = {"K": 1, "M": 1024, "G": 1024**2, "T": 1024**3}
EVENT_CODES = {"PEND": 1, "PSUSP": 2, "RUN": 4, "SSUSP": 8, "USUSP": 16, "EXIT": 32, "DONE": 64}
EVENT_CODES |= {"UNKWN": 65536}
POST_DONE = 192  # the post-processing of a job that is done; there is none here
FINISHED = {"DONE", "EXIT"}
ON_HOST = {"RUN", "SSUSP", "USUSP", "UNKWN", "ZOMBI"}  # these hold their slots


class RefusedError(Exception):
    """What a command says on standard error before it exits with 255."""


def setting(name: str) -> str:
    return os.environ.get("LSF_EMULATOR_" + name, SETTINGS[name])


def seconds(name: str) -> float:
    return float(setting(name))


def fault(name: str) -> bool:
    return (ROOT / "faults" / name).exists()


@contextmanager
def locked():
    with open(ROOT / "lock", "a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def load(job_id: int) -> dict:
    return json.loads((ROOT / "jobs" / f"{job_id}.json").read_text())


def save(job: dict) -> None:
    part = ROOT / "jobs" / f"{job['id']}.part"
    part.write_text(json.dumps(job))
    os.replace(part, ROOT / "jobs" / f"{job['id']}.json")


@contextmanager
def changing(job_id: int):
    with locked():
        job = load(job_id)
        yield job
        save(job)


def all_jobs() -> list[dict]:
    return [load(job_id) for job_id in sorted(int(p.stem) for p in ROOT.glob("jobs/*.json"))]


def log_event(kind: str, *fields: str | int | float) -> None:
    """One record of lsb.events: strings quoted, a quote doubled, numbers bare, blanks between."""
    words = [
        '"' + word.replace('"', '""').replace("\n", ";") + '"'
        if isinstance(word, str)
        else f"{word:.10g}"
        for word in (kind, "10.1", int(time.time()), *fields)
    ]
    with open(ROOT / "work" / CLUSTER / "logdir" / "lsb.events", "a") as handle:
        handle.write(" ".join(words) + "\n")


def enter(job: dict, stat: str) -> None:
    """Put a job into a state and log that; the caller holds the lock and saves."""
    now = time.time()
    job["spent"][job["stat"]] = job["spent"].get(job["stat"], 0) + now - job["since"]
    job.update(stat=stat, since=now)
    if stat in FINISHED:
        job["finish_time"] = now
    if stat in EVENT_CODES:
        log_event("JOB_STATUS", job["id"], EVENT_CODES[stat], 0, 0, job["cpu"], int(now), 0,
                  job["exit_code"] << 8, 0, 0)  # fmt: skip
    if stat == "DONE":  # and the post-processing, of which there is none here
        log_event("JOB_STATUS", job["id"], POST_DONE, 0, 0, job["cpu"], int(now), 0, 0, 0, 0)
