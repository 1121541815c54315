"""What a run would submit now: jobs by rule, the largest of each, core hours."""

from __future__ import annotations

import itertools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deepfake import beside, config, schema, sheet, site
from deepfake.plan import Plan


class PlanError(RuntimeError):
    """A run that cannot be planned, in the words of the workflow."""


@dataclass
class Rule:
    """The jobs of one rule.

    Attributes:
        jobs: still to do. threads, mem_mb, minutes: of the largest, at the first attempt.
        core_hours: asked for by all of them, at most.
    """

    name: str
    jobs: int
    threads: int
    mem_mb: int
    minutes: int
    core_hours: float


def remaining(snakemake: list[str]) -> dict[str, int]:
    """Jobs by rule that a dry run of this command would do."""
    done = subprocess.run([*snakemake, "--dry-run"], capture_output=True, text=True)
    told = done.stdout + done.stderr
    if done.returncode != 0:
        lines = [line for line in told.splitlines() if not line.startswith("Using workflow")]
        raise PlanError("\n".join(lines))
    stats = re.search(r"^job +count$(.*?)^total ", told, flags=re.M | re.S)
    counts = re.findall(r"^(\w+) +(\d+)$", stats[1], flags=re.M) if stats else []
    return {rule: int(count) for rule, count in counts if rule != "all"}


def settings(configuration: Path) -> config.Config:
    """A run's configuration, from its file.

    Raises:
        ConfigError: it is no YAML, or a key is wrong.
    """
    return config.load(schema.read_yaml(configuration), str(configuration))


def rules(configuration: Path, root: Path, counts: dict[str, int]) -> list[Rule]:
    """What the jobs still to do ask for, by rule."""
    chosen = settings(configuration)
    videos = sheet.read(chosen.sheet, check_files=False)
    plan = Plan(chosen, videos, site.load(root).limits)
    asked: dict[str, list[tuple[int, int, int]]] = {}
    for rule, wildcards in itertools.chain(plan.jobs(), beside.jobs(chosen, plan)):
        asked.setdefault(rule, []).append(
            (
                plan.threads(rule, wildcards),
                plan.mem_mb(rule, wildcards),
                plan.minutes(rule, wildcards),
            )
        )
    found = []
    for rule, jobs in asked.items():
        count = counts.get(rule, 0)
        if count:
            threads, mem_mb, minutes = (max(column) for column in zip(*jobs, strict=True))
            hours = sum(t * m for t, _, m in jobs) / 60 * count / len(jobs)
            found.append(Rule(rule, count, threads, mem_mb, minutes, hours))
    return found


def table(found: list[Rule]) -> str:
    """The plan as it is printed before the first job is submitted."""
    if not found:
        return "plan: nothing is left to do"
    lines = [
        f"{'rule':<10} {'jobs':>6} {'threads':>8} {'memory':>10} {'time':>8} {'core hours':>11}"
    ]
    for rule in found:
        lines.append(
            f"{rule.name:<10} {rule.jobs:>6} {rule.threads:>8} {rule.mem_mb:>7} MB "
            f"{rule.minutes:>4} min {rule.core_hours:>11.1f}"
        )
    lines.append(
        f"{'at most':<10} {sum(r.jobs for r in found):>6} {max(r.threads for r in found):>8} "
        f"{max(r.mem_mb for r in found):>7} MB {max(r.minutes for r in found):>4} min "
        f"{sum(r.core_hours for r in found):>11.1f}"
    )
    return "\n".join(lines)
