"""Output that continues in a file when the connection to the terminal is lost."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

LOG = Path(".snakemake", "controller.log")  # where the output continues


def show(text: str) -> None:
    """Print; into LOG once printing has failed."""
    words = text.encode(errors="replace")
    try:
        _write(words)
    except OSError:
        _move()
        _write(words)


def _write(words: bytes) -> None:
    """Write to stdout; unbuffered, so that no text is lost."""
    while words:
        words = words[os.write(1, words) :]


def say(line: str) -> None:
    """Print a line."""
    show(f"{line}\n")


def ignore_hangup() -> None:
    """Continue after SIGHUP, which a lost connection sends; SIGINT and SIGTERM end a run.

    Where SIGHUP is ignored from the start, as by nohup, it stays so.
    """
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _hung_up)


def _hung_up(_number: int, _frame: object) -> None:
    if stat.S_ISCHR(os.fstat(1).st_mode):  # a terminal, which is gone; a file stays
        _move()


def _move() -> None:
    """Send stdout and stderr to LOG."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
