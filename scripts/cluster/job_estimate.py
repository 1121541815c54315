"""What a run would submit now: jobs by rule, the largest request of each, core hours."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deepfake.core import schema
from deepfake.dataset import sheet
from deepfake.workflow import config, extra_jobs, site
from deepfake.workflow.job_sheet import StoredSheet
from deepfake.workflow.plan import Plan

ATTEMPTS = 3  # of a job: the first and the `retries` of the profiles


class PlanError(RuntimeError):
    """A run that cannot be planned; the message is the workflow's."""


@dataclass
class RuleEstimate:
    """The jobs of one rule.

    Attributes:
        jobs: still to do. threads, mem_mb, minutes: of the largest, at the first attempt.
        core_hours: requested by all of them together, at most.
        last_mb, last_minutes: of the largest, at the last attempt.
    """

    name: str
    jobs: int
    threads: int
    mem_mb: int
    minutes: int
    core_hours: float
    last_mb: int = 0
    last_minutes: int = 0


def remaining(snakemake: list[str]) -> dict[str, int]:
    """Jobs by rule that a dry run of this command would do."""
    dry_run = [*snakemake, "--dry-run", "--quiet", "rules"]  # each job's description takes long
    done = subprocess.run(dry_run, capture_output=True, text=True)
    output = done.stdout + done.stderr
    if done.returncode != 0:
        lines = [line for line in output.splitlines() if not line.startswith("Using workflow")]
        raise PlanError("\n".join(lines))
    stats = re.search(r"^job +count$(.*?)^total ", output, flags=re.M | re.S)
    counts = re.findall(r"^(\w+) +(\d+)$", stats[1], flags=re.M) if stats else []
    return {rule: int(count) for rule, count in counts if rule != "all"}


def settings(configuration: Path) -> config.Config:
    """A run's configuration, from its file.

    Raises:
        ConfigError: it is no YAML, or a key is wrong.
    """
    return config.load(schema.read_yaml(configuration), str(configuration))


def rules(configuration: Path, root: Path, counts: dict[str, int]) -> list[RuleEstimate]:
    """Requests of the jobs that are still to do, by rule."""
    chosen = settings(configuration)
    sizes = sheet.batch_sizes(chosen.sheet)  # the dry run has checked the sheet itself
    batches = {batch: range(count) for batch, count in sizes.items()}
    videos = StoredSheet(batches, sizes.total(), {}, {})
    plan = Plan(chosen, videos, site.load(root).limits)
    requests: dict[str, list[tuple[int, int, int, Mapping[str, str]]]] = {}
    for rule, wildcards in itertools.chain(plan.jobs(), extra_jobs.jobs(chosen, plan)):
        if counts.get(rule):
            threads = plan.threads(rule, wildcards)
            first = plan.mem_mb(rule, wildcards), plan.minutes(rule, wildcards)
            requests.setdefault(rule, []).append((threads, *first, wildcards))
    found = []
    for rule, jobs in requests.items():
        threads = max(job[0] for job in jobs)
        *_, mem_mb, _, largest = max(jobs, key=lambda job: job[1])
        *_, minutes, longest = max(jobs, key=lambda job: job[2])
        hours = sum(t * m for t, _, m, _ in jobs) / 60 * counts[rule] / len(jobs)
        last = plan.mem_mb(rule, largest, ATTEMPTS), plan.minutes(rule, longest, ATTEMPTS)
        found.append(RuleEstimate(rule, counts[rule], threads, mem_mb, minutes, hours, *last))
    return found


def table(found: list[RuleEstimate]) -> str:
    """The plan as text; it is printed before the first job is submitted."""
    if not found:
        return "plan: no job is left to do"
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
