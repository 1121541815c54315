"""Run a scheduler's command: always with a time limit, never through a shell."""

from __future__ import annotations

import re
import shutil
import subprocess

TIMEOUT_SECONDS = 30  # time limit of a command


class CommandFailed(RuntimeError):
    """A command is missing, failed or exceeded its time limit; the message says which and why."""


def run_command(*words: str, seconds: float = TIMEOUT_SECONDS) -> str:
    """The standard output of a command.

    Raises:
        CommandFailed: it is missing, ends with an error, or does not end in time.
    """
    if shutil.which(words[0]) is None:
        raise CommandFailed(f"{words[0]}: no such command on this machine")
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{words[0]}: no answer within {seconds:g} s") from None
    if done.returncode != 0:
        output = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = output[-1] if output else "no message"
        raise CommandFailed(f"{words[0]}: exit status {done.returncode}: {last}")
    return done.stdout


def megabytes(text: str) -> float:
    """MB of a scheduler's 400M, 12345K, 4Gn or `612 Mbytes`; 0 of nothing. A bare number is MB."""
    match = re.match(r"([0-9.]+) ?([KMGT]?)", text or "")
    if not match:
        return 0.0
    scale = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}
    return float(match[1]) * scale[match[2]]
