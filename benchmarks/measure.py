"""What the benchmarks share: one way in a process of its own, the machine, growth, pages."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))


def alone(script: str, *words: object, python: str = sys.executable) -> dict:
    """Run a script in a process of its own; the JSON object that it prints last."""
    command = [python, script, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def job(script: str, inputs: dict, outputs: dict, params: dict) -> float:
    """Run one of the workflow's scripts; CPU seconds of it and its children."""
    words = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), "--params", json.dumps(params)]
    for kind, files in (("--input", inputs), ("--output", outputs)):
        for name, path in files.items():
            words += [kind, f"{name}={path}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def timed(work: Callable[[], object]) -> tuple[object, dict[str, float]]:
    """What `work` gives, and its seconds by the wall, its CPU seconds, the process's peak in MB."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    took = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    return found, took | {"peak_mb": peak_mb()}


def peak_mb() -> float:
    """The most memory that this process has held, in MB (2**20 bytes)."""
    # not getrusage: it counts what the process that started this one held
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)[1]) / 1024


def growth(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The power of the size that the seconds grow with: the slope of a line through both logs."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def machine() -> str:
    """This machine, the date and the commit, in one line."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    named = re.search(r"^model name\s*: (.*)$", facts, re.M)
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True).stdout.strip() or "no commit"
    return (
        f"{os.cpu_count()} cores of {named[1] if named else platform.machine()}, {gib:.0f} GiB, "
        f"{time.strftime('%Y-%m-%d')}, {commit}, load {os.getloadavg()[0]:.1f} at the end"
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown, its columns as wide as they must be."""
    lines = [[str(cell) for cell in line] for line in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )


@contextmanager
def printed(name: str, pages: Sequence[str]) -> Iterator[None]:
    """Put what is printed meanwhile, under a line on the machine, on pages too: see `publish`."""
    kept = io.StringIO()
    terminal = sys.stdout

    class Both(io.TextIOBase):
        def write(self, text: str) -> int:
            kept.write(text)
            return terminal.write(text)

        def flush(self) -> None:
            terminal.flush()

    with redirect_stdout(Both()):
        yield
    text = f"{machine()}\n\n```text\n{kept.getvalue().rstrip()}\n```"
    with redirect_stdout(io.StringIO()):
        publish(name, text, pages)


def publish(name: str, text: str, pages: Sequence[str]) -> None:
    """Print a text, and put it between the lines `<!-- name -->` and `<!-- /name -->` of pages."""
    print(text, flush=True)
    for page in map(Path, pages):
        before, found, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
        _, ended, after = rest.partition(f"<!-- /{name} -->\n")
        if found and ended:
            page.write_text(f"{before}{found}{text}\n{ended}{after}", encoding="utf-8")
