"""Asking a scheduler's command: always with a bound on its time, never through a shell."""

from __future__ import annotations

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
