"""A small workflow under the controller: eight jobs that wait for a file, and one after them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 150  # seconds until a test that waits gives up

SNAKEFILE = """\
import sys

sys.path.insert(0, {scripts!r})
from cluster import status_wrappers

if workflow.is_main_process:
    status_wrappers.install()


rule all:
    input:
        expand("{{n}}.txt", n=range({count})),
    localrule: True


rule wait:
    output:
        "{{n}}.txt",
    shell:
        "while [ -e hold ]; do sleep 0.2; done; {shell}"
"""

DRIVER = """\
import sys
from pathlib import Path
from cluster import controller, terminal

terminal.ignore_hangup()
scheduler, stall, *words = sys.argv[1:]
command = [sys.executable, "-m", "snakemake", *words]
sys.exit(controller.run(command, scheduler, Path(), terminal.say, stall=float(stall)))
"""

OPTIONS = {
    "slurm": [
        *("--executor", "slurm", "--slurm-init-seconds-before-status-checks", "1"),
        *("--slurm-logdir", ".snakemake/slurm_logs"),
    ],
    "lsf": ["--executor", "lsf"],
}
RESOURCES = {
    "slurm": ["slurm_account=test", "slurm_partition=main"],
    "lsf": ["lsf_queue=normal", "lsf_project=people"],
}


class Toy:
    """A folder with the workflow, on the cluster of an environment."""

    def __init__(self, folder: Path, environment: dict[str, str], scheduler: str = "slurm") -> None:
        self.folder, self.environment, self.scheduler = folder, environment, scheduler
        folder.mkdir(exist_ok=True)
        self.process: subprocess.Popen | None = None
        self._file = folder / "said.txt"

    def hold(self) -> None:
        """Let jobs run until `release`."""
        (self.folder / "hold").touch()

    def release(self) -> None:
        (self.folder / "hold").unlink(missing_ok=True)

    def start(
        self,
        *words: str,
        count: int = 8,
        shell: str = "touch {output}",
        resources: tuple[str, ...] = (),
        stall: float = 600,
        before: Callable[[], object] | None = None,
        **variables: str,
    ) -> Toy:
        """Start the controller in the background; `before` is called in the new process."""
        text = SNAKEFILE.format(scripts=str(ROOT / "scripts"), count=count, shell=shell)
        (self.folder / "Snakefile").write_text(text)
        chosen = ["mem_mb=250", "runtime=5m", *RESOURCES[self.scheduler], *resources]
        command = [
            *(sys.executable, "-c", DRIVER, self.scheduler, str(stall), "--jobs", "20"),
            *(*OPTIONS[self.scheduler], "--seconds-between-status-checks", "1", *words),
            *("--keep-going", "--quiet", "host", "reason", "--default-resources", *chosen),
        ]
        with self._file.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment | {"PYTHONPATH": str(ROOT / "scripts")} | variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=before,
            )
        return self

    @property
    def said(self) -> str:
        return self._file.read_text(errors="replace")

    def until(self, predicate: Callable[[], object], what: str) -> None:
        """Wait for something while the controller runs."""
        deadline = time.monotonic() + PATIENCE
        while not predicate():
            assert self.process.poll() is None, f"ended before {what}:\n{self.said}"
            assert time.monotonic() < deadline, f"not in time: {what}:\n{self.said}"
            time.sleep(0.1)

    def wait(self) -> int:
        """Its exit status."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end:\n{self.said}") from None

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def submitted(self) -> int:
        """How many submissions Snakemake has reported."""
        return self.said.count("has been submitted with")

    def stop(self) -> None:
        """End what a failed test leaves."""
        self.release()
        if self.process and self.process.poll() is None:
            for _ in range(2):
                self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def made(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("[0-9].txt"))


def ignoring(*numbers: int) -> Callable[[], None]:
    """What a shell does for a process in the background: it starts with signals ignored."""

    def ignore() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    return ignore


def environment_of(cluster) -> dict[str, str]:
    return os.environ | cluster.environment()
