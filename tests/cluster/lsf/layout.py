"""What the emulated LSF writes: the report of a job, its long forms, and tables of jobs."""

import os
import re
import time

from state import CLUSTER, FINISHED, HOST, KB, ROOT, USER, RefusedError

REASONS = {
    "TERM_RUNLIMIT": "job killed after reaching LSF run time limit",
    "TERM_MEMLIMIT": "job killed after reaching LSF memory usage limit",
    "TERM_OWNER": "job killed by owner",
    "TERM_FORCE_OWNER": "job killed by owner without time for cleanup",
}


def stamp(when: float, form: str = "%a %b %e %H:%M:%S") -> str:
    return time.strftime(form, time.localtime(when))


def size(kb: float) -> tuple[str, str]:
    """(number, letter) as LSF shows memory: whole M, one decimal of G."""
    if kb >= KB["G"]:
        return f"{kb / KB['G']:.1f}".removesuffix(".0"), "G"
    return (f"{kb / KB['M']:.0f}", "M") if kb >= KB["M"] else (f"{kb:.0f}", "K")


def memory_text(kb: float) -> str:
    return "{} {}bytes".format(*size(kb)) if kb else "-"


def limit_text(kb: float) -> str:
    return "{} {}".format(*size(kb)) if kb else "-"


def exit_reason(job: dict) -> str:
    return f"{job['exit_reason']}: {REASONS[job['exit_reason']]}" if job["exit_reason"] else ""


def hosts_of(job: dict) -> str:
    return HOST if job["slots"] == 1 else f"{job['slots']}*{HOST}"


def write_output(job: dict) -> None:
    """Append the report and the output to -o, and what went to standard error to -e."""
    spool = ROOT / "spool" / str(job["id"])
    done, year = job["exit_code"] == 0, "%a %b %e %H:%M:%S %Y"
    when = {key: stamp(job[key], year) for key in ("submit_time", "start_time", "finish_time")}
    end = "Successfully completed." if done else f"Exited with exit code {job['exit_code']}."
    wall = job["finish_time"] - job["start_time"]
    usage = {
        "CPU time": f"{job['cpu']:.2f} sec.",
        "Max Memory": f"{job['max_mem'] / 1024:.0f} MB",
        "Average Memory": f"{job['avg_mem'] / 1024:.2f} MB",
        "Run time": f"{wall:.0f} sec.",
        "Turnaround time": f"{job['finish_time'] - job['submit_time']:.0f} sec.",
    }
    line = "-" * 60
    lines = [
        f"Sender: LSF System <lsfadmin@{HOST}>",
        f"Subject: Job {job['id']}: <{job['name']}> in cluster <{CLUSTER}> "
        + ("Done" if done else "Exited"),
        "",
        f"Job <{job['name']}> was submitted from host <{HOST}> by user <{USER}> in cluster "
        f"<{CLUSTER}> at {when['submit_time']}",
        f"Job was executed on host(s) <{hosts_of(job)}>, in queue <{job['queue']}>, as user "
        f"<{USER}> in cluster <{CLUSTER}> at {when['start_time']}",
        f"<{os.path.expanduser('~')}> was used as the home directory.",
        f"<{job['cwd']}> was used as the working directory.",
        f"Started at {when['start_time']}",
        f"Terminated at {when['finish_time']}",
        f"Results reported at {when['finish_time']}",
        *("", "Your job looked like:", "", line, "# LSBATCH: User input", job["command"], line, ""),
        *([exit_reason(job) + "."] if job["exit_reason"] else []),
        *(end, "", "Resource usage summary:", ""),
        *(f"    {name + ' :':<45}{value}" for name, value in usage.items()),
        *("", "The output (if any) follows:", ""),
        spool.with_suffix(".out").read_text(errors="replace"),
        *(["", "PS:", "", f"Read file <{job['error_file']}> for stderr output of this job.", ""]
          if job["error_file"] else []),
    ]  # fmt: skip
    wanted = {
        job["output_file"]: "\n".join(lines) + "\n",
        job["error_file"]: spool.with_suffix(".err").read_text(errors="replace"),
    }
    for name, text in wanted.items():
        try:
            with open(name, "a") as handle:
                handle.write(text)
        except OSError:  # without a place the output is mailed or lost
            continue


def wrapped(line: str) -> str:
    """LSF's long lines: cut at column 79, mid-word if need be, and go on under 21 blanks."""
    line = line.replace("\n", ";")
    return ("\n" + " " * 21).join(
        [line[:79], *(line[n : n + 58] for n in range(79, len(line), 58))]
    )


def history(job: dict, command: str) -> str:
    """A job as bjobs -l or bhist -l tells it."""
    long, end = command == "bjobs", "." if command == "bjobs" else ";"
    slots, hosts = job["slots"], hosts_of(job)
    head = (
        f"Job <{job['id']}>, Job Name <{job['name']}>, User <{USER}>, Project <{job['project']}>, "
    )
    head += f"Status <{job['stat']}>, Queue <{job['queue']}>, " if long else ""
    told = f"Submitted from host <{HOST}>, {'' if long else 'to Queue <' + job['queue'] + '>, '}"
    told += f"CWD <{job['cwd']}>"
    told += f", Output File <{job['output_file']}>" if job["output_file"] else ""
    told += f", Error File <{job['error_file']}>" if job["error_file"] else ""
    told += f", {slots} Task(s)" if slots > 1 else ""
    told += f", Requested Resources <{job['requirement']}>" if job["requirement"] else ""
    lines = [(job["submit_time"], told + ";")]
    home = f"<{os.path.expanduser('~')}>, Execution CWD <{job['cwd']}>"
    if started := job["start_time"]:
        where = (
            f"{slots} Task(s) on Host(s) <{hosts}>, Allocated {slots} Slot(s) on Host(s) <{hosts}>"
        )
        if long:
            lines += [(started, f"Started {where}, Execution Home {home};")]
        else:
            lines += [
                (started, f"Dispatched {where};"),
                (started, f"Starting (Pid {job['pid']});"),
                (started, f"Running with execution home {home}, Execution Pid <{job['pid']}>;"),
            ]
    if job["stat"] in ("UNKWN", "ZOMBI"):
        lines += [(job["since"], "Unknown; unable to reach the execution host;")]
    if job["stat"] in FINISHED:
        how = "Done successfully" if job["stat"] == "DONE" else "Exited"
        how += f" with exit code {job['exit_code']}" if job["exit_code"] else ""
        why = f"; {exit_reason(job)}" if job["exit_reason"] else ""
        lines += [
            (job["finish_time"], f"{how}. The CPU time used is {job['cpu']:.1f} seconds{end}")
        ]
        if job["stat"] == "EXIT":
            lines += [(job["finish_time"], f"Completed <exit>{why}{end}")]
    limits = [f"\n RUNLIMIT\n {job['run_limit']:.1f} min"] if job["run_limit"] else []
    limits += [f"\n MEMLIMIT\n{limit_text(job['memory_limit']):>9} "] if job["memory_limit"] else []
    rows = [wrapped(f"{stamp(when)}: {text}") for when, text in lines]
    rows = [rows[0], *limits, *rows[1:]] if long else [*rows, *limits]
    indent = " " if long else ""
    used = (
        f"{indent}MAX MEM: {memory_text(job['max_mem'])};  AVG MEM: {memory_text(job['avg_mem'])}"
    )
    tail = ["", f"{indent}MEMORY USAGE:", used, ""] if job["max_mem"] else [""]
    if long:
        indices = "           r15s   r1m  r15m   ut      pg    io   ls    it    tmp    swp    mem"
        none = "  -     -     -     -       -     -    -     -     -      -      -  "
        tail += [" SCHEDULING PARAMETERS:", indices, f" loadSched {none}", f" loadStop  {none}"]
    else:
        states = ("PEND", "PSUSP", "RUN", "USUSP", "SSUSP", "UNKWN")
        spent = [round(job["spent"].get(state, 0)) for state in states]
        tail += [
            f"Summary of time in seconds spent in various states by  {stamp(time.time())}",
            "  " + "".join(f"{name:<9}" for name in (*states, "TOTAL")).rstrip(),
            "  " + "".join(f"{number:<9}" for number in (*spent, sum(spent))).rstrip(),
        ]
    return "\n".join(["", wrapped(f"{head}Command <{job['command']}>"), *rows, *tail, ""])


SHORT = "%b %e %H:%M"
FIELDS = {
    "jobid": lambda job: str(job["id"]),
    "stat": lambda job: job["stat"],
    "user": lambda job: USER,
    "queue": lambda job: job["queue"],
    "job_name": lambda job: job["name"],
    "proj_name": lambda job: job["project"],
    "command": lambda job: job["command"],
    "from_host": lambda job: HOST,
    "exec_host": lambda job: hosts_of(job) if job["start_time"] else "",
    "exit_code": lambda job: str(job["exit_code"] or ""),
    "exit_reason": exit_reason,
    "max_mem": lambda job: memory_text(job["max_mem"]),
    "memlimit": lambda job: limit_text(job["memory_limit"]),
    "run_time": lambda job: f"{round(run_seconds(job))} second(s)",
    "runtimelimit": lambda job: f"{job['run_limit']:.1f}" if job["run_limit"] else "",
    "submit_time": lambda job: stamp(job["submit_time"], SHORT),
    "start_time": lambda job: stamp(job["start_time"], SHORT) if job["start_time"] else "",
    "finish_time": lambda job: stamp(job["finish_time"], SHORT) if job["finish_time"] else "",
}


def run_seconds(job: dict) -> float:
    return (job["finish_time"] or time.time()) - job["start_time"] if job["start_time"] else 0


def customised(jobs: list[dict], form: str) -> list[str]:
    """The header and the lines of bjobs -o "field[:[-]width] ... [delimiter='c']"."""
    cut = re.search(r"delimiter='(.)'", form)
    columns = [word.partition(":") for word in form.split("delimiter=")[0].split()]
    for name, _, width in columns:
        if name not in FIELDS or not re.fullmatch(r"(-?\d+)?", width):
            raise RefusedError(f"emulator: bjobs -o {form}: {name}:{width} is not emulated")

    def cell(text: str, name: str, width: str) -> str:
        room = abs(int(width or 0))
        if room and len(text) > room:
            text = "*" + text[1 - room :] if name == "job_name" else text[:room]
        return text.rjust(room) if width.startswith("-") else text.ljust(room)

    rows = [[FIELDS[name](job) or "-" for name, _, _ in columns] for job in jobs]
    rows = [[name.upper() for name, _, _ in columns], *rows]
    return [
        (cut[1] if cut else " ").join(
            cell(text, name, width) for text, (name, _, width) in zip(row, columns, strict=True)
        )
        for row in rows
    ]
