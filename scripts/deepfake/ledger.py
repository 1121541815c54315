"""The ledger of tests: a line for every time that the rows of a test were scored.

A test is used once; who looks again after every change chooses by it, and its score grows too
good. So the count is kept where no rerun and no deletion of a run's folder resets it: beside the
folders of all runs, an output of no rule, part of no bundle.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

COLUMNS = ("time", "run", "protocol", "test", "rows", "model", "candidate", "code", "features")
OLDER = {"features": "pixels"}  # of lines from before there was such a column, the last

Row = dict[str, str]


def test_of(protocol: str, videos: Iterable[str]) -> str:
    """12 hexadecimal digits that stand for a protocol's test: the same videos, the same test.

    Other frames or crops of them, another model or another run do not make it a new one.
    """
    text = "\n".join((protocol, *sorted(set(videos))))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def code_of(code: dict[str, str]) -> str:
    """12 hexadecimal digits that stand for the modules and packages of a job."""
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()[:12]


def add(path: str | Path, entry: dict[str, object]) -> None:
    """Append one line, whole, whoever else appends: under a lock, and in one write.

    Args:
        entry: all COLUMNS but time. No cell may hold a tab or a line break.
    """
    cells = [datetime.now(UTC).isoformat(timespec="seconds")]
    cells += [str(entry[name]) for name in COLUMNS[1:]]
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        # jobs on other nodes: appending alone is not safe on NFS; some file systems have no locks
        with contextlib.suppress(OSError):
            fcntl.lockf(handle, fcntl.LOCK_EX)
        lines = ["\t".join(COLUMNS)] if os.fstat(handle).st_size == 0 else []
        os.write(handle, ("\n".join([*lines, "\t".join(cells)]) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)  # and the lock with it


def read(path: str | Path) -> list[Row]:
    """The entries, in order; none without a file, and none from a line that is cut short."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines = [line.split("\t") for line in text.splitlines()[1:]]
    least = len(COLUMNS) - len(OLDER)
    return [
        OLDER | dict(zip(COLUMNS, c, strict=False))
        for c in lines
        if len(c) in (least, len(COLUMNS))
    ]


def times(number: int) -> str:
    """How often, in words."""
    return "once" if number == 1 else f"{number:,} times"


def told(entries: Sequence[Row], protocol: str, test: str) -> str:
    """How often a test was scored, by whom, in a sentence."""
    mine = [entry for entry in entries if entry["test"] == test]
    if not mine:
        return f"The ledger does not hold that the test of the {protocol} split was scored."
    models = Counter(f"{entry['features']} {entry['model']}" for entry in mine)
    most = max(models.values())
    each = ", ".join(f"{name} {times(count)}" for name, count in sorted(models.items()))
    runs = sorted({entry["run"] for entry in mine})
    where = f" in the runs {', '.join(runs)}" if len(runs) > 1 else ""
    return (
        f"The test rows of the {protocol} split were scored {times(len(mine))}{where}: {each}. "
        + (
            "Once by a model is how a test is meant."
            if most == 1
            else "Whoever looked at a score and then changed something has chosen by the test, and "
            "its scores are too good by what the choice gained; only unseen videos can tell."
        )
    )
