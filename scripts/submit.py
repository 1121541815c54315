"""Run the workflow on a cluster: check it, start it, continue after a crash, report its use.

    python scripts/submit.py check  --profile slurm --config config/faceforensics.yaml
    python scripts/submit.py run    --profile slurm --config config/faceforensics.yaml
    python scripts/submit.py resume --profile slurm --config config/faceforensics.yaml --old wait
    python scripts/submit.py usage  --config config/faceforensics.yaml

`make check-cluster`, `make run`, `make resume` and `make usage` call it. Arguments after `--` go to
Snakemake.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from cluster import (
    controller,
    controller_lock,
    job_estimate,
    preflight,
    snakemake_logs,
    terminal,
    usage_table,
)
from cluster.scheduler_commands import CommandFailed
from cluster.terminal import say
from deepfake.core.schema import ConfigError
from deepfake.dataset.sheet import SheetError
from deepfake.workflow import site

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    arguments = _arguments()
    # also where it is ignored at the start: in the background, by nohup, by `ssh host '...'`
    signal.signal(signal.SIGINT, signal.default_int_handler)
    terminal.ignore_hangup()
    os.environ.setdefault(site.VARIABLE, str(site.path(ROOT)))
    # Snakemake's source cache: here, not in the home folder
    os.environ.setdefault("XDG_CACHE_HOME", str(Path(".snakemake", "cache").resolve()))
    commands = {"check": check, "run": run, "resume": resume, "usage": report_usage}
    try:
        job_estimate.settings(arguments.config)  # before Snakemake is started
        return commands[arguments.command](arguments)
    except (
        ConfigError,
        SheetError,
        job_estimate.PlanError,
        controller.StartRefused,
        controller_lock.FolderBusy,
        CommandFailed,
    ) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; jobs of an earlier run that are in the queue continue")
        return controller.INTERRUPTED


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
        default=controller.STALL_SECONDS,
        help="seconds of silence with an empty queue after which Snakemake is started again",
    )
    words = sys.argv[1:]
    own = words[: words.index("--")] if "--" in words else words
    arguments = parser.parse_args(own)
    arguments.words = words[len(own) + 1 :]
    return arguments


def _snakemake(arguments: argparse.Namespace) -> list[str]:
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
        *("--workflow-profile", str(ROOT / "profiles" / arguments.profile)),
        *(*arguments.words, "--configfile", str(arguments.config)),
    ]


def _plan(arguments: argparse.Namespace) -> list[job_estimate.RuleEstimate]:
    return job_estimate.rules(arguments.config, ROOT, job_estimate.remaining(_snakemake(arguments)))


def check(arguments: argparse.Namespace) -> int:
    """Look for problems of a run; the exit status is 1 if there are some."""
    plan = _plan(arguments)
    say(job_estimate.table(plan))
    failed = 0
    for finding in preflight.check(arguments.profile, site.load(ROOT), plan, Path()):
        say(f"{'ok  ' if finding.passed else 'FAIL'} {finding.line}")
        failed += not finding.passed
    say("all checks passed" if not failed else f"{failed} checks failed")
    return int(failed > 0)


def run(arguments: argparse.Namespace) -> int:
    """Check, print the plan, submit, watch until the end."""
    with controller_lock.hold(Path()):
        plan = _plan(arguments)
        check = preflight.CHECKS[arguments.profile](site.load(ROOT), plan)
        if problems := [finding.line for finding in check if not finding.passed]:
            say("\n".join(problems))
            return 1
        controller.check_can_start(arguments.profile, Path())
        controller.remove_partial_files(Path(), say)
        return _start(arguments, plan)


def resume(arguments: argparse.Namespace) -> int:
    """Wait for or cancel the jobs of an earlier run, unlock, continue."""
    with controller_lock.hold(Path()):
        controller.finish_old_jobs(arguments.profile, Path(), arguments.old or "", say)
        controller.remove_partial_files(Path(), say)
        controller.unlock(_snakemake(arguments))
        return _start(arguments, _plan(arguments))


def _start(arguments: argparse.Namespace, plan: list[job_estimate.RuleEstimate]) -> int:
    say(job_estimate.table(plan))
    return controller.run(
        _snakemake(arguments), arguments.profile, Path(), say, stall=arguments.stall
    )


def report_usage(arguments: argparse.Namespace) -> int:
    """Print what each rule requested and used."""
    name = job_estimate.settings(arguments.config).run
    found = usage_table.collect(Path("results") / name / "benchmarks")
    if not found:
        say(f"no benchmarks of run {name} yet")
        return 1
    for part in (usage_table.table, usage_table.profile_lines, usage_table.against_the_original):
        say(part(found) + "\n")
    try:
        jobs = snakemake_logs.SCHEDULERS[arguments.profile].used(snakemake_logs.run_ids(Path()))
    except CommandFailed as error:
        say(f"no accounting: {error}")
    else:
        say(usage_table.from_accounting(jobs) if jobs else "accounting has no job of this folder")
    return 0


if __name__ == "__main__":
    sys.exit(main())
