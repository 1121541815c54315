"""sacct and bjobs as the executor plugins need them: answers that they read rightly.

The wrappers in bin/ stand before the real commands on the PATH of a run and call this. What the
plugins ask with is passed on word for word; only the answer is mended:

    sacct  `CANCELLED by 1000` becomes `CANCELLED`: the plugin (2.8.0) knows only that, and would
           wait for a cancelled job for ever. Where accounting does not answer, squeue does: the
           plugin would forget its jobs.
    bjobs  An answer without jobs is asked for again, for a while: six of them end the run and
           orphan its jobs (0.3.3). UNKWN, a host that does not answer, counts as done there: the
           job is waited for, and a failure after GRACE seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(__file__).resolve().parent / "bin"
PATIENCE = 45.0  # seconds of asking again; the plugins give a query 60
GRACE = float(os.environ.get("DEEPFAKE_LOST_HOST", 600))
LOST = Path(".snakemake/lost_hosts")  # when each job was first seen as UNKWN


def install() -> None:
    """Put the wrappers before the real commands, where there are such, for all children."""
    os.environ["DEEPFAKE_PYTHON"] = sys.executable
    for command, folder in (("sacct", BIN / "slurm"), ("bjobs", BIN / "lsf")):
        if shutil.which(command):  # the plugins ask by their presence what they may use
            os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def _real(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the real command: the first of its name on the PATH behind ours."""
    folders = os.environ["PATH"].split(os.pathsep)
    behind = [folder for folder in folders if Path(folder).resolve().parent != BIN]
    environment = os.environ | {"PATH": os.pathsep.join(behind)}
    try:
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", f"{words[0]}: {error}\n")


def sacct(words: list[str]) -> subprocess.CompletedProcess[str]:
    """sacct's answer, or squeue's in its form where accounting is silent."""
    asked_for_run = "--name" in words and "-X" in words
    deadline = time.monotonic() + (PATIENCE if asked_for_run else 0)
    while True:
        done = _real("sacct", *words)
        if done.returncode == 0:
            done.stdout = re.sub(r"\|CANCELLED by \d+", "|CANCELLED", done.stdout)
            return done
        if asked_for_run:
            name = words[words.index("--name") + 1]
            told = _real("squeue", "--noheader", "--states=all", "--format=%i|%T", "--name", name)
            if told.returncode == 0 and told.stdout.strip():
                return told
        if time.monotonic() > deadline:
            return done
        time.sleep(2)


def bjobs(words: list[str]) -> subprocess.CompletedProcess[str]:
    """bjobs' answer; asked again while a run's jobs are not in it."""
    if "jobid stat" not in words or not any(word.startswith("*") for word in words):
        return _real("bjobs", *words)
    deadline = time.monotonic() + PATIENCE
    while True:
        done = _real("bjobs", *words)
        if (done.returncode == 0 and done.stdout.strip()) or time.monotonic() > deadline:
            done.stdout = "".join(map(_mended, done.stdout.splitlines(keepends=True)))
            return done
        time.sleep(2)


def _mended(line: str) -> str:
    """A line `jobid stat`: a lost host is waited for, and given up after a while."""
    cells = line.split()
    if len(cells) != 2:
        return line
    mark = LOST / cells[0]
    if cells[1] not in ("UNKWN", "ZOMBI"):
        mark.unlink(missing_ok=True)
        return line
    LOST.mkdir(parents=True, exist_ok=True)
    if not mark.exists():
        mark.touch()
    given_up = time.time() - mark.stat().st_mtime > GRACE
    return f"{cells[0]} {'EXIT' if given_up else 'SSUSP'}\n"


def main() -> int:
    """Answer as the command that the first argument names."""
    done = {"sacct": sacct, "bjobs": bjobs}[sys.argv[1]](sys.argv[2:])
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
