"""What jobs asked for and used, by rule, from the benchmark files of a run."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deepfake.models.catalogue import SPECS


@dataclass
class Used:
    """The jobs of one rule.

    Attributes:
        jobs: measured. requested_mb, requested_minutes, threads: of the largest request.
        used_mb, used_seconds: the most of any job. seconds, cpu_seconds: of all jobs together.
        core_minutes: that all jobs requested, of the attempt that ended well.
    """

    jobs: int = 0
    requested_mb: float = 0
    requested_minutes: float = 0
    threads: int = 0
    used_mb: float = 0
    used_seconds: float = 0
    seconds: float = 0
    cpu_seconds: float = 0
    core_minutes: float = 0

    @property
    def measured(self) -> bool:
        """Whether a job was long enough to be looked at: the first look is after half a second."""
        return self.used_seconds > 2


def collect(benchmarks: Path) -> dict[str, Used]:
    """What each rule's benchmark files tell; search, choose, fit and evaluate a model."""
    found: dict[str, Used] = {}
    for name, record in records(benchmarks):
        _add(found.setdefault(name, Used()), record)
    return found


def records(benchmarks: Path) -> Iterator[tuple[str, dict]]:
    """Each job's benchmark record, with the name that it is counted under, as `collect` has it."""
    for path in sorted(benchmarks.rglob("*.jsonl")):
        name = name_of(path.relative_to(benchmarks))
        for record in _read(path):
            yield name, record


def name_of(path: Path) -> str:
    """Under which name a job is counted, by where its benchmark or its log is among all of them."""
    rule = path.parts[0].removesuffix(path.suffix)
    model = re.search(rf"\.({'|'.join(SPECS)})\b", path.name)
    return f"{rule} {model[1]}" if model else rule


def by_model(found: dict[str, Used], models: Iterable[str]) -> dict[str, Used]:
    """All jobs that a model took: its search, choice, fit and test.

    The Gram jobs are counted with each model that could not do without them.
    """
    found_by_model = {}
    for model in models:
        parts = [used for name, used in found.items() if name.endswith(f" {model}")]
        if parts and SPECS[model].uses_gram and "gram" in found:
            parts.append(found["gram"])
        if parts:
            found_by_model[model] = together(parts)
    return found_by_model


def together(parts: Iterable[Used]) -> Used:
    """Jobs of several rules as one: the most of any, the sum of all."""
    total = Used()
    for part in parts:
        for name in ("requested_mb", "requested_minutes", "threads", "used_mb", "used_seconds"):
            setattr(total, name, max(getattr(total, name), getattr(part, name)))
        for name in ("jobs", "seconds", "cpu_seconds", "core_minutes"):
            setattr(total, name, getattr(total, name) + getattr(part, name))
    return total


def core_hours(benchmarks: Iterable[Path], videos: int) -> str:
    """What the jobs of a run have used of what they requested, in a line.

    Used is processor time, as Snakemake samples it; requested are threads x minutes.

    Args:
        benchmarks: the folder `benchmarks` of the run, and of each of its variants.
    """
    all_jobs = together(used for folder in benchmarks for used in collect(folder).values())
    hours, requested = all_jobs.cpu_seconds / 3600, all_jobs.core_minutes / 60
    of = f" of {requested:.3g} that its jobs requested" if requested else ""
    each = 1000 * hours / videos
    return f"{hours:.3g} core hours were used{of}, which is {each:.3g} for 1,000 videos"


def _read(path: Path) -> list[dict]:
    """The jobs in a file; none where it is cut short or somebody else's."""
    try:
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return []
    return [record for record in found if isinstance(record, dict) and "s" in record]


def _add(used: Used, record: dict) -> None:
    request = record.get("resources")
    request = request if isinstance(request, dict) else {}
    used.jobs += 1
    used.requested_mb = max(used.requested_mb, number(request.get("mem_mb")))
    used.requested_minutes = max(used.requested_minutes, number(request.get("runtime")))
    used.threads = max(used.threads, int(number(record.get("threads"))))
    used.core_minutes += number(record.get("threads")) * number(request.get("runtime"))
    used.used_seconds = max(used.used_seconds, number(record.get("s")))
    used.seconds += number(record.get("s"))
    used.cpu_seconds += number(record.get("cpu_time"))
    used.used_mb = max(used.used_mb, number(record.get("max_rss")))


def number(value: object) -> float:
    """A number of a record; 0 where it has none, as of a job that was too short to be sampled."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return 0.0
    return found if math.isfinite(found) else 0.0
