"""A dry run over a sheet of many videos: seconds, peak memory and jobs.

    .venv/bin/python benchmarks/plan.py --videos 2000 119154

2,000 videos are the original experiment's, 119,154 DFDC's training set (Dolhansky et al. 2020), in
batches as the README has them. They are empty files in a temporary folder: its file system counts.
"""

import argparse
import re
import resource
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


def prepare(folder: Path, videos: int, per_job: int) -> Path:
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
    settings = schema.read_yaml(measure.ROOT / "config" / "original.yaml")
    settings |= {"sheet": str(folder / "videos.tsv"), "run": "planned"}
    names = MODELS.get(videos, ("forest",))
    settings["sweep"] = {name: settings["sweep"].get(name, {}) for name in names}
    if "svm" not in names:  # the original's runs need a Gram matrix too
        settings["report"] = {"published": []}
    file = folder / "run.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


def dry_run(folder: Path, config: Path) -> list[str]:
    """What a dry run takes and says, as it is printed: COLUMNS but the first and the last."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
    command += ["--snakefile", str(measure.ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--configfile", str(config), "--cores", "2"]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=measure.ROOT, capture_output=True, text=True)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    output = done.stdout + done.stderr
    jobs = re.findall(r"^total +(\d+)", output, re.M)
    warned = "yes" if re.search(r"^warning: this run has", output, re.M) else "no"
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [f"{seconds:.1f}", f"{cpu:.1f}", f"{after.ru_maxrss / 1024:.0f}", jobs[0], warned]


COLUMNS = ("videos", "seconds", "CPU seconds", "peak MB", "jobs", "warned of", "aim")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--videos", type=int, nargs="+", default=sorted(AIMS))
    parser.add_argument("--videos-per-job", type=int, default=50)
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    arguments = parser.parse_args()
    rows = []
    for videos in sorted(arguments.videos):  # ascending: the peak is the largest child's so far
        with tempfile.TemporaryDirectory(prefix="plan") as folder:
            took = dry_run(Path(folder), prepare(Path(folder), videos, arguments.videos_per_job))
        seconds, mb = AIMS.get(videos, ("", ""))
        rows.append([videos, *took, f"{seconds} s, {mb} MB" if seconds else ""])
    text = "\n".join([measure.machine(), "", measure.table(COLUMNS, rows)])
    measure.publish("plan", text, arguments.page)


if __name__ == "__main__":
    main()
