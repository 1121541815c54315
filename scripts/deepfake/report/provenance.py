"""How a page was made: commit, packages, machine, cluster, time. Never compared."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from deepfake.core import codehash

ROOT = codehash.SCRIPTS.parent
# Environment variables of a job by scheduler, with their names on the page.
CLUSTERS = {
    "SLURM": {
        "SLURM_CLUSTER_NAME": "cluster",
        "SLURM_JOB_ID": "job",
        "SLURM_JOB_PARTITION": "partition",
        "SLURM_JOB_ACCOUNT": "account",
    },
    "LSF": {
        "LSB_CLUSTER_NAME": "cluster",
        "LSB_JOBID": "job",
        "LSB_QUEUE": "queue",
        "LSB_PROJECT_NAME": "project",
    },
}


def facts() -> dict[str, str]:
    """Everything about this moment and machine, by its name on the page."""
    return {
        "commit": commit(ROOT),
        "made": datetime.now().astimezone().isoformat(sep=" ", timespec="minutes"),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "host": platform.node(),
        "processor": processor(),
        "cores": f"{len(os.sched_getaffinity(0))} usable of {os.cpu_count()}",
        "cluster": cluster(os.environ),
    }


def commit(root: Path) -> str:
    """The commit of a folder and whether files differ from it, or "no git"."""
    top = _git(root, "rev-parse", "--show-toplevel")
    head = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain")
    # a copy without .git may lie inside somebody else's repository
    if not head or changed is None or Path(top or "").resolve() != root.resolve():
        return "no git"
    number = len(changed.splitlines())
    return f"{head}, {f'dirty: {number} files differ' if number else 'clean'}"


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(root), *words],
            capture_output=True, text=True, errors="replace", timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def processor() -> str:
    """The processor's name from Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cluster(environment: Mapping[str, str]) -> str:
    """The scheduler and the job of this process, or "local"."""
    for name, variables in CLUSTERS.items():
        parts = [
            f"{what} {environment[key]}" for key, what in variables.items() if environment.get(key)
        ]
        if any(part.startswith("job ") for part in parts):
            return f"{name}: {', '.join(parts)}"
    return "local"
