"""A dry run and `make check-cluster` over a sheet of many videos: seconds, peak memory and jobs.

    .venv/bin/python benchmarks/plan.py --videos 2000 119154
    .venv/bin/python benchmarks/plan.py --videos 119154 --checkout ../before

2,000 videos are the original experiment's, 119,154 DFDC's training set (Dolhansky et al. 2020), in
batches as the README has them. They are empty files in a temporary folder: its file system counts.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
import yaml

from deepfake.core import schema
from deepfake.dataset import sheet

AIMS = {2000: (10, 1024), 119_154: (60, 1024)}  # seconds and MB
MODELS = {2000: ("svm", "logistic", "forest"), 119_154: ("forest",)}  # a Gram of DFDC is refused


def prepare(folder: Path, videos: int, per_job: int, checkout: Path) -> Path:
    """A sheet of empty videos, half of them fake, and its configuration; the latter's path."""
    rows = []
    for number in range(videos):
        path = folder / f"part_{number // 1000:03}" / f"{number:06}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        rows.append(
            {
                "video_id": path.stem,
                "path": str(path),
                "label": ("fake", "real")[number % 2],
                "dataset": "made-up",
                "batch": f"b{number // per_job:06}",
            }
        )
    sheet.write(rows, folder / "videos.tsv")
    settings = schema.read_yaml(checkout / "config" / "original.yaml")
    settings |= {"sheet": str(folder / "videos.tsv"), "run": "planned"}
    names = MODELS.get(videos, ("forest",))
    settings["sweep"] = {name: settings["sweep"].get(name, {}) for name in names}
    if "svm" not in names:  # the original's runs need a Gram matrix too
        settings.pop("report")
    file = folder / "run.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


def commands(checkout: Path, folder: Path, config: Path) -> dict[str, list[str]]:
    """What is measured, by name."""
    snakemake = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
    snakemake += ["--snakefile", str(checkout / "Snakefile"), "--directory", str(folder)]
    snakemake += ["--configfile", str(config), "--cores", "2"]
    check = [sys.executable, str(checkout / "scripts" / "submit.py"), "check"]
    return {"dry run": snakemake, "check-cluster": [*check, "--config", str(config)]}


def measured(command: list[str], folder: Path) -> list[str]:
    """What a command and those that it starts take: the columns from `seconds` to `warned of`."""
    begun, log = time.perf_counter(), folder / "said.txt"
    with open(log, "w", encoding="utf-8") as out:
        started = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(started.pid, 0)
    seconds, output = time.perf_counter() - begun, log.read_text(encoding="utf-8")
    warned = "yes" if re.search(r"^warning: this run has", output, re.M) else "no"
    jobs = re.findall(r"^(?:total|at most) +(\d+)", output, re.M)
    if not jobs:  # without a scheduler, a check fails after its plan
        sys.exit(f"status {status}:\n{output}")
    peak = used.ru_maxrss / 1024
    return [
        f"{seconds:.1f}",
        f"{used.ru_utime + used.ru_stime:.1f}",
        f"{peak:.0f}",
        jobs[-1],
        warned,
    ]


COLUMNS = ("videos", "command", "seconds", "CPU seconds", "peak MB", "jobs", "warned of", "aim")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--videos", type=int, nargs="+", default=sorted(AIMS))
    parser.add_argument("--videos-per-job", type=int, default=50)
    parser.add_argument(
        "--checkout", type=Path, default=measure.ROOT, help="another one to measure"
    )
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    arguments = parser.parse_args()
    rows = []
    for videos in sorted(arguments.videos):
        seconds, mb = AIMS.get(videos, ("", ""))
        with tempfile.TemporaryDirectory(prefix="plan") as name:
            folder = Path(name)
            checkout = arguments.checkout.resolve()
            config = prepare(folder, videos, arguments.videos_per_job, checkout)
            for what, command in commands(checkout, folder, config).items():
                aim = f"{seconds} s, {mb} MB" if seconds and what == "dry run" else ""
                rows.append([videos, what, *measured(command, folder), aim])
    text = "\n".join([measure.machine(), "", measure.table(COLUMNS, rows)])
    measure.publish("plan", text, arguments.page)


if __name__ == "__main__":
    main()
