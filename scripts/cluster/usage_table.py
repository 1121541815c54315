"""Tables of requested and used resources, a line a rule."""

from __future__ import annotations

import math
from collections.abc import Iterable

from deepfake.models.catalogue import on_gram
from deepfake.workflow import published_results
from deepfake.workflow.resources import SNAKEMAKE_MB
from deepfake.workflow.usage import Used, by_model, collect

__all__ = ["Used", "collect", "from_accounting", "profile_lines", "table"]

HEADROOM = 1.3  # requested / largest used


def table(found: dict[str, Used]) -> str:
    """Requested and used resources from the benchmarks, a line a rule."""
    head = (
        f"{'rule':<20} {'jobs':>5} {'req. MB':>9} {'used MB':>9} {'req. min':>10} "
        f"{'used min':>9} {'threads':>8} {'CPU s':>9}"
    )
    lines = [head]
    for name, used in found.items():
        lines.append(
            f"{name:<20} {used.jobs:>5} {used.requested_mb:>9.0f} "
            f"{f'{used.used_mb:.0f}' if used.measured else 'too short':>9} "
            f"{used.requested_minutes:>10.0f} {used.used_seconds / 60:>9.1f} {used.threads:>8} "
            f"{used.cpu_seconds:>9.0f}"
        )
    return "\n".join(lines)


def profile_lines(found: dict[str, Used]) -> str:
    """`set-resources` lines for a profile: the largest use plus 30 %, growing with the attempt.

    They hold for runs of this size.
    """
    rules: dict[str, tuple[float, float]] = {}
    for name, used in found.items():
        rule = name.split()[0]
        memory, seconds = rules.get(rule, (0.0, 0.0))
        if used.measured:
            rules[rule] = max(memory, used.used_mb), max(seconds, used.used_seconds)
    lines = ["# for runs of this size only", "set-resources:"]
    for rule, (memory, seconds) in rules.items():
        lines.append(f"  {rule}:")
        whole = math.ceil((memory + SNAKEMAKE_MB) * HEADROOM / 100) * 100
        minutes = max(10, math.ceil(seconds * HEADROOM / 60))
        lines.append(f"    mem_mb: round({whole} * 1.5 ** (attempt - 1))")
        lines.append(f"    runtime: {minutes} * 2 ** (attempt - 1)")
    return "\n".join(lines) if rules else "every job was too short to be measured"


def from_accounting(jobs: list[tuple[str, float | None, float, float | None]]) -> str:
    """What the cluster measured, including the nested Snakemake: the most of any job of a rule.

    Args:
        jobs: rule, MB, seconds, and seconds in the queue; None where they are not known.
    """
    rules: dict[str, list[tuple[float | None, float, float | None]]] = {}
    for rule, *measured in jobs:
        rules.setdefault(rule, []).append(tuple(measured))
    lines = [f"{'by accounting':<20} {'jobs':>5} {'used MB':>9} {'used min':>9} {'queued min':>11}"]
    for rule, found in rules.items():
        memory, seconds, queued = zip(*found, strict=True)
        lines.append(
            f"{rule:<20} {len(found):>5} {_most(memory, 1, 0):>9} {_most(seconds, 60, 1):>9} "
            f"{_most(queued, 60, 1):>11}"
        )
    return "\n".join(lines)


def _most(values: Iterable[float | None], unit: float, digits: int) -> str:
    """The largest of the values that are known, in another unit."""
    known = [value for value in values if value is not None]
    return f"{max(known) / unit:.{digits}f}" if known else "unknown"


def against_the_original(found: dict[str, Used]) -> str:
    """Each model's usage next to what the original published."""
    lines = [f"{'model':<10} {'CPU time':>10} {'max memory':>11} {'longest job':>12}   original"]
    for model, used in by_model(found, published_results.BEST).items():
        original = published_results.BEST[model]
        lines.append(
            f"{model:<10} {used.cpu_seconds:>8.0f} s {used.used_mb:>8.0f} MB "
            f"{used.used_seconds:>10.0f} s   {original.cpu_seconds:,} s, {original.memory_mb:,} MB "
            f"({published_results.ROWS:,} rows)"
        )
    lines.append(f"{on_gram()} share the Gram jobs, which are counted with each of them.")
    return "\n".join(lines)
