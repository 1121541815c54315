"""One tiny job before a run: can a node read this folder and start this environment?"""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cluster.scheduler_commands import CommandFailed, run_command
from deepfake.workflow.site import Site

PROBE_SECONDS = 300

ProbeResult = tuple[bool, str]  # whether it passed, and the line to print


def sbatch_options(site: Site) -> list[str]:
    """Options of sbatch from the site file: account, partition, QOS, constraint, extra."""
    words = []
    if site.slurm.account:
        words += ["--account", site.slurm.account]
    if site.slurm.partition:
        words += ["--partition", site.slurm.partition]
    if site.slurm.qos:
        words += ["--qos", site.slurm.qos]
    if site.slurm.constraint:
        words += ["--constraint", site.slurm.constraint]
    return words + shlex.split(site.slurm.extra or "")


PROBE_CODE = "import snakemake, sys; print(sys.version.split()[0], snakemake.__version__)"


def _probe_slurm(site: Site, folder: Path) -> ProbeResult:
    """Test the shared file system and the environment with a SLURM job."""
    probe_folder = folder / ".snakemake" / "probe"

    def submit(command: str, out: Path) -> str:
        words = [
            "sbatch",
            "--parsable",
            *sbatch_options(site),
            "--time=5",
            "--mem=500",
            "--ntasks=1",
        ]
        return run_command(*words, "--output", str(out), "--wrap", command).strip().split(";")[0]

    def state(job_id: str) -> str:
        answer = run_command(
            "squeue", "--noheader", "--states=all", "--format=%T %r", "--jobs", job_id
        )
        return answer.strip()

    return _run_probe(probe_folder, submit, state, lambda job_id: run_command("scancel", job_id))


def _run_probe(
    probe_folder: Path,
    submit: Callable[[str, Path], str],
    state: Callable[[str], str],
    cancel: Callable[[str], object],
) -> ProbeResult:
    """Run a probe job and wait for its answer file, for at most PROBE_SECONDS."""
    probe_folder.mkdir(parents=True, exist_ok=True)
    answer_file, out = probe_folder / "answer.txt", probe_folder / "out.txt"
    answer_file.unlink(missing_ok=True)
    out.unlink(missing_ok=True)
    command = (
        f"hostname > '{answer_file}' && '{sys.executable}' -c '{PROBE_CODE}' >> '{answer_file}'"
    )
    try:
        job_id = submit(command, out)
    except CommandFailed as error:
        return (False, f"the probe job was refused: {error}")
    deadline, job_state = time.monotonic() + PROBE_SECONDS, ""
    while time.monotonic() < deadline:
        try:
            job_state = state(job_id)
        except CommandFailed:
            job_state = ""
        answer = answer_file.read_text().split() if answer_file.exists() else []
        if len(answer) == 3:
            return (
                True,
                f"a job on {answer[0]} reads this folder and starts this environment "
                f"(Python {answer[1]})",
            )
        if job_state and not job_state.startswith(
            ("PEND", "RUN", "CONFIGURING", "COMPLETING", "WAIT")
        ):
            break
        time.sleep(1)
    with contextlib.suppress(CommandFailed):
        cancel(job_id)
    if answer_file.exists():
        detail = out.read_text().strip().splitlines()[-1:] if out.exists() else []
        return (
            False,
            f"a job reads this folder but cannot start {sys.executable}: "
            f"{detail[0] if detail else 'no message'}; is .venv on the shared file system?",
        )
    return (
        False,
        f"the probe job ({job_id}) wrote no file in {probe_folder}: it was "
        f"{job_state or 'gone from the queue'}; is this folder on the shared file system, and "
        "is the queue open?",
    )


def _probe_lsf(site: Site, folder: Path) -> ProbeResult:
    """One tiny job in the queue and project of the site file."""

    def submit(command: str, out: Path) -> str:
        words = ["bsub", "-q", site.lsf.queue, "-P", site.lsf.project, "-W", "5", "-n", "1"]
        words += ["-M", "500MB", *shlex.split(site.lsf.extra or "")]
        answer = run_command(*words, "-R", "rusage[mem=500MB]", "-o", str(out), command)
        return re.search(r"Job <(\d+)>", answer)[1]

    def state(job_id: str) -> str:
        return run_command("bjobs", "-noheader", "-o", "stat", job_id).strip()

    probe_folder = folder / ".snakemake" / "probe"
    return _run_probe(probe_folder, submit, state, lambda job_id: run_command("bkill", job_id))


PROBES = {"slurm": _probe_slurm, "lsf": _probe_lsf}
