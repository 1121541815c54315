"""Run the workflow on a cluster: check it, start it, go on after a crash, tell what it used.

    python scripts/submit.py check  --profile slurm --config config/faceforensics.yaml
    python scripts/submit.py run    --profile slurm --config config/faceforensics.yaml
    python scripts/submit.py resume --profile slurm --config config/faceforensics.yaml --old wait
    python scripts/submit.py usage  --config config/faceforensics.yaml

`make check-cluster`, `make run`, `make resume` and `make usage` call it. Words after `--` are
Snakemake's own.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from cluster import claim, controller, planned, preflight, runs, usage
from cluster.commands import Silent
from deepfake import site
from deepfake.schema import ConfigError
from deepfake.sheet import SheetError

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    arguments = _arguments()
    os.environ.setdefault(site.VARIABLE, str(site.path(ROOT)))
    # Snakemake's copies of our sources: here, and not in the home folder
    os.environ.setdefault("XDG_CACHE_HOME", str(Path(".snakemake", "cache").resolve()))
    # the plugin's memory for the job, as we ask for it, not for each core
    os.environ.setdefault("SNAKEMAKE_LSF_MEMFMT", "perjob")
    commands = {"check": check, "run": run, "resume": resume, "usage": tell_usage}
    try:
        return commands[arguments.command](arguments)
    except (
        ConfigError,
        SheetError,
        planned.PlanError,
        controller.Refused,
        claim.Taken,
        Silent,
    ) as error:
        say(str(error))
        return 1


def say(text: str) -> None:
    print(text, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=("check", "run", "resume", "usage"))
    parser.add_argument("--profile", choices=("slurm", "lsf"), default="slurm")
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "config.yaml")
    parser.add_argument(
        "--old", choices=("wait", "cancel"), help="resume: what to do with jobs still there"
    )
    parser.add_argument(
        "--stall",
        type=float,
        default=controller.STALL,
        help="seconds of silence with an empty queue after which Snakemake is started again",
    )
    words = sys.argv[1:]
    own = words[: words.index("--")] if "--" in words else words
    arguments = parser.parse_args(own)
    arguments.words = words[len(own) + 1 :]
    if not arguments.config.is_file():
        parser.error(f"{arguments.config}: no such configuration")
    return arguments


def _snakemake(arguments: argparse.Namespace) -> list[str]:
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
        *("--workflow-profile", str(ROOT / "profiles" / arguments.profile)),
        *(*arguments.words, "--configfile", str(arguments.config)),
    ]


def _plan(arguments: argparse.Namespace) -> list[planned.Rule]:
    return planned.rules(arguments.config, ROOT, planned.remaining(_snakemake(arguments)))


def check(arguments: argparse.Namespace) -> int:
    """Look for what breaks a run; the exit status is 1 where something is to mend."""
    plan = _plan(arguments)
    say(planned.table(plan))
    bad = 0
    for finding in preflight.check(arguments.profile, site.load(ROOT), plan, Path()):
        say(f"{'ok  ' if finding.well else 'MEND'} {finding.line}")
        bad += not finding.well
    say("all is well" if not bad else f"{bad} to mend before a run")
    return int(bad > 0)


def run(arguments: argparse.Namespace) -> int:
    """Check, print the plan, submit, watch to the end."""
    with claim.held(Path()):
        plan = _plan(arguments)
        check = preflight.CHECKS[arguments.profile](site.load(ROOT), plan)
        if mend := [finding.line for finding in check if not finding.well]:
            say("\n".join(mend))
            return 1
        controller.ready(arguments.profile, Path())
        return _go(arguments, plan)


def resume(arguments: argparse.Namespace) -> int:
    """Wait for or cancel the jobs of an earlier run, unlock, go on."""
    with claim.held(Path()):
        controller.settle(arguments.profile, Path(), arguments.old or "", say)
        controller.unlock(_snakemake(arguments))
        return _go(arguments, _plan(arguments))


def _go(arguments: argparse.Namespace, plan: list[planned.Rule]) -> int:
    say(planned.table(plan))
    return controller.run(
        _snakemake(arguments), arguments.profile, Path(), say, stall=arguments.stall
    )


def tell_usage(arguments: argparse.Namespace) -> int:
    """What each rule asked for and used."""
    name = planned.settings(arguments.config).run
    found = usage.collect(Path("results") / name / "benchmarks")
    if not found:
        say(f"no benchmarks of run {name} yet")
        return 1
    for part in (usage.table, usage.to_paste, usage.against_the_original):
        say(part(found) + "\n")
    try:
        jobs = runs.SCHEDULERS[arguments.profile].used(runs.run_ids(Path()))
    except Silent as error:
        say(f"no accounting: {error}")
    else:
        say(usage.from_accounting(jobs) if jobs else "accounting knows of no job of this folder")
    return 0


if __name__ == "__main__":
    sys.exit(main())
