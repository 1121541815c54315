"""Wrappers of sacct and bjobs that correct answers which the executor plugins misread.

The wrappers in bin/ stand before the real commands on the PATH of a run and call this through
bin/run_wrapper.py. The plugins' arguments are passed on unchanged; only the answer is corrected:

    sacct  `CANCELLED by 1000` becomes `CANCELLED`: the plugin (2.8.0) matches only that, and would
           wait for a cancelled job for ever. If accounting does not answer, squeue does:
           otherwise the plugin would drop its jobs.
    bjobs  A query without jobs in its answer is repeated for PATIENCE seconds: six such answers end
           the run and leave its jobs behind (plugin 0.3.3). The plugin counts UNKWN, an
           unreachable host, as done: here the job counts as suspended, and as failed after GRACE
           seconds. The plugin counts USUSP and PSUSP, jobs that a person has suspended, as
           failed, and would run a second copy: here they count as suspended by LSF.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

BIN = Path(__file__).resolve().parent / "bin"
PATIENCE = 45.0  # seconds in which a query is repeated; the plugins give a query 60
SUSPENDED = ("USUSP", "PSUSP")  # by a person, while running and while pending
GRACE = float(os.environ.get("DEEPFAKE_LOST_HOST", 600))
UNREACHABLE = Path(".snakemake/lost_hosts")  # a file a job, made when it was first UNKWN

# The folder of wrappers by the command that must be installed: the plugins take an installed sacct
# as a sign of accounting.
FOLDERS = {"sacct": BIN / "sacct", "sbatch": BIN / "slurm", "bjobs": BIN / "lsf"}


def install() -> None:
    """Put the wrappers before the installed commands on the PATH of all child processes."""
    os.environ["DEEPFAKE_PYTHON"] = sys.executable
    for command, folder in FOLDERS.items():
        if shutil.which(command):
            os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def real(
    *words: str, seconds: float = 20, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the real command: the first of its name on the PATH after the wrappers.

    Args:
        seconds: time limit; after it the exit status is 1, and stderr is kept.
        variables: further environment variables.
    """
    folders = os.environ["PATH"].split(os.pathsep)
    remaining = [folder for folder in folders if Path(folder).resolve().parent != BIN]
    environment = os.environ | (variables or {}) | {"PATH": os.pathsep.join(remaining)}
    try:
        return subprocess.run(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        last = (error.stderr or b"").decode(errors="replace").strip()
        text = f"{last}\n{words[0]}: timed out after {seconds:g} s\n"
        return subprocess.CompletedProcess(words, 1, "", text.lstrip())
    except OSError as error:
        return subprocess.CompletedProcess(words, 1, "", f"{words[0]}: {error}\n")


def sacct(words: list[str]) -> subprocess.CompletedProcess[str]:
    """sacct's answer, or squeue's in its form if accounting does not answer."""
    is_run_query = "--name" in words and "-X" in words
    deadline = time.monotonic() + (PATIENCE if is_run_query else 0)
    while True:
        done = real("sacct", *words)
        if done.returncode == 0:
            done.stdout = re.sub(r"\|CANCELLED by \d+", "|CANCELLED", done.stdout)
            return done
        if is_run_query:
            name = words[words.index("--name") + 1]
            queue = real("squeue", "--noheader", "--states=all", "--format=%i|%T", "--name", name)
            if queue.returncode == 0 and queue.stdout.strip():
                return queue
        if time.monotonic() > deadline:
            return done
        time.sleep(2)


def bjobs(words: list[str]) -> subprocess.CompletedProcess[str]:
    """bjobs' answer; the query is repeated while a run's jobs are not in it."""
    if "jobid stat" not in words or not any(word.startswith("*") for word in words):
        return real("bjobs", *words)
    deadline = time.monotonic() + PATIENCE
    while True:
        done = real("bjobs", *words)
        if (done.returncode == 0 and done.stdout.strip()) or time.monotonic() > deadline:
            done.stdout = "".join(map(_corrected, done.stdout.splitlines(keepends=True)))
            return done
        time.sleep(2)


def _corrected(line: str) -> str:
    """A line `jobid stat`, with a state that the plugin waits for in place of some others.

    A job on an unreachable host counts as failed after GRACE seconds.
    """
    cells = line.split()
    if len(cells) != 2:
        return line
    if cells[1] in SUSPENDED:
        return f"{cells[0]} SSUSP\n"
    mark = UNREACHABLE / cells[0]
    if cells[1] not in ("UNKWN", "ZOMBI"):
        mark.unlink(missing_ok=True)
        return line
    UNREACHABLE.mkdir(parents=True, exist_ok=True)
    if not mark.exists():
        mark.touch()
    is_overdue = time.time() - mark.stat().st_mtime > GRACE
    return f"{cells[0]} {'EXIT' if is_overdue else 'SSUSP'}\n"
