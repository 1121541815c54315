"""An emulator of IBM LSF's commands: jobs are local processes, held to their limits.

It is not LSF. README.md says for each behaviour which page of IBM's it is written from, and what
is left out. Run as `emulator.py NAME ARGUMENTS`, where NAME is an LSF command; all state is in
files below LSF_EMULATOR_ROOT. Nothing listens on a network and no daemon stays.
"""

import fnmatch
import json
import os
import re
import shlex
import signal
import sys
import time

from layout import customised, history, stamp
from state import (
    CLUSTER,
    EVENT_CODES,
    FINISHED,
    HOST,
    KB,
    ROOT,
    USER,
    RefusedError,
    all_jobs,
    changing,
    enter,
    fault,
    locked,
    log_event,
    save,
    seconds,
    setting,
)
from supervisor import Supervisor, dispatch, send


def options_of(argv: list[str], valued: set[str], flags: set[str]) -> tuple[dict, list[str]]:
    """({option: its values}, operands); letters may be joined as getopt allows (-aJ NAME)."""
    found, rest = {}, list(argv)
    while rest and re.match(r"-\w", rest[0]):
        word = rest.pop(0)[1:]
        while word not in valued | flags and word[0] in flags and len(word) > 1:
            found[word[0]], word = [], word[1:]
        if word in flags:
            found[word] = []
        elif word in valued and rest:
            found.setdefault(word, []).append(rest.pop(0))
        else:
            raise RefusedError(f"emulator: option -{word} is not emulated: {shlex.join(argv)}")
    return found, rest


def reserved(requirement: str, slots: int) -> int:
    """KB that rusage[mem=...] reserves; MB where neither it nor LSF_UNIT_FOR_LIMITS has a unit."""
    match = re.search(r"rusage\[(?:[^]]*:)?mem=([0-9.]+)([KMGT]?)B?(/job|/task)?", requirement)
    if not match:
        return 0
    per_task = match[3] == "/task" or (not match[3] and setting("RESERVE_PER_TASK") == "Y")
    unit = match[2] or (setting("UNIT_FOR_LIMITS") or "MB")[0]
    return int(float(match[1]) * KB[unit]) * (slots if per_task else 1)


def bsub(argv: list[str]) -> int:
    options, words = options_of(argv, {*"JoePqWnRM", "env", "cwd"}, set())
    value = {name: values[-1] for name, values in options.items()}

    def number(option: str, form: str, default: str) -> re.Match:
        if match := re.fullmatch(form, value.get(option, default)):
            return match
        raise RefusedError(
            f"{value[option]}: Bad argument for option -{option}. Job not submitted."
        )

    if not words or value.get("env", "all") != "all" or "[" in value.get("J", ""):
        raise RefusedError(f"emulator: this form of bsub is not emulated: {shlex.join(argv)}")
    if fault("bsub-refuse"):
        reason = (ROOT / "faults" / "bsub-refuse").read_text().strip()
        raise RefusedError(f"{reason or 'User permission denied'}. Job not submitted.")
    queue = value.get("q", setting("DEFAULT_QUEUE"))
    if queue not in setting("QUEUES").split():
        raise RefusedError(f"{queue}: No such queue. Job not submitted.")
    slots = int(number("n", r"(\d+)(,\d+)?", "1")[1])
    if not 0 < slots <= int(setting("TASKLIMIT")):
        raise RefusedError("Too many processors requested. Job not submitted.")
    if not all(re.fullmatch(r"(\w+\[[^][]+\]\s*)+", text) for text in options.get("R", [])):
        raise RefusedError("Bad resource requirement syntax. Job not submitted.")
    hours, minutes = number("W", r"(?:(\d+):)?(\d+)(?:/\S+)?", "0").groups()
    amount, unit = number("M", r"(\d+)([KMGT]?)B?!?", setting("QUEUE_MEMLIMIT") or "0").groups()
    default = (setting("UNIT_FOR_LIMITS") or "KB")[0]
    run_limit, memory_limit = int(hours or 0) * 60 + int(minutes), int(amount) * KB[unit or default]
    most = {
        "RUNLIMIT": (run_limit, int(setting("QUEUE_RUNLIMIT_MOST") or 0)),
        "MEMLIMIT": (memory_limit, int(setting("QUEUE_MEMLIMIT_MOST") or 0) * KB[default]),
    }
    for name, (wanted, limit) in most.items():
        if limit and wanted > limit:
            raise RefusedError(f"{name}: Cannot exceed queue's hard limit(s). Job not submitted.")
    now = time.time()
    cwd = os.path.abspath(value.get("cwd", os.getcwd()))
    job = {
        "name": value.get("J", " ".join(words)), "command": " ".join(words), "cwd": cwd,
        "project": value.get("P", "default"), "queue": queue, "slots": slots,
        "requirement": " ".join(options.get("R", [])),
        "reserved": reserved(" ".join(options.get("R", [])), slots),
        "run_limit": run_limit, "memory_limit": memory_limit,
        "stat": "PEND", "since": now, "spent": {}, "submit_time": now, "start_time": 0,
        "finish_time": 0, "pid": 0, "supervisor": 0, "kill": False, "exit_code": 0,
        "exit_reason": "", "cpu": 0, "max_mem": 0, "avg_mem": 0,
    }  # fmt: skip
    with locked():
        job["id"] = max((other["id"] for other in all_jobs()), default=100) + 1
        for key, option in (("output_file", "o"), ("error_file", "e")):
            name = value.get(option, "").replace("%J", str(job["id"])).replace("%I", "0")
            job[key] = os.path.join(cwd, name) if name else ""
        if job["error_file"] == job["output_file"]:  # then it all goes to the output file
            job["error_file"] = ""
        (ROOT / "spool" / f"{job['id']}.env").write_text(json.dumps(dict(os.environ)))
        log_event(
            "JOB_NEW", job["id"], os.geteuid(), 0, slots, int(now), 0, 0, 0, 0, 0, USER,
            *[-1] * 9, job["run_limit"] * 60 or -1, -1, "", 0.0, 18, queue, job["requirement"],
            HOST, cwd, "", "", job["output_file"], job["error_file"], os.path.expanduser("~"),
            f"{int(now)}.{job['id']}", 0, "", "", job["name"], job["command"], 0, "",
            job["project"], 0, slots,
        )  # fmt: skip
        save(job)
        dispatch()
    if fault("bsub-lost-answer"):
        raise RefusedError("batch system daemon not responding ... still trying")
    chosen = "queue" if "q" in value else "default queue"
    print(f"Job <{job['id']}> is submitted to {chosen} <{queue}>.")
    return 0


TABLE = "jobid:7 user:7 stat:5 queue:10 from_host:11 exec_host:11 job_name:10 submit_time"
STATES = {  # which jobs an option of bjobs shows, and what it calls them
    "a": (FINISHED | set(EVENT_CODES) | {"ZOMBI"}, ""),
    "d": (FINISHED, "finished "),
    "p": ({"PEND", "PSUSP"}, "pending "),
    "r": ({"RUN"}, "running "),
    "s": ({"PSUSP", "USUSP", "SSUSP"}, "suspended "),
    "": (set(EVENT_CODES) - FINISHED | {"ZOMBI"}, "unfinished "),
}


def bjobs(argv: list[str]) -> int:
    if fault("bjobs-empty"):
        return 0
    options, ids = options_of(argv, {*"oJqu"}, {*"adprslw", "noheader", "json"})
    states, kind = STATES[next((flag for flag in STATES if flag in options), "")]
    cleaned = time.time() - seconds("CLEAN_PERIOD")
    jobs = [job for job in all_jobs() if not (job["stat"] in FINISHED and job["since"] < cleaned)]
    if ids:
        missing = [word for word in ids if word not in {str(job["id"]) for job in jobs}]
        jobs = [job for job in jobs if str(job["id"]) in ids]
    else:
        jobs = [job for job in jobs if job["stat"] in states]
        jobs = [job for job in jobs if job["queue"] in options.get("q", [job["queue"]])]
        names = options.get("J", ["*"])
        jobs = [job for job in jobs if fnmatch.fnmatchcase(job["name"], names[-1])]
        missing = [] if jobs or "J" not in options else names
    form = options.get("o", [re.sub(r":\d+", "", TABLE) if "w" in options else TABLE])[-1]
    if "json" in options:
        heads, *rows = (row.split("\t") for row in customised(jobs, f"{form} delimiter='\t'"))
        rows = [["" if word == "-" else word for word in row] for row in rows]
        records = [dict(zip(heads, row, strict=True)) for row in rows]
        records += [{"JOBID": word, "ERROR": f"Job <{word}> is not found"} for word in missing]
        print(json.dumps({"COMMAND": "bjobs", "JOBS": len(records), "RECORDS": records}, indent=2))
    elif "l" in options:
        print(("-" * 78 + "\n").join(history(job, "bjobs") for job in jobs), end="")
    elif jobs:
        print("\n".join(customised(jobs, form)["noheader" in options :]))
    for word in missing:
        print(f"Job <{word}> is not found", file=sys.stderr)
    if not jobs and not missing:
        print(f"No {kind}job found", file=sys.stderr)
    strict = setting("BJOBS_CONSISTENT_EXIT_CODE") == "Y"
    return 255 if missing or (strict and not jobs) else 0


def bkill(argv: list[str]) -> int:
    options, ids = options_of(argv, {*"Jsq"}, {"r"})
    jobs = [job for job in all_jobs() if job["stat"] not in FINISHED]
    for pattern in options.get("J", []):
        jobs = [job for job in jobs if fnmatch.fnmatchcase(job["name"], pattern)]
    if not ids and "J" not in options:
        raise RefusedError('Job ID, "0", -J, -m, -u, or -q must be specified')
    if ids not in ([], ["0"]):
        known = {str(job["id"]): job["stat"] for job in all_jobs()}
        jobs = [job for job in jobs if str(job["id"]) in ids]
        for word in ids:
            if known.get(word, "EXIT") in FINISHED:
                end = "Job has already finished" if word in known else "No matching job found"
                print(f"Job <{word}>: {end}", file=sys.stderr)
    elif not jobs:
        print("No matching job found", file=sys.stderr)
    elif not ids:  # without the 0 it is only the newest of that name
        jobs = jobs[-1:]
    kind = options.get("s", ["KILL"])[-1].removeprefix("SIG")
    for job_id in [job["id"] for job in jobs]:
        with changing(job_id) as job:
            print(f"Job <{job_id}> is being {told_to(job, kind, 'r' in options)}")
    with locked():
        dispatch()
    return 0 if jobs and len(jobs) >= len({*ids} - {"0"}) else 255


def told_to(job: dict, kind: str, force: bool) -> str:
    """Do to one job what bkill asks for, and name it."""
    waiting = job["stat"] in ("PEND", "PSUSP")
    if kind in ("STOP", "CONT"):
        enter(job, {"STOP": ("USUSP", "PSUSP"), "CONT": ("RUN", "PEND")}[kind][waiting])
        send(getattr(signal, "SIG" + kind), job["supervisor"]) if not waiting else None
        return "stopped" if kind == "STOP" else "resumed"
    if kind != "KILL":
        raise RefusedError(f"emulator: bkill -s {kind} is not emulated")
    job["kill"] = True
    if waiting or force:
        lost = job["stat"] in ("UNKWN", "ZOMBI")
        job["exit_reason"] = "TERM_FORCE_OWNER" if lost else "TERM_OWNER"
        enter(job, "EXIT")
    elif job["stat"] == "UNKWN":
        enter(job, "ZOMBI")
    return "terminated"


def bhist(argv: list[str]) -> int:
    options, ids = options_of(argv, set(), {*"ladrp"})
    jobs = [job for job in all_jobs() if not ids or str(job["id"]) in ids]
    if not ids and "a" not in options:
        jobs = [job for job in jobs if job["stat"] not in FINISHED]
    if not jobs:
        raise RefusedError("No matching job found")
    if "l" not in options:
        raise RefusedError("emulator: bhist without -l is not emulated")
    print(("-" * 78 + "\n").join(history(job, "bhist") for job in jobs), end="")
    return 0


def badmin(argv: list[str]) -> int:
    if argv[:2] != ["showconf", "mbd"]:
        raise RefusedError(f"emulator: badmin {shlex.join(argv)} is not emulated")
    print(f"MBD configuration at {stamp(time.time(), '%a %b %e %H:%M:%S %Y')}")
    unit = setting("UNIT_FOR_LIMITS")
    shown = {"LSB_SHAREDIR": ROOT / "work", "LSF_CONFDIR": ROOT / "conf"}
    shown |= {"LSF_UNIT_FOR_LIMITS": unit} if unit else {}
    print("\n".join(f"\t{key} = {value}" for key, value in shown.items()))
    return 0


def lsclusters(argv: list[str]) -> int:
    print("CLUSTER_NAME   STATUS   MASTER_HOST               ADMIN    HOSTS  SERVERS")
    print(f"{CLUSTER:<14} ok       {HOST:<25} lsfadmin     1        1")
    return 0


def lsid(argv: list[str]) -> int:
    print("IBM Spectrum LSF 10.1.0.0, Jan 01 2000 (an emulator of its commands)\n")
    print(f"My cluster name is {CLUSTER}\nMy master name is {HOST}")
    return 0


def main(name: str, *argv: str) -> int:
    if name == "supervise":
        Supervisor(int(argv[0])).run()
        return 0
    commands = (bsub, bjobs, bkill, bhist, badmin, lsclusters, lsid)
    with locked(), open(ROOT / "calls.jsonl", "a") as handle:
        handle.write(json.dumps({"command": name, "argv": argv}) + "\n")
    try:
        return {command.__name__: command for command in commands}[name](list(argv))
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 255


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
