"""What each rule of a run takes: the demo, from its clips on, in a folder of its own.

    .venv/bin/python benchmarks/stages.py

Jobs of the demo are small: starting Python and importing libraries is most of what they do. How
fast the large stages are is measured by the other benchmarks here.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

from deepfake.core import schema, tables
from deepfake.workflow import usage

COLUMNS = ("rule", "jobs", "seconds", "CPU s", "longest s", "peak MB", "rate")


def run(folder: Path, config: Path) -> None:
    """Run the workflow on the demo's clips."""
    (folder / "data").symlink_to(measure.ROOT / "data")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(measure.ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(config), "--cores", "2"]
    done = subprocess.run(command, cwd=measure.ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    arguments = parser.parse_args()
    config = measure.ROOT / "config" / "config.yaml"
    name = schema.read_yaml(config)["run"]
    with tempfile.TemporaryDirectory(prefix="stages") as folder:
        run(Path(folder), config)
        results = Path(folder, "results", name)
        found = usage.collect(results / "benchmarks")
        records = tables.read(results / "faces.tsv")
    videos = len({record["video_id"] for record in records})
    units = {"frames": (videos, "videos"), "faces": (len(records), "frames")}
    rows = []
    for rule, took in found.items():
        count, unit = units.get(rule, (0, ""))
        rate = f"{count / took.seconds:.1f} {unit}/s" if count else ""
        numbers = (took.seconds, took.cpu_seconds, took.used_seconds)
        peak = f"{took.used_mb:.0f}" if took.measured else "too short"
        rows.append([rule, took.jobs, *(f"{number:.1f}" for number in numbers), peak, rate])
    text = [f"{videos} clips; {measure.machine()}", "", measure.table(COLUMNS, rows)]
    measure.publish("stages", "\n".join(text), arguments.page)


if __name__ == "__main__":
    main()
