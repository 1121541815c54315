"""Running the workflow in a folder of its own, as a user would from the command line."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from tests.conftest import COMPILED
from tests.workflow import forked

ROOT = Path(__file__).resolve().parents[2]

DEFAULTS = {
    "frames": {"every": 10, "per_video": 3},
    "split": {"protocols": ["grouped"], "test_size": 0.34, "folds": {"k": 2}},
    "sweep": {
        "svm": {"kernel": ["linear", "rbf"], "C": [1]},
        "logistic": {"C": ["1e-3", 1]},
        "forest": {"n_estimators": [5, 20]},
    },
    "evaluation": {"resamples": 200},
}


class Run:
    """A working folder with a sheet and a configuration."""

    def __init__(self, folder: Path, name: str = "test") -> None:
        self.folder = folder
        self.results = folder / "results" / name
        self.features = self.results / "pixels"
        self.settings = {"run": name, "sheet": "videos.tsv", **DEFAULTS}

    def write_settings(self, **changed) -> None:
        """Settings with some top-level sections replaced."""
        self.settings = self.settings | changed
        (self.folder / "run.yaml").write_text(yaml.safe_dump(self.settings), encoding="utf-8")

    def snakemake(
        self, *words: str, cores: int = 2, start: Callable = forked.run_with_jobs
    ) -> subprocess.CompletedProcess:
        """Run the workflow; stdout and stderr together in `stdout`.

        A run whose results are checked is forked, with its jobs. `start=forked.run` is for plans,
        `forked.run_again` for a run that must equal another, and `subprocess.run`, as a user's
        command line does it, for how runs and jobs start, fail, end and are logged.
        """
        if start is not forked.run:
            copy_compiled(self.results)
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
            *("--directory", str(self.folder), "--configfile", str(self.folder / "run.yaml")),
            *("--cores", str(cores), *words),
        ]
        return start(
            command,
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )

    def python(self, script: Path) -> None:
        """Run a script that uses the library in this folder."""
        environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
        subprocess.run([sys.executable, script], cwd=self.folder, env=environment, check=True)

    def why(
        self, target: str = "", root: Path = ROOT, **environment: str
    ) -> dict[str, dict[str, int]]:
        """Jobs by rule and reason that `why.py` of a copy of the repository tells of a target."""
        words = ["--config", "run.yaml", *(["--target", target] if target else [])]
        done = forked.run(
            [sys.executable, str(root / "scripts" / "why.py"), *words],
            cwd=self.folder,
            env=os.environ | environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        found: dict[str, dict[str, int]] = {}
        for line in done.stdout.splitlines()[1:]:
            rule, count, _, reason = line.split(maxsplit=3)
            found.setdefault(rule, {})[reason] = int(count)
        self.told = done.stdout
        return found

    def planned(self, *words: str) -> dict[str, int]:
        """Jobs by rule that a dry run would do now."""
        done = self.snakemake("--dry-run", *words, start=forked.run)
        assert done.returncode == 0, done.stdout
        counts, inside = {}, False
        for line in done.stdout.splitlines():
            cells = line.split()
            if cells[:2] == ["job", "count"]:
                inside, counts = True, {}
            elif inside and len(cells) == 2 and cells[1].isdigit():
                counts[cells[0]] = int(cells[1])
            elif inside and not cells:
                inside = False
        counts.pop("total", None)
        return counts


def copy_compiled(results: Path) -> None:
    """Give a run what these tests have compiled, which its rule compile then finds."""
    place = results / "compiled" / COMPILED.name
    if not place.exists():  # what is half written has such a name
        shutil.copytree(COMPILED, place, ignore=shutil.ignore_patterns("*.tmp.*"))


def copy_repository(folder: Path) -> None:
    """Copy all that a run needs, with the times of the files, into an existing folder."""
    shutil.copy2(ROOT / "Snakefile", folder)
    for part in ("rules", "scripts", "profiles", "envs", "config"):
        ignored = shutil.ignore_patterns("__pycache__", "site.yaml")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)


@contextlib.contextmanager
def touched(copy: Path, *modules: str) -> Iterator[None]:
    """One line more in modules of a copy of the repository, which changes nothing that they do."""
    before = {copy / "scripts" / module: b"" for module in modules}
    for path in before:
        before[path] = path.read_bytes()
        path.write_bytes(before[path] + (b"\n" if path.suffix == ".json" else b"# touched\n"))
    try:
        yield
    finally:
        for path, text in before.items():
            path.write_bytes(text)


def scan(layout: str, dataset: str, root: Path, out: Path, videos_per_job: int) -> None:
    """Write a sheet as the README says."""
    subprocess.run(
        [
            *(sys.executable, ROOT / "scripts/scan_dataset.py", "--layout", layout),
            *("--dataset", dataset, "--root", root, "--out", out),
            *("--videos-per-job", str(videos_per_job)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
