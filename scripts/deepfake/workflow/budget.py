"""What plans request before anything runs: jobs, core hours and memory; and a limit of core hours.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from deepfake.workflow.plan import Plan

LARGEST = 3  # rules that a refusal names


@dataclass
class Requested:
    """What the jobs of a plan request at their first attempt.

    Attributes:
        jobs: their number. mem_mb: of the job that requests the most, in MB.
        core_minutes: threads x minutes, by rule. Jobs end earlier than they request, and a further
            attempt requests more.
    """

    jobs: int = 0
    mem_mb: int = 0
    core_minutes: Counter[str] = field(default_factory=Counter)

    @property
    def core_hours(self) -> float:
        """Of all jobs together."""
        return self.core_minutes.total() / 60


def requested(plan: Plan) -> Requested:
    """What all jobs of a plan request, as if none of them were done."""
    found = Requested()
    for rule, wildcards in plan.jobs():
        found.jobs += 1
        found.mem_mb = max(found.mem_mb, plan.mem_mb(rule, wildcards))
        found.core_minutes[rule] += plan.threads(rule, wildcards) * plan.minutes(rule, wildcards)
    return found


def described(plans: Iterable[tuple[str, Plan]]) -> str:
    """A line a plan, with its name if it has one."""
    lines = []
    for name, plan in plans:
        total = requested(plan)
        lines.append(
            f"{f'{name}: ' if name else ''}{total.jobs} jobs from nothing request "
            f"{total.core_hours:,.1f} core hours (threads x minutes of each first attempt; they "
            f"use less) and at most {total.mem_mb:,} MB a job"
        )
    return "\n".join(lines)


def refusal(plans: Iterable[Plan], limit: float | None) -> str:
    """Why a run is refused that requests more core hours than `search.core_hours`; "" if not.

    Args:
        plans: of each branch of the run.
    """
    if limit is None:
        return ""
    total = Requested()
    for one in map(requested, plans):
        total.jobs += one.jobs
        total.core_minutes += one.core_minutes
    if total.core_hours <= limit:
        return ""
    most = ", ".join(
        f"{rule} {minutes / 60:,.1f}" for rule, minutes in total.core_minutes.most_common(LARGEST)
    )
    return (
        f"this run's {total.jobs} jobs request {total.core_hours:,.1f} core hours (threads x "
        f"minutes of each first attempt; they use less), more than search.core_hours ({limit:g}); "
        f"the most: {most}: take fewer frames (frames.per_video), feature sets (features), splits "
        "(split.protocols) or candidates (sweep), or raise search.core_hours"
    )
