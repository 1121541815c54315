"""What jobs asked for and what they used: from their benchmarks, a line a rule."""

from __future__ import annotations

import math

from deepfake.report import original
from deepfake.used import Used, by_model, collect

__all__ = ["Used", "collect", "from_accounting", "table", "to_paste"]

HEADROOM = 1.3  # what is asked above the most that was used
NESTED_MB = 300  # the Snakemake inside a job, which the benchmarks do not see


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
    for model, used in by_model(found, original.BEST).items():
        theirs = original.BEST[model]
        lines.append(
            f"{model:<10} {used.cpu_seconds:>8.0f} s {used.used_mb:>8.0f} MB "
            f"{used.used_seconds:>10.0f} s   {theirs.cpu_seconds:,} s, {theirs.memory_mb:,} MB "
            f"({original.ROWS:,} rows)"
        )
    lines.append(
        "svm, logistic and ridge share the Gram jobs, which are counted with each of them."
    )
    return "\n".join(lines)
