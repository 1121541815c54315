"""What jobs asked for and what they used: from their benchmarks, a line a rule."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

# CPU seconds, MB and run time that the original experiment published for each model.
PUBLISHED = {
    "svm": ("43,616 s", "63,202 MB"),
    "logistic": ("95,303 s", "82,687 MB"),
    "forest": ("45,012 s", "16,800 MB"),
}
HEADROOM = 1.3  # what is asked above the most that was used
NESTED_MB = 300  # the Snakemake inside a job, which the benchmarks do not see


@dataclass
class Used:
    """The jobs of one rule.

    Attributes:
        jobs: measured. asked_mb, asked_minutes, threads: of the largest request.
        used_mb, used_seconds: the most of any job. cpu_seconds: of all jobs together.
    """

    jobs: int = 0
    asked_mb: float = 0
    asked_minutes: float = 0
    threads: int = 0
    used_mb: float = 0
    used_seconds: float = 0
    cpu_seconds: float = 0

    @property
    def measured(self) -> bool:
        """Whether a job was long enough to be looked at: the first look is after half a second."""
        return self.used_seconds > 2


def collect(benchmarks: Path) -> dict[str, Used]:
    """What each rule's benchmark files tell; search, choose, fit and evaluate a model."""
    found: dict[str, Used] = {}
    for path in sorted(benchmarks.rglob("*.jsonl")):
        rule = path.relative_to(benchmarks).parts[0].removesuffix(".jsonl")
        model = re.search(r"\.(svm|logistic|forest)\b", path.name)
        name = f"{rule} {model[1]}" if model else rule
        used = found.setdefault(name, Used())
        for line in path.read_text(encoding="utf-8").splitlines():
            _add(used, json.loads(line))
    return found


def _add(used: Used, record: dict) -> None:
    asked = record.get("resources") or {}
    used.jobs += 1
    used.asked_mb = max(used.asked_mb, _number(asked.get("mem_mb")))
    used.asked_minutes = max(used.asked_minutes, _number(asked.get("runtime")))
    used.threads = max(used.threads, int(_number(record.get("threads"))))
    used.used_seconds = max(used.used_seconds, _number(record.get("s")))
    used.cpu_seconds += _number(record.get("cpu_time"))
    used.used_mb = max(used.used_mb, _number(record.get("max_rss")))


def _number(value: object) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def table(found: dict[str, Used]) -> str:
    """Asked against used, a line a rule."""
    head = (
        f"{'rule':<20} {'jobs':>5} {'asked MB':>9} {'used MB':>9} {'asked min':>10} "
        f"{'used min':>9} {'threads':>8} {'CPU s':>9}"
    )
    lines = [head]
    for name, used in found.items():
        lines.append(
            f"{name:<20} {used.jobs:>5} {used.asked_mb:>9.0f} "
            f"{f'{used.used_mb:.0f}' if used.measured else 'too short':>9} "
            f"{used.asked_minutes:>10.0f} {used.used_seconds / 60:>9.1f} {used.threads:>8} "
            f"{used.cpu_seconds:>9.0f}"
        )
    return "\n".join(lines)


def to_paste(found: dict[str, Used]) -> str:
    """`set-resources` lines for a profile: the most that was used and a third more, growing with
    the attempt as the formulas do. They hold for runs of this size.
    """
    rules: dict[str, tuple[float, float]] = {}
    for name, used in found.items():
        rule = name.split()[0]
        memory, seconds = rules.get(rule, (0.0, 0.0))
        if used.measured:
            rules[rule] = max(memory, used.used_mb), max(seconds, used.used_seconds)
    lines = ["# for runs of this size; the formulas know of others", "set-resources:"]
    for rule, (memory, seconds) in rules.items():
        lines.append(f"  {rule}:")
        whole = math.ceil((memory + NESTED_MB) * HEADROOM / 100) * 100
        minutes = max(10, math.ceil(seconds * HEADROOM / 60))
        lines.append(f"    mem_mb: round({whole} * 1.5 ** (attempt - 1))")
        lines.append(f"    runtime: {minutes} * 2 ** (attempt - 1)")
    return "\n".join(lines) if rules else "every job was too short to be measured"


def from_accounting(jobs: list[tuple[str, float, float]]) -> str:
    """What the cluster itself measured, with the nested Snakemake: a line a rule."""
    rules: dict[str, list[tuple[float, float]]] = {}
    for rule, memory, seconds in jobs:
        rules.setdefault(rule, []).append((memory, seconds))
    lines = [f"{'by accounting':<20} {'jobs':>5} {'used MB':>9} {'used min':>9}"]
    for rule, found in rules.items():
        memory, seconds = (max(column) for column in zip(*found, strict=True))
        lines.append(f"{rule:<20} {len(found):>5} {memory:>9.0f} {seconds / 60:>9.1f}")
    return "\n".join(lines)


def against_the_original(found: dict[str, Used]) -> str:
    """Each model's usage in the original's form, beside what the original published."""
    lines = [f"{'model':<10} {'CPU time':>10} {'max memory':>11} {'longest job':>12}   original"]
    for model, (seconds, memory) in PUBLISHED.items():
        mine = [used for name, used in found.items() if name.endswith(f" {model}")]
        if mine:
            if model != "forest" and "gram" in found:
                mine.append(found["gram"])
            lines.append(
                f"{model:<10} {sum(u.cpu_seconds for u in mine):>8.0f} s "
                f"{max(u.used_mb for u in mine):>8.0f} MB "
                f"{max(u.used_seconds for u in mine):>10.0f} s   {seconds}, {memory} "
                "(13,984 rows)"
            )
    lines.append("svm and logistic share the Gram jobs, which are counted with each of them.")
    return "\n".join(lines)
