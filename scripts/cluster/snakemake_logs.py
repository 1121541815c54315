"""Read jobs and failures of a working folder's runs from Snakemake's logs."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from cluster import lsf, slurm

SCHEDULERS: dict[str, ModuleType] = {"slurm": slurm, "lsf": lsf}

WATCHED = "DEEPFAKE_CONTROLLER"  # environment variable, set while a controller watches Snakemake
RECENT_RUNS = 20  # whose jobs may still be in the queue: each run is queried

_RUN_ID = re.compile(r"SLURM run ID: (\S+)|LSF jobid \d+ \(log: .*/([0-9a-f-]{36})\.log\)")
_ERROR = re.compile(r"^Error in (?:rule|group) (\S+):$")
_SUBMITTED = re.compile(r"Job (\d+) (?:has been )?submitted with \w+ jobid (\d+) \(log: (.+?)\)")
_LSF_REFUSED = re.compile(r"^LSF job submission failed\. The error message was ")
_MISSING = re.compile(r"^MissingOutputException in rule (\S+?)(?: in file .*)?:$")
_SUCCEEDED = re.compile(r"^Job (\d+) +completed successfully, but some output files are missing")
_FIELD = re.compile(r"^    (\w+): ?(.*)$")
_REFUSAL = re.compile(
    r"(?:SLURM sbatch failed\. The error message was '|LSF job submission failed\. The error "
    r"message was |Job submission failed with exception: )(.+?)(?:'\.)?$"
)
# refusals that every further submission would get
_OF_ALL_JOBS = re.compile(
    r"invalid (account|partition|qos)|account \S+ (is closed|appears to be invalid)"
    r"|not permitted to use this partition|permission denied",
    flags=re.IGNORECASE,
)
_TAIL = re.compile(r" ?For further error details see the cluster/cloud log.*")
_SCRIPT_LOG = re.compile(r"^(.*?)(?: \(check log file\(s\) for error details\))?$")


@dataclass
class Failure:
    """One failed attempt of a job, from Snakemake's log.

    Attributes:
        rule, log: the rule's name and its own log file, "" where it has none.
        job_id: the scheduler's number, "" for a local job.
        cluster_log: the scheduler's log of the job, "" where there is none.
        message: Snakemake's or its executor plugin's message.
        is_missing: whether the job succeeded and Snakemake does not find its output.
    """

    rule: str
    log: str = ""
    job_id: str = ""
    cluster_log: str = ""
    message: str = ""
    is_missing: bool = False

    @property
    def refusal(self) -> str:
        """Why the scheduler refused the job, "" if it did not."""
        found = _REFUSAL.search(self.message)
        return found[1].removeprefix("Batch job submission failed: ") if found else ""


def are_watched() -> bool:
    """Whether a controller watches this Snakemake and reports its failures."""
    return WATCHED in os.environ


def logs(folder: Path) -> list[Path]:
    """Snakemake's logs of a working folder, oldest first."""
    return sorted(folder.glob(".snakemake/log/*.snakemake.log"))


def run_ids(folder: Path) -> list[str]:
    """Ids with which this folder's last runs submitted jobs."""
    found: dict[str, None] = {}
    for path in logs(folder)[-RECENT_RUNS:]:
        for match in _RUN_ID.finditer(path.read_text(encoding="utf-8", errors="replace")):
            found[match[1] or match[2]] = None
    return list(found)


class Reader:
    """Reads Snakemake's output line by line; returns each failure when its block ends."""

    def __init__(self) -> None:
        self._open: Failure | None = None
        self._field = ""  # of the open block, read last
        self._numbers: dict[str, str] = {}  # the scheduler's job id by Snakemake's
        self.run_id = ""
        self.submitted: dict[str, str] = {}  # the scheduler's log by job id

    def feed(self, line: str) -> Failure | None:
        """The failure that this line completes, or None."""
        line = line.rstrip("\n")
        if run_id := _RUN_ID.search(line):
            self.run_id = run_id[1] or run_id[2]
        if submitted := _SUBMITTED.search(line):
            self._numbers[submitted[1]] = submitted[2]
            self.submitted[submitted[2]] = submitted[3]
        ended = None
        begun = self._begun(line)
        if self._open and (begun or not self._belongs(line)):
            ended, self._open = self._open, None
            ended.cluster_log = self.submitted.get(ended.job_id, "")
        if begun:
            self._open, self._field = begun, ""
        elif self._open:
            self._read(line)
        return ended

    @staticmethod
    def _begun(line: str) -> Failure | None:
        """The failure whose block begins with this line, or None."""
        if start := _ERROR.match(line):
            return Failure(start[1])
        if missing := _MISSING.match(line):
            return Failure(missing[1], is_missing=True)
        if _LSF_REFUSED.match(line):  # it ends Snakemake, which does not name the job
            return Failure("a job", message=line)
        return None

    def _belongs(self, line: str) -> bool:
        """Whether a line is part of the open block; a message may continue without indent."""
        if self._open.is_missing:
            return _SUCCEEDED.match(line) is not None
        of_message = self._field == "message" and not line.startswith("[")
        return line.startswith("    ") or of_message

    def _read(self, line: str) -> None:
        if succeeded := _SUCCEEDED.match(line):
            self._open.job_id = self._numbers.get(succeeded[1], "")
        if self._field == "message" and not line.startswith(" "):
            self._open.message = f"{self._open.message} {_TAIL.sub('', line)}".strip()
        if not (found := _FIELD.match(line)):
            return
        self._field = found[1]
        if found[1] == "message":
            self._open.message = _TAIL.sub("", found[2])
        elif found[1] == "log":
            self._open.log = _SCRIPT_LOG.match(found[2].split(",")[0])[1]
        elif found[1] == "external_jobid":
            self._open.job_id = found[2]


def failures(lines: Iterable[str]) -> list[Failure]:
    """Every failed attempt in Snakemake's output, in order."""
    reader = Reader()
    found = [reader.feed(line) for line in [*lines, ""]]
    return [failure for failure in found if failure]


def why(failure: Failure, scheduler: ModuleType | None, folder: Path = Path()) -> str:
    """Why a job failed, in one line: the cluster's evidence, or the script's own error."""
    if failure.refusal:
        return f"not submitted: {failure.refusal}"
    log_text = _text(folder / failure.cluster_log) if failure.cluster_log else ""
    if scheduler and failure.job_id and (cause := scheduler.evidence(failure.job_id, log_text)):
        return cause
    if failure.is_missing:
        return "it succeeded, but its output is missing"
    if record := _record(failure, folder):
        return record["error"]
    if re.search(r"MissingOutputException|output files are missing", log_text):
        return "it succeeded, but its output is missing"
    if "No space left on device" in log_text:
        return "no space left on the device"
    lines = [line for line in _text(folder / failure.log).splitlines() if line.strip()]
    if lines:
        return f"its log ends with: {lines[-1]}"
    return failure.message or "no reason was recorded"


def concerns_all_jobs(failure: Failure) -> bool:
    """Whether every further submission would be refused for the same reason."""
    return _OF_ALL_JOBS.search(failure.refusal) is not None


def _record(failure: Failure, folder: Path) -> dict:
    """The error that the script recorded; see `deepfake.core.job`."""
    path = folder / re.sub(r"\.log$", ".job.json", failure.log)
    try:
        record = json.loads(_text(path)) if path.suffix == ".json" else {}
    except ValueError:
        return {}
    return record if isinstance(record, dict) and "error" in record else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def table(rows: list[tuple[Failure, str]], folder: Path = Path()) -> str:
    """The failed attempts in order: what failed, why, and the logs to read.

    Jobs that were not submitted have no logs: those of one rule and cause share a line.
    """
    lines = [f"{len(rows)} failed attempt{'s' * (len(rows) != 1)}, in order:"]
    refused = Counter((failure.rule, cause) for failure, cause in rows if failure.refusal)
    for failure, cause in rows:
        if failure.refusal:
            if count := refused.pop((failure.rule, cause), 0):
                lines.append(f"  {failure.rule}{f' ({count} times)' * (count > 1)}: {cause}")
            continue
        number = f" (job {failure.job_id})" if failure.job_id else ""
        lines.append(f"  {failure.rule}{number}: {cause}")
        lines += [f"      log:    {path}" for path in (failure.log, failure.cluster_log) if path]
        if replay := _record(failure, folder).get("replay"):
            lines.append(f"      replay: {replay}")
    return "\n".join(lines)


def explain(log: Path) -> str:
    """The table of a failed run, from Snakemake's log; "" if nothing failed."""
    text = _text(log)
    found = failures(text.splitlines())
    name = next((name for name in SCHEDULERS if f"{name.upper()} jobid" in text), "")
    rows = [(failure, why(failure, SCHEDULERS.get(name))) for failure in found]
    return table(rows) if rows else ""
