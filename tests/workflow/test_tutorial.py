"""The tutorial's commands, as they are written there, in a folder of its own.

The clips are named as FaceForensics++ names them and hold nothing: all that runs are the scan and
dry runs. What its longer commands do, other tests run.
"""

import os
import shlex
import subprocess
import sys

import pytest

from tests.unit import documents
from tests.workflow import forked
from tests.workflow.running import ROOT

PAGE = documents.text("docs/tutorial.md")
COMMANDS = documents.commands("docs/tutorial.md")
PROGRAMS = {
    ".venv/bin/python": [sys.executable],
    ".venv/bin/snakemake": [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
        *("--cores", "2"),
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """48 clips in 12 pairs, no two alike, and the files that the commands name."""
    folder = tmp_path_factory.mktemp("tutorial")
    for name in ("scripts", "config"):
        (folder / name).symlink_to(ROOT / name)
    places = {"original_sequences/youtube": [], "manipulated_sequences/Deepfakes": []}
    for number in range(0, 24, 2):
        one, other = f"{number:03}", f"{number + 1:03}"
        places["original_sequences/youtube"] += [one, other]
        places["manipulated_sequences/Deepfakes"] += [f"{one}_{other}", f"{other}_{one}"]
    for place, stems in places.items():
        videos = folder / "FaceForensics++" / place / "c23" / "videos"
        videos.mkdir(parents=True)
        for stem in stems:
            (videos / f"{stem}.mp4").write_text(f"{place} {stem}")
    return folder


def run(folder, command: str, *more: str) -> list[str]:
    program, *words = shlex.split(command.replace("/path/to/", ""))
    done = forked.run(
        [*PROGRAMS[program], *words, *more],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


def told_after(command: str) -> list[str]:
    """The lines that the page shows after a command, in its next block."""
    lines = PAGE[PAGE.index(f"    {command}\n") + len(command) + 5 :].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    "))
    block = []
    for line in lines[first:]:
        if not line.startswith("    "):
            break
        block.append(line[4:])
    return block


def test_the_scan_and_the_plan_print_what_the_tutorial_shows(folder):
    scan, plan, *_ = [line for line in COMMANDS if line.startswith(".venv/bin/")]
    assert "scan_dataset.py" in scan
    assert run(folder, scan) == told_after(scan)
    assert plan.endswith(" --dry-run")
    printed = [line.rstrip() for line in run(folder, plan)]
    shown = told_after(plan)
    assert shown[0].split() == ["job", "count"]
    assert shown[-1].startswith("total ")
    start = printed.index(shown[0])
    assert printed[start : start + len(shown)] == shown


def test_every_command_of_snakemake_can_be_planned(folder):
    scan, *others = [line for line in COMMANDS if line.startswith(".venv/bin/")]
    run(folder, scan)
    for command in others:
        if "--report" not in command:  # that needs a run that is done: test_demo_run.py
            run(folder, command, "--dry-run")
