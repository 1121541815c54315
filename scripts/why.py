"""Print what would rerun, and which key, file, module or package is the reason.

    python scripts/why.py --config config/faceforensics.yaml
    python scripts/why.py --config config/faceforensics.yaml --target transfer

`make why` calls it. Nothing is run: Snakemake plans, as in a dry run, and its records of finished
jobs have the settings, code and packages of each.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from snakemake.api import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    ResourceSettings,
    SnakemakeApi,
)
from snakemake.io import is_flagged

from deepfake.core import schema
from deepfake.workflow import config_diff

ROOT = Path(__file__).resolve().parent.parent
SHOWN = 3  # files of a line that are named; the others are counted
FOLLOWS = "follows from the above"

Reason = tuple[str, tuple[str, ...]]  # what, and to which files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "config.yaml")
    parser.add_argument("--target", default="", help="instead of the whole run, like transfer")
    arguments = parser.parse_args()
    targets = {arguments.target} if arguments.target else set()
    try:
        schema.read_mapping(arguments.config)
    except schema.ConfigError as error:
        sys.exit(str(error))
    # Snakemake's source cache: here, not in the home folder
    os.environ.setdefault("XDG_CACHE_HOME", str(Path(".snakemake", "cache").resolve()))
    with SnakemakeApi(OutputSettings(dryrun=True, log_level_override=logging.ERROR)) as api:
        try:
            workflow = api.workflow(
                ResourceSettings(cores=1),
                ConfigSettings(configfiles=[arguments.config.resolve()]),
                snakefile=ROOT / "Snakefile",
            )
            workflow.dag(DAGSettings(targets=targets, force_incomplete=True)).execute_workflow(
                "dryrun"
            )
        except Exception as error:
            api.print_exception(error)
            return 1
        # the API has no access to the plan; Snakemake's version is locked
        print("\n".join(report(SnakemakePlan(workflow._workflow))))
    return 0


class SnakemakePlan:
    """Snakemake's plan and its records of what was done."""

    def __init__(self, workflow: Any) -> None:
        order = {rule.name: number for number, rule in enumerate(workflow.rules)}
        self.jobs = sorted(
            (job for job in workflow.dag.jobs if job.output),
            key=lambda job: (order[job.rule.name], str(job.output[0])),
        )
        self._dag, self._records = workflow.dag, workflow.persistence
        self._runs = set(workflow.dag.needrun_jobs(exclude_finished=False))
        self._made = {str(file) for job in self.jobs for file in job.output}
        # A job with a chunk holds a share of a model's candidates; the one without holds them all.
        self._whole = {
            _model(job): self.settings(job)
            for job in self.jobs
            if "candidates" in job.params.get("job", {}) and "chunk" not in job.wildcards.keys()
        }

    def runs(self, job: Any) -> bool:
        return job in self._runs

    def settings(self, job: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A job's settings as recorded, or {} where it never ran, and as they are now."""
        for text in next(filter(None, map(self._records.params, job.output)), []):
            with contextlib.suppress(ValueError, SyntaxError):
                if isinstance(old := ast.literal_eval(text), dict):
                    return _numbered(old), _numbered(job.params.get("job", {}))
        return {}, _numbered(job.params.get("job", {}))

    def why(self, job: Any) -> Iterator[Reason]:
        """Why a job would run."""
        reason = self._dag.reason(job)
        if own := list(self._own(job, reason)):
            yield from own
        elif reason.updated_input_run:
            yield FOLLOWS, ()
        elif reason.missing_output:
            yield "its output was temporary, and is needed again", ()
        else:
            yield ", ".join(reason.get_names()), ()

    def _own(self, job: Any, reason: Any) -> Iterator[Reason]:
        """The reasons of a job that no other job gives it."""
        gone = [file for file in job.output if file in reason.missing_output]
        if not any(map(self._records.metadata, job.output)):
            if gone:
                yield "not there yet", ()
            return
        for line in self._changed(job):
            yield line, ()
        if lasting := [str(file) for file in gone if not is_flagged(file, "temp")]:
            yield "gone", tuple(lasting)
        if reason.forced:  # nothing else is forced in this plan
            yield "was interrupted", ()
        yield from self._inputs(job, reason)
        if reason.code_changed:
            yield f"script scripts/{Path(job.rule.script).name} changed", ()
        if reason.software_stack_changed:
            yield "environment changed", (str(job.rule.conda_env),)

    def _inputs(self, job: Any, reason: Any) -> Iterator[Reason]:
        """Input files that are newer, and files from outside that only now or before are input."""
        before = set(next(filter(None, map(self._records.input, job.output)), []))
        now = set(map(str, job.input))
        if newer := before & set(map(str, reason.updated_input)):
            yield "newer than what was made of it", tuple(newer)
        for what, files in (("new input", now - before), ("no input any more", before - now)):
            given = (file for file in files - self._made if not file.startswith("results/"))
            if listed := tuple(given):
                yield what, listed

    def _changed(self, job: Any) -> list[str]:
        """The settings, modules and packages that are not those the job was done with."""
        old, new = self.settings(job)
        if not old:
            return []
        moved = []
        whole = self._whole.get(_model(job), ({}, {}))
        if "candidates" in old and "candidates" in whole[0] and repr(old) != repr(new):
            share = [side["candidates"] for side in (old, new)]
            old["candidates"], new["candidates"] = (side["candidates"] for side in whole)
            if share[0] != share[1] and old["candidates"] == new["candidates"]:
                moved = ["key search.candidates_per_job: the same candidates in other jobs"]
        return moved + config_diff.differences(old, new)


def _model(job: Any) -> tuple[str | None, str | None]:
    """The model of a job, and the variant that it is of."""
    return job.wildcards.get("branch"), job.wildcards.get("model")


def _numbered(settings: dict[str, Any]) -> dict[str, Any]:
    """A copy with candidates by their number, and without what follows from them."""
    copy = {name: value for name, value in settings.items() if name != "scalings"}
    if isinstance(copy.get("candidates"), list):
        copy["candidates"] = dict(enumerate(copy["candidates"]))
    return copy


def report(plan: SnakemakePlan) -> list[str]:
    """The plan as lines: one for each rule and reason."""
    jobs = [job for job in plan.jobs if plan.runs(job)]
    if not jobs:
        return [f"nothing would run: all {len(plan.jobs)} jobs are done"]
    counts: dict[tuple[str, str], int] = {}
    files: dict[tuple[str, str], set[str]] = {}
    for job in jobs:
        for what, which in plan.why(job):
            line = job.rule.name, what
            counts[line] = counts.get(line, 0) + 1
            files.setdefault(line, set()).update(which)
    wide = max(len(rule) for rule, _ in counts)
    return [
        f"would run: {len(jobs)} of {len(plan.jobs)} jobs",
        *(
            f"  {rule:<{wide}}  {f'{count} job':>8}{' ' if count == 1 else 's'}  "
            f"{_listed(files[rule, what])}{what}"
            for (rule, what), count in counts.items()
        ),
    ]


def _listed(files: set[str]) -> str:
    """The first files, and how many more."""
    if not files:
        return ""
    shown = ", ".join(sorted(files)[:SHOWN])
    more = len(files) - SHOWN
    return f"{shown} and {more} more: " if more > 0 else f"{shown}: "


if __name__ == "__main__":
    sys.exit(main())
