"""Signals to the controller, with a process in the place of Snakemake that shows what it gets."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.slurm.machine import wait_for
from tests.cluster.toy import ignoring
from tests.unit.clips import SCRIPTS

DRIVER = """
import sys
from pathlib import Path
from cluster import controller, terminal

terminal.ignore_hangup()
sys.exit(controller.run([sys.executable, "-c", sys.argv[1]], "slurm", Path(), terminal.say))
"""
WAIT = """
import signal, sys, time
from pathlib import Path
{first}
if "--unlock" in sys.argv:
    Path("unlocked").touch()
    sys.exit()
print("up", flush=True)
while not Path("go").exists():
    time.sleep(0.05)
"""


@pytest.fixture
def start(tmp_path):
    """Starts a controller; `first` is done first in its child, `before` in itself."""
    started = []

    def controller(first: str = "", before: Callable | None = None) -> subprocess.Popen:
        with (tmp_path / "said.txt").open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, WAIT.format(first=first)],
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
                stdout=file,
                stderr=subprocess.STDOUT,
                preexec_fn=before,
            )
        started.append(process)
        wait_for(lambda: "up" in said(tmp_path), 60, "the child is up")
        return process

    yield controller
    (tmp_path / "go").touch()
    for process in started:
        process.wait(60)


def said(folder: Path) -> str:
    return (folder / "said.txt").read_text()


@pytest.mark.parametrize("ignored", [(), (signal.SIGINT,), (signal.SIGINT, signal.SIGHUP)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_snakemake_also_where_it_was_ignored_at_the_start(
    start, tmp_path, ignored, number
):
    """A shell starts what it puts into the background with SIGINT ignored, nohup with SIGHUP."""
    process = start(before=ignoring(*ignored))
    process.send_signal(number)
    assert process.wait(30) != 0
    assert "stopping: the jobs of this run are cancelled" in said(tmp_path)
    assert "Traceback" not in said(tmp_path)


def test_a_second_signal_ends_a_snakemake_that_hangs_and_unlocks(start, tmp_path):
    process = start("signal.signal(signal.SIGINT, signal.SIG_IGN)")
    process.send_signal(signal.SIGINT)
    wait_for(lambda: "stopping: " in said(tmp_path), 30, "it is ending")
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert (tmp_path / "unlocked").exists()


def test_a_lost_connection_leaves_snakemake_watched(start, tmp_path):
    process = start()
    process.send_signal(signal.SIGHUP)
    (tmp_path / "go").touch()
    assert process.wait(30) == 0
    assert "stopping" not in said(tmp_path)
