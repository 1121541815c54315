"""Asking a scheduler's command: always with a bound on its time, never through a shell."""

from __future__ import annotations

import re
import shutil
import subprocess

PATIENCE = 30  # seconds for an answer


class Silent(RuntimeError):
    """A command that is missing, failed or did not answer in time; says which and why."""


def ask(*words: str, seconds: float = PATIENCE) -> str:
    """What a command prints.

    Raises:
        Silent: it is not there, ends with an error, or does not end in time.
    """
    if shutil.which(words[0]) is None:
        raise Silent(f"{words[0]}: no such command on this machine")
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
        raise Silent(f"{words[0]}: no answer within {seconds:g} s") from None
    if done.returncode != 0:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = told[-1] if told else "no message"
        raise Silent(f"{words[0]}: exit status {done.returncode}: {last}")
    return done.stdout


def megabytes(text: str) -> float:
    """MB of a scheduler's 400M, 12345K, 4Gn or `612 Mbytes`; 0 of nothing. A bare number is MB."""
    match = re.match(r"([0-9.]+) ?([KMGT]?)", text or "")
    if not match:
        return 0.0
    scale = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}
    return float(match[1]) * scale[match[2]]
