"""A user's checkout on a cluster: a copy of the repository in which `submit.py` is run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from deepfake.core import tables
from tests.workflow.running import DEFAULTS, copy_repository, scan

PATIENCE = 900  # seconds until a test that waits gives up

# What most tests run: one job, which needs no TensorFlow.
FRAMES = "results/test/frames/b0001.tsv"
# Put before its work: it holds so many bytes.
LARGE = "    held = b'x' * (400 << 20)\n"

# Put before a script's work: it stays until the file is gone.
HOLD = """
    import time as _time
    from pathlib import Path as _Path
    _Path("holding").touch()
    while _Path("hold").exists():
        _time.sleep(0.2)
"""


class Checkout:
    """One copy, its clips, its settings, its site file.

    Args:
        folder: where to make it.
        clips: folders real and fake.
        site: what the site file says.
        environment: of the cluster's commands.
    """

    def __init__(
        self, folder: Path, clips: Path, site: dict, environment: dict[str, str], **settings
    ) -> None:
        self.folder = folder
        folder.mkdir()
        copy_repository(folder)
        shutil.copytree(clips, folder / "clips")
        scan("folders", "demo", folder / "clips", folder / "videos.tsv", videos_per_job=12)
        values = {"run": "test", "sheet": "videos.tsv", **DEFAULTS, **settings}
        table = folder / "videos.tsv"
        table.write_text(table.read_text().replace(f"{folder}/", ""))  # as seen from this folder
        (folder / "run.yaml").write_text(yaml.safe_dump(values))
        (folder / "profiles" / "site.yaml").write_text(yaml.safe_dump(site))
        self.results = folder / "results" / "test"
        self.environment = environment | {"DEEPFAKE_POLL": "1"}
        self.environment.pop("DEEPFAKE_SITE", None)

    def edit(self, script: str, old: str, new: str) -> None:
        """Change a script of this copy."""
        path = self.folder / "scripts" / f"{script}.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def hold(self, script: str) -> None:
        """Have a script wait at its start until `release`."""
        path = self.folder / "scripts" / f"{script}.py"
        start = re.compile(r'(def main.*?"""\n)', flags=re.S)
        path.write_text(start.sub(lambda found: found[1] + HOLD, path.read_text(), count=1))
        (self.folder / "hold").touch()

    def release(self) -> None:
        """Let held scripts go."""
        (self.folder / "hold").unlink(missing_ok=True)

    def is_holding(self) -> bool:
        """Whether a held script has begun."""
        return (self.folder / "holding").exists()

    def start(self, command: str, *words: str, profile: str = "slurm", stall: float = 600) -> Run:
        """Start `submit.py` in the background; words after "--" are Snakemake's."""
        return Run(
            [
                *(sys.executable, "scripts/submit.py", command, "--profile", profile),
                *("--config", "run.yaml", "--stall", str(stall), *words),
            ],
            self,
        )

    def run(self, command: str, *words: str, **how) -> Run:
        """Run `submit.py` to its end."""
        run = self.start(command, *words, **how)
        run.wait()
        return run


def is_whole(checkout: Checkout) -> bool:
    """All frames were taken, and nothing half-written is beside their table."""
    rows = tables.read(checkout.folder / FRAMES)
    left = list((checkout.results / "frames").glob(".part*"))
    return sum(row["frame"] != "" for row in rows) == len(rows) == 36 and not left


class Run:
    """A `submit.py` in the background, and what it has said so far."""

    def __init__(self, command: list[str], checkout: Checkout) -> None:
        self._file = checkout.folder / f"said-{time.monotonic_ns()}.txt"
        with self._file.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                cwd=checkout.folder,
                env=checkout.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._file.read_text(errors="replace")

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit status.

        Raises:
            AssertionError: it did not end in time; with what it said.
        """
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {seconds} s:\n{self.said}") from None

    def until(self, predicate: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait for something while it runs."""
        deadline = time.monotonic() + seconds
        while not predicate():
            assert self.process.poll() is None, f"ended before {what}:\n{self.said}"
            assert time.monotonic() < deadline, f"not in time: {what}:\n{self.said}"
            time.sleep(0.2)

    def kill(self) -> None:
        """kill -9 of the controller and of the Snakemake that it started."""
        import psutil

        try:
            family = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        os.killpg(self.process.pid, signal.SIGKILL)
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()
