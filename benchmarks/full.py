"""The original experiment at full size, on made-up faces: its published runs, by the workflow.

    .venv/bin/python benchmarks/full.py --folder results/full

13,984 faces of 307,200 pixels, with the original's classes and split, are written as the faces jobs
would leave them. Snakemake finds them newer than their (empty) videos and goes on from there: it
gathers the matrix, splits, and computes the Gram matrices of all training rows in a run `shared`.

Each published run, and one fold of each search, is then a run of its own: what `shared` made is
hard-linked into it, so nothing is made twice. A published run had no search, so what the rule
choose writes is written here: its one candidate, and made-up scores for the calibration. All the
rest are the workflow's own rules and jobs, and what they took is what their benchmark files tell. A
run's time is that of all its jobs from the faces on, those of `shared` with it, one after another.

Call it again after an interruption: what is done stays done. The other folds of a search are not
run: their time is computed from the one that was, and marked so.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import measure
import psutil
from full_runs import PIECES, Piece, Runs

from deepfake.workflow import published_results
from deepfake.workflow.usage import Used

ALLOWED = "24 GiB and 90 minutes"
COLUMNS = (
    "model", "settings", "is", "seconds", "CPU s", "peak MB", "published: s", "CPU s", "MB",
    "times faster", "by CPU time", "times less memory",
)  # fmt: skip
SHORT = ("run", "published", "here")


def lines(
    runs: Runs, pieces: Sequence[Piece], comparable: bool
) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of the table and of the short one; `comparable`: whether the size is the original's."""
    took = {piece.name: runs.took(piece) for piece in PIECES}
    rows, short = [], []
    for piece in pieces:
        mine = took[piece.name]
        if piece.folds:
            rows.append(_line(piece, "one fold, measured", mine))
            fitted = took[piece.fitted]
            if fitted is None:
                continue
            mine = Used(
                used_mb=max(mine.used_mb, fitted.used_mb),
                seconds=piece.folds * mine.seconds + fitted.seconds,
                cpu_seconds=piece.folds * mine.cpu_seconds + fitted.cpu_seconds,
            )
        word = "all folds and the best fitted, computed" if piece.folds else "measured"
        theirs = piece.published if comparable else None
        rows.append(_line(piece, word, mine, theirs))
        if theirs:
            figures = f"{theirs.run_seconds:,} s, {theirs.memory_mb / 1024:.0f} GiB"
            here = f"{mine.seconds:,.0f} s, {mine.used_mb / 1024:.1f} GiB"
            name = f"{piece.model}, {theirs.settings}"
            short.append([name, figures, here + (" (computed)" if piece.folds else "")])
    return rows, short


def _line(
    piece: Piece, word: str, mine: Used, theirs: published_results.Run | None = None
) -> list[str]:
    numbers = (mine.seconds, mine.cpu_seconds, mine.used_mb)
    line = [piece.model, piece.described, word, *(f"{number:,.0f}" for number in numbers)]
    if theirs is None:
        return [*line, *[""] * 6]
    published = (theirs.run_seconds, theirs.cpu_seconds, theirs.memory_mb)
    ratios = [other / number for other, number in zip(published, numbers, strict=True) if number]
    return [*line, *(f"{other:,}" for other in published), *(f"{ratio:.1f}" for ratio in ratios)]


@contextmanager
def session(record: Path) -> Iterator[None]:
    """Note how long this call took and the most memory that it and its jobs held together."""
    begun, most, over = time.time(), 0.0, threading.Event()

    def look() -> None:
        nonlocal most
        while not over.wait(1):
            most = max(most, _held_mb())

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()
        took = {"seconds": time.time() - begun, "peak_mb": most}
        with open(record, "a", encoding="utf-8") as file:
            file.write(json.dumps(took) + "\n")


def _held_mb() -> float:
    """Resident memory of this process and all below it; pages that two share count twice."""
    total = 0
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("results/full"))
    parser.add_argument("--rows", type=int, default=published_results.ROWS)
    parser.add_argument("--size", type=int, default=320, help="side of a face in pixels")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--mem-mb", type=int, default=22_000, help="that jobs together may ask for")
    names = [piece.name for piece in PIECES]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="RUN")
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "sessions.jsonl"
    pieces = [piece for piece in PIECES if piece.name in arguments.only]
    with session(record):
        runs = Runs(folder, arguments.rows, arguments.size, arguments.cores, arguments.mem_mb)
        runs.share()
        for piece in pieces:
            runs.make(piece)
    comparable = (arguments.rows, arguments.size**2 * 3) == (
        published_results.ROWS,
        published_results.FEATURES,
    )
    rows, short = lines(runs, pieces, comparable)
    sessions = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    classes = runs.test_classes()
    where = measure.machine()
    size = f"{arguments.rows:,} x {arguments.size**2 * 3:,}"
    text = [
        f"{size}, made up; {where}",
        "",
        measure.table(COLUMNS, rows),
        "",
        f"In all {sum(one['seconds'] for one in sessions) / 60:.0f} minutes in {len(sessions)} "
        f"call(s), the data's making with it; jobs and Snakemake together held at most "
        f"{max(one['peak_mb'] for one in sessions) / 1024:.1f} GiB. Allowed: {ALLOWED}. "
        f"Test rows: {classes['fake']} fake, {classes['real']} real.",
    ]
    measure.publish("full", "\n".join(text), arguments.page)
    if short:
        brief = [measure.table(SHORT, short), "", f"{size}, made up; {where}"]
        measure.publish("full short", "\n".join(brief), arguments.page)


if __name__ == "__main__":
    main()
