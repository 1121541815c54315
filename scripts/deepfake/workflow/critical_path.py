"""The chain of jobs that a run cannot be faster than, from its benchmark files.

Which job waited for which follows from the names of the files that each read, which Snakemake's
extended benchmark records hold, and of those that its rule makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfake.workflow import usage


@dataclass(frozen=True)
class Step:
    """A job of the chain.

    Attributes:
        name: that it is counted under, as `usage.collect` has it. job: rule and wildcards.
        seconds: of its script, from start to end.
    """

    name: str
    job: str
    seconds: float


@dataclass(frozen=True)
class CriticalPath:
    """The chain, first job first.

    Attributes:
        lacking: files of the run that its jobs read, and that no job with a record made. What came
            before these is not known, so the chain may be too short.
    """

    steps: tuple[Step, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Of all jobs of the chain together."""
        return sum(step.seconds for step in self.steps)

    def seconds_by_name(self) -> dict[str, float]:
        """The same by the name that jobs are counted under."""
        found: dict[str, float] = {}
        for step in self.steps:
            found[step.name] = found.get(step.name, 0.0) + step.seconds
        return found


def find(
    benchmarks: Path, outputs: Mapping[str, Sequence[str]], last: Iterable[str]
) -> CriticalPath:
    """The chain of jobs, each of which read a file of the one before, that took the longest.

    Args:
        benchmarks: `<the run's folder>/benchmarks`, as jobs name it. Of a job that was repeated,
            the last record counts.
        outputs: by rule, the names of its files, with wildcards in braces.
        last: the files with which the run ends: jobs that none of them needs are left out.
    """
    made_by = {}
    for name, record in usage.records(benchmarks):
        for file in _made(record, outputs):
            made_by[file] = name, record
    longest: dict[str, tuple[Step, ...]] = {}  # the chain that ends with a file, by the file
    lacking = set()

    def chain(file: str) -> tuple[Step, ...]:
        if file not in longest:
            longest[file] = ()  # records of older code may name files in a circle
            if file in made_by:
                name, record = made_by[file]
                before = _longest(chain(one) for one in _read(record))
                longest[file] = (*before, _step(name, record))
            elif benchmarks.parent in Path(file).parents:
                lacking.add(file)
        return longest[file]

    steps = _longest(chain(file) for file in last)
    return CriticalPath(steps, tuple(sorted(lacking)))


def _longest(chains: Iterable[tuple[Step, ...]]) -> tuple[Step, ...]:
    """The chain of most seconds; the first of equal ones."""
    return max(chains, key=lambda steps: sum(step.seconds for step in steps), default=())


def _step(name: str, record: dict) -> Step:
    wildcards = " ".join(str(value) for _, value in sorted(record["wildcards"].items()))
    return Step(name, f"{record['rule_name']} {wildcards}".strip(), usage.number(record.get("s")))


def _made(record: dict, outputs: Mapping[str, Sequence[str]]) -> list[str]:
    """The files that a job made; none where the record does not tell which job it was."""
    wildcards = record.get("wildcards")
    if not isinstance(wildcards, dict):
        return []
    try:
        return [file.format(**wildcards) for file in outputs.get(record.get("rule_name"), ())]
    except (KeyError, TypeError):  # of an older rule of this name
        return []


def _read(record: dict) -> list[str]:
    """The files that a job read."""
    files = record.get("input_size_mb")
    return list(files) if isinstance(files, dict) else []
