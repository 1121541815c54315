"""Run a script as a job: its arguments, its log, and outputs that appear complete or not at all.

A script runs in two ways. Snakemake gives it a `snakemake` object; by hand it takes arguments:

    python scripts/faces.py --input frames=F.tar --output faces=F.npy --params '{...}' --threads 2

When a script fails, its log ends with a command that replays it without Snakemake.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import shlex
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import threadpoolctl

from deepfake.core import disk_space, partial_files

log = logging.getLogger("deepfake")

Files = dict[str, list[str]]

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)  # SIGUSR2, SIGINT: LSF, at a limit


@dataclass
class Job:
    """One call of a script: named files, settings, threads.

    While the script runs, outputs have temporary names; `run` renames them.
    """

    input: Files
    output: Files
    params: dict[str, Any]
    threads: int = 1
    log: str = ""
    attempt: int = 1
    parts: dict[str, str] = field(default_factory=dict)
    kept: list[Path] = field(default_factory=list)

    def read(self, name: str) -> str:
        """Path of the one input of this name."""
        (path,) = self.input[name]
        return path

    def read_json(self, name: str) -> Any:
        """The content of the one input of this name, as JSON."""
        return _json(self.read(name))

    def read_each_json(self, name: str) -> list[Any]:
        """The content of each input of this name, as JSON, in order."""
        return [_json(path) for path in self.input.get(name, [])]

    def folder(self, name: str) -> Path:
        """An empty folder to fill, for the one output of this name."""
        path = Path(self.write(name))
        _remove(path)
        path.mkdir()
        return path

    def checkpoint(self, name: str) -> Path:
        """A folder for the one output of this name, which may not be there yet.

        Lock it (`partial_files.lock`): a copy of the job may still use it. The next attempt of a
        killed job continues from it; it is removed when the output appears.
        """
        (place,) = self.output[name]
        self.kept.append(Path(place).with_suffix(".checkpoint"))
        return self.kept[-1]

    def write(self, name: str, number: int = 0) -> str:
        """Path to write the output of this name to; of several, that of this number."""
        place = self.output[name][number]
        path = Path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = partial_files.path_for(path)
        self.parts[str(part)] = place
        return str(part)

    def write_text(self, name: str, text: str, number: int = 0) -> None:
        """Make a text the output of this name."""
        Path(self.write(name, number)).write_text(text, encoding="utf-8")

    def write_json(self, name: str, value: Any, number: int = 0) -> None:
        """Make a value the output of this name, as JSON of one line a leaf."""
        self.write_text(name, json.dumps(value, indent=1) + "\n", number)


def _json(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def run(main: Callable[[Job], None], snakemake: Any = None) -> None:
    """Run a script's main function; the last statement of every script.

    Args:
        main: does the work of one job.
        snakemake: the object that Snakemake puts into a script's globals, or None.
    """
    job = _from_snakemake(snakemake) if snakemake else _from_arguments(main.__doc__ or "")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(job.threads)  # for libraries that are loaded from now on
    threadpoolctl.threadpool_limits(job.threads)  # for those that are
    permanent_failure = _failed_before(job)
    terminal = _start_log(job.log)
    if permanent_failure:
        _stop_retrying(permanent_failure, job, terminal)
    for number in _SIGNALS:
        signal.signal(number, _terminated)
    begun = time.monotonic()
    try:
        main(job)
        for number in _SIGNALS:  # from here on all outputs appear unless a rename fails
            signal.signal(number, signal.SIG_IGN)
        for part, place in job.parts.items():
            if Path(part).is_dir():
                _remove(Path(place))  # a folder is not renamed onto a full one
            os.replace(part, place)
        for folder in job.kept:
            shutil.rmtree(folder, ignore_errors=True)
        log.info("done in %.1f s", time.monotonic() - begun)
    except BaseException as error:
        disk_full = disk_space.missing(error, job.parts)  # before partial files are removed
        for part in job.parts:
            _remove(Path(part))
        if isinstance(error, SystemExit):
            log.error("ended: %s", error)
            raise
        _report_failure(error, job, terminal, disk_full)
        sys.exit(1)


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _failed_before(job: Job) -> dict | None:
    """The record of an earlier attempt of this run whose error is permanent, or None."""
    if job.attempt < 2 or not job.log or not _record(job.log).exists():
        return None
    try:
        record = json.loads(_record(job.log).read_text(encoding="utf-8"))
        same = record["params"] == json.loads(json.dumps(job.params))  # they hold the code's hash
        return record if same and record["final"] else None
    except (ValueError, KeyError, TypeError):  # it was cut short
        return None


def _stop_retrying(record: dict, job: Job, terminal: int) -> None:
    """End an attempt at once: retries are for temporary failures (memory, time, a lost node)."""
    _record(job.log).write_text(json.dumps(record), encoding="utf-8")
    log.error("not retried: the same code failed with: %s", record["error"])
    log.error("%s\nreplay: %s", record["traceback"], record["replay"])
    os.write(terminal, f"{record['error']}\n  not retried; log: {job.log}\n".encode())
    sys.exit(1)


def _is_transient(error: BaseException) -> bool:
    """Whether another attempt, with more memory or on another node, may succeed."""
    transient = MemoryError, OSError, ImportError, EOFError, KeyboardInterrupt
    return isinstance(error, transient) or "ResourceExhausted" in type(error).__name__


def _from_snakemake(snakemake: Any) -> Job:
    def named(files: Any) -> Files:
        return {
            name: [value] if isinstance(value, str) else [str(path) for path in value]
            for name, value in files.items()
        }

    return Job(
        named(snakemake.input),
        named(snakemake.output),
        dict(snakemake.params.job),
        snakemake.threads,
        str(snakemake.log[0]) if snakemake.log else "",
        int(snakemake.resources.get("attempt", 1)),
    )


def _from_arguments(about: str) -> Job:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--job", type=Path, help="replay the job of this file")
    for kind in ("input", "output"):
        parser.add_argument(
            f"--{kind}", action="append", default=[], metavar="NAME=PATH", help="may be repeated"
        )
    parser.add_argument("--params", default="{}", help="settings as JSON, or @FILE with it")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    try:
        if given.job:
            return _replayed(given.job)
        text = given.params
        if text.startswith("@"):
            text = Path(text[1:]).read_text(encoding="utf-8")
        return Job(_pairs(given.input), _pairs(given.output), _settings(text), given.threads)
    except (OSError, ValueError) as error:
        parser.error(str(error))


def _replayed(path: Path) -> Job:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Job(facts["input"], facts["output"], facts["params"], facts["threads"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path}: describes no job") from None


def _settings(text: str) -> dict[str, Any]:
    try:
        params = json.loads(text)
    except ValueError as error:
        raise ValueError(f"--params: is no JSON: {error}") from None
    if not isinstance(params, dict):
        raise ValueError("--params: is no JSON object")
    return params


def _pairs(words: Iterable[str]) -> Files:
    files: Files = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals:
            raise ValueError(f"{word!r} is not NAME=PATH")
        files.setdefault(name, []).append(path)
    return files


def _start_log(path: str) -> int:
    """Send stdout, stderr and logging to the log; a copy of the old stderr is returned."""
    terminal = os.dup(2)
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        _record(path).unlink(missing_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", force=True
    )
    return terminal


def _terminated(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _report_failure(error: BaseException, job: Job, terminal: int, disk_full: str) -> None:
    """Traceback and replay command into the log, one line to the terminal."""
    traceback.print_exception(error)
    what = disk_full or f"{type(error).__name__}: {error}"
    if disk_full and not job.log:  # the traceback above names no place
        os.write(terminal, f"{what}\n".encode())
    if job.log:
        record = _record(job.log)
        command = shlex.join([sys.executable, f"scripts/{_script_name()}", "--job", str(record)])
        facts = {"input": job.input, "output": job.output, "params": job.params}
        facts |= {"threads": job.threads, "error": what, "replay": command}
        facts |= {"final": not _is_transient(error), "traceback": traceback.format_exc()}
        with contextlib.suppress(OSError):  # on a full disk there is only the log
            part = partial_files.path_for(record)
            part.write_text(json.dumps(facts), encoding="utf-8")
            part.replace(record)
        log.error("replay: %s", command)
        os.write(terminal, f"{what}\n  log: {job.log}\n".encode())


def _record(log_path: str) -> Path:
    """The record of a failed job, next to its log."""
    return Path(log_path).with_suffix(".job.json")


def _script_name() -> str:
    """The running script's own name; Snakemake runs a copy called `tmpx.NAME.py`."""
    return Path(sys.argv[0]).name.split(".", 1)[-1] if _is_copy() else Path(sys.argv[0]).name


def _is_copy() -> bool:
    return Path(sys.argv[0]).parent.name == "scripts" and ".snakemake" in sys.argv[0]
