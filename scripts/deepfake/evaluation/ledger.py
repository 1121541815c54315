"""The test ledger: a line for every time that the rows of a test were scored.

A test should be used once: tuning after looking at test scores is selection on the test set, and
later scores are optimistically biased. The count is kept next to the folders of all runs, is no
output of a rule and no part of a bundle, so no rerun and no deleted folder resets it.
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

from deepfake.core.row import Row

COLUMNS = ("time", "run", "protocol", "test", "rows", "model", "candidate", "code", "features")
OLDER = {"features": "pixels"}  # of lines from before there was such a column, the last


def test_of(protocol: str, videos: Iterable[str]) -> str:
    """12 hexadecimal digits that identify a protocol's test by its videos.

    Other frames or crops of them, another model or another run are the same test.
    """
    text = "\n".join((protocol, *sorted(set(videos))))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def code_of(code: dict[str, str]) -> str:
    """12 hexadecimal digits that identify the modules and packages of a job."""
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()[:12]


def add(
    path: str | Path,
    *,
    run: str,
    protocol: str,
    videos: Iterable[str],
    rows: int,
    features: str,
    model: str,
    candidate: dict,
    code: dict[str, str],
) -> None:
    """Append that a test was scored.

    Args:
        path: of the ledger. run: whose model scored. protocol: of the split.
        videos: ids of the test's videos. rows: how many faces were scored.
        features, model, candidate: what scored them. code: of the job, by module and package.
    """
    append(
        path,
        {
            "run": run,
            "protocol": protocol,
            "test": test_of(protocol, videos),
            "rows": rows,
            "features": features,
            "model": model,
            "candidate": json.dumps(candidate, sort_keys=True),
            "code": code_of(code),
        },
    )


def append(path: str | Path, entry: dict[str, object]) -> None:
    """Append one complete line under a lock and in one write, so that several jobs may append.

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


def describe(entries: Sequence[Row], protocol: str, test: str) -> str:
    """How often each model scored a test, in a sentence."""
    same_test = [entry for entry in entries if entry["test"] == test]
    if not same_test:
        return f"No recorded test evaluation of the {protocol} split."
    models = Counter(f"{entry['features']} {entry['model']}" for entry in same_test)
    most = max(models.values())
    each = ", ".join(f"{name} {times(count)}" for name, count in sorted(models.items()))
    runs = sorted({entry["run"] for entry in same_test})
    where = f" in the runs {', '.join(runs)}" if len(runs) > 1 else ""
    return (
        f"The test rows of the {protocol} split were scored {times(len(same_test))}{where}: "
        f"{each}. "
        + (
            "Each model used the test once, as intended."
            if most == 1
            else "Changes after looking at a test score are selection on the test set: later "
            "scores are optimistically biased, and only new videos can show by how much."
        )
    )
