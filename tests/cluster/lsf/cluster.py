"""A folder of commands that are called as IBM LSF's are, for tests; emulator.py is behind each.

    with EmulatedLsf(folder, SLOTS=1) as lsf:
        lsf.run("bsub", "hostname")

It is an emulator: README.md says what of LSF it has and has not.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

EMULATOR = Path(__file__).with_name("emulator.py")
COMMANDS = ("bsub", "bjobs", "bkill", "bhist", "badmin", "lsclusters", "lsid")
FINISHED = ("DONE", "EXIT")
PATIENCE = 30  # seconds for a state to come on a busy machine


class EmulatedLsf:
    """An emulated LSF below `root`, whose commands are in `bin`.

    Args:
        root: folder for all its files, of its own.
        without: commands to leave out, as on clusters where users have no badmin.
        settings: what to change of `SETTINGS` in state.py; the environment goes before them.
    """

    def __init__(self, root: Path, without: tuple[str, ...] = (), **settings: object):
        self.root = root
        self.bin = root / "bin"
        configuration = root / "conf" / "lsbatch" / "cluster1" / "configdir"
        logs = root / "work" / "cluster1" / "logdir"
        for folder in (self.bin, configuration, logs, *(root / n for n in ("jobs", "spool"))):
            folder.mkdir(parents=True)
        (root / "faults").mkdir()
        (logs / "lsb.events").touch()
        queue = settings.get("DEFAULT_QUEUE", "normal")
        (configuration / "lsb.params").write_text(
            f"Begin Parameters\nDEFAULT_QUEUE = {queue}   #default job queue name\n"
            f"RESOURCE_RESERVE_PER_TASK = {settings.get('RESERVE_PER_TASK', 'N')}\nEnd Parameters\n"
        )
        told = "".join(
            f"export LSF_EMULATOR_{name}=${{LSF_EMULATOR_{name}-{shlex.quote(str(value))}}}\n"
            for name, value in settings.items()
        )
        for command in set(COMMANDS) - set(without):
            words = shlex.join([sys.executable, "-ES", str(EMULATOR), command])
            text = f"export LSF_EMULATOR_ROOT={shlex.quote(str(root))}\n{told}"
            (self.bin / command).write_text(f'#!/bin/sh\n{text}exec {words} "$@"\n')
            (self.bin / command).chmod(0o755)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def path(self) -> str:
        """A PATH with the emulated commands first."""
        return f"{self.bin}{os.pathsep}{os.environ['PATH']}"

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess:
        """Run one command to its end; it may fail."""
        env = os.environ | {"PATH": self.path} | environment
        return subprocess.run(words, env=env, capture_output=True, text=True, timeout=PATIENCE)

    def submit(self, *words: str) -> int:
        """bsub these words; the job's number."""
        answer = self.run("bsub", *words)
        assert answer.returncode == 0, answer.stderr
        return int(answer.stdout.split("<")[1].split(">")[0])

    def job(self, number: int) -> dict:
        """What the emulator knows of a job, from its state file."""
        return json.loads((self.root / "jobs" / f"{number}.json").read_text())

    def wait_for(self, number: int, *states: str) -> dict:
        """Wait until a job is in one of these states (default: finished)."""
        wanted = states or FINISHED
        wait_until(lambda: self.job(number)["stat"] in wanted, f"job {number} to be {wanted}")
        return self.job(number)

    def calls(self, command: str) -> list[list[str]]:
        """The arguments of every call of a command, in order, as it got them."""
        lines = (self.root / "calls.jsonl").read_text().splitlines()
        return [call["argv"] for call in map(json.loads, lines) if call["command"] == command]

    def break_(self, fault: str, text: str = "") -> None:
        """Switch a fault on; README.md has their names."""
        (self.root / "faults" / fault).write_text(text)

    def mend(self, fault: str) -> None:
        (self.root / "faults" / fault).unlink()

    def processes(self) -> list[int]:
        """The living processes that came from this emulator: its root is in their environment."""
        mark = f"LSF_EMULATOR_ROOT={self.root}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    def stop(self) -> None:
        """End everything that this emulator has started."""

        def nothing_left() -> bool:
            for pid in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not self.processes()

        wait_until(nothing_left, "the emulator's processes to end")


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Look again and again until something is so; fail after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE} s in vain for {what}")
        time.sleep(0.02)
