"""What Snakemake's own logs tell of the runs of a working folder: their jobs, their failures."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from cluster import lsf, slurm

SCHEDULERS: dict[str, ModuleType] = {"slurm": slurm, "lsf": lsf}

WATCHED = "DEEPFAKE_CONTROLLER"  # the environment variable that says so
REMEMBERED = 20  # runs whose jobs may still be there: each is asked for

_RUN_ID = re.compile(r"SLURM run ID: (\S+)|LSF jobid \d+ \(log: .*/([0-9a-f-]{36})\.log\)")
_ERROR = re.compile(r"^Error in (?:rule|group) (\S+):$")
_FIELD = re.compile(r"^    (jobid|log|external_jobid): (.+)$")
_SCRIPT_LOG = re.compile(r"^(.*?)(?: \(check log file\(s\) for error details\))?$")


@dataclass
class Failure:
    """One failed attempt of a job, as Snakemake's log tells it.

    Attributes:
        rule, log: the rule's name and its own log file, "" where it has none.
        job_id: the scheduler's number, "" for a local job.
        cluster_log: the scheduler's log of the job, "" where there is none.
    """

    rule: str
    log: str = ""
    job_id: str = ""
    cluster_log: str = ""


def are_watched() -> bool:
    """Whether a controller watches this Snakemake, and tells of failures itself."""
    return WATCHED in os.environ


def logs(folder: Path) -> list[Path]:
    """Snakemake's logs of a working folder, oldest first."""
    return sorted(folder.glob(".snakemake/log/*.snakemake.log"))


def run_ids(folder: Path) -> list[str]:
    """Ids under which this folder's last runs have submitted jobs."""
    found: dict[str, None] = {}
    for path in logs(folder)[-REMEMBERED:]:
        for match in _RUN_ID.finditer(path.read_text(encoding="utf-8", errors="replace")):
            found[match[1] or match[2]] = None
    return list(found)


class Reader:
    """Reads Snakemake's output line by line and yields each failure when its block ends."""

    def __init__(self) -> None:
        self._open: Failure | None = None
        self.run_id = ""
        self.submitted: dict[str, str] = {}  # the scheduler's log by job id

    def feed(self, line: str) -> Failure | None:
        """The failure that this line completes, or None."""
        line = line.rstrip("\n")
        if run_id := _RUN_ID.search(line):
            self.run_id = run_id[1] or run_id[2]
        submitted = re.search(r"submitted with (?:SLURM|LSF) jobid (\d+) \(log: (.+?)\)", line)
        if submitted:
            self.submitted[submitted[1]] = submitted[2]
        ended = None
        start = _ERROR.match(line)
        if self._open and (start or not line.startswith("    ")):
            ended, self._open = self._open, None
            ended.cluster_log = self.submitted.get(ended.job_id, "")
        if start:
            self._open = Failure(start[1])
        elif self._open and (found := _FIELD.match(line)):
            if found[1] == "log":
                self._open.log = _SCRIPT_LOG.match(found[2].split(",")[0])[1]
            elif found[1] == "external_jobid":
                self._open.job_id = found[2]
        return ended


def failures(lines: Iterable[str]) -> list[Failure]:
    """Every failed attempt in Snakemake's output, in order."""
    reader = Reader()
    found = [reader.feed(line) for line in [*lines, ""]]
    return [failure for failure in found if failure]


def why(failure: Failure, scheduler: ModuleType | None, folder: Path = Path()) -> str:
    """Why a job failed, in one line: the cluster's evidence, or the script's own error."""
    told = _text(folder / failure.cluster_log) if failure.cluster_log else ""
    if scheduler and failure.job_id and (cause := scheduler.evidence(failure.job_id, told)):
        return cause
    if record := _record(failure, folder):
        return record["error"]
    if re.search(r"MissingOutputException|output files are missing", told):
        return "it ended well, but its output is not there"
    if "No space left on device" in told:
        return "no space left on the device"
    lines = [line for line in _text(folder / failure.log).splitlines() if line.strip()]
    return f"its log ends with: {lines[-1]}" if lines else "no reason was left anywhere"


def _record(failure: Failure, folder: Path) -> dict:
    """What the script itself left about its error; see `deepfake.job`."""
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
    """What failed, why and where to look, an attempt after the other."""
    lines = [f"{len(rows)} failed attempt{'s' * (len(rows) != 1)}, in order:"]
    for failure, cause in rows:
        number = f" (job {failure.job_id})" if failure.job_id else ""
        lines.append(f"  {failure.rule}{number}: {cause}")
        lines += [f"      log:    {path}" for path in (failure.log, failure.cluster_log) if path]
        if replay := _record(failure, folder).get("replay"):
            lines.append(f"      replay: {replay}")
    return "\n".join(lines)


def explain(log: Path) -> str:
    """The table of a run that failed, from Snakemake's log of it; "" where nothing did."""
    text = _text(log)
    found = failures(text.splitlines())
    name = next((name for name in SCHEDULERS if f"{name.upper()} jobid" in text), "")
    rows = [(failure, why(failure, SCHEDULERS.get(name))) for failure in found]
    return table(rows) if rows else ""
