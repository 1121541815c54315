"""From sbatch to the script's first line: what the start of a cluster's job takes, and for what.

    .venv/bin/python benchmarks/starts.py

Runs the command that a scheduler starts on a node, for a job of sheets of several sizes, up to the
first line of the job's script. The queue's time and the file system's delays are not in it. The
most memory goes into benchmarks/starts.tsv, to which the requests of jobs are held.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from functools import wraps
from pathlib import Path

import measure
import plan
import yaml

from deepfake.core import tables
from deepfake.dataset import sheet
from deepfake.workflow import job_sheet

FILE = measure.ROOT / "benchmarks" / "starts.tsv"
SIZES = (48, 2000, 119_154)
STAGES = ("import", "parse", "sheet", "plan", "code", "DAG and deployment", "script")
COLUMNS = ("videos", "batches", "rows left", "rule", *STAGES, "CPU s", "seconds", "peak MB")
RECORDED = ("videos", "batches", "left", "rule", "peak_mb")
JOBS = {"frames": "frames:batch=b000000", "rows": "rows:"}  # one of a batch, one of all
FIRST_LINE = """
import json as _json, resource as _resource, time as _time
_used = _resource.getrusage(_resource.RUSAGE_SELF)
_told = {"script": _used.ru_utime + _used.ru_stime, "at": _time.time()}
open("first.json", "w").write(_json.dumps(_told))
raise SystemExit("this is as far as it is measured")
"""


def inside(words: list[str]) -> None:
    """Be the Snakemake of a job, and tell CPU seconds by stage and the peak of memory."""
    import resource

    def now() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    spent = dict.fromkeys(STAGES, 0.0)

    def timed(owner: object, name: str, stage: str) -> None:
        real = getattr(owner, name)

        @wraps(real)
        def around(*arguments: object, **more: object) -> object:
            begun, inner = now(), sum(spent.values())
            try:
                return real(*arguments, **more)
            finally:  # without what stages inside took
                spent[stage] += now() - begun - (sum(spent.values()) - inner)

        setattr(owner, name, around)

    import snakemake.cli
    from snakemake.workflow import Workflow

    spent["import"] = now()
    sys.path.insert(0, str(Path(words[words.index("--snakefile") + 1]).parent / "scripts"))
    from deepfake.core import codehash
    from deepfake.workflow import checks, plan

    timed(Workflow, "include", "parse")
    timed(sheet, "read", "sheet")
    timed(job_sheet, "read", "sheet")
    timed(plan.Plan, "__init__", "plan")
    timed(checks, "problems", "plan")
    timed(codehash, "of", "code")
    sys.argv = ["snakemake", *words]
    with contextlib.suppress(SystemExit):
        snakemake.cli.main()
    spent["DAG and deployment"] = now() - sum(spent.values())
    # getrusage has the memory of the process that started this one in it
    status = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
    Path("stages.json").write_text(json.dumps(spent | {"peak": peak}))


def start(copy: Path, config: Path, rule: str) -> dict[str, float]:
    """CPU seconds by stage, seconds until the first line, and MB."""
    words = ["--snakefile", str(copy / "Snakefile"), "--target-jobs", JOBS[rule]]
    words += ["--allowed-rules", rule, "--cores", "64", "--force", "--nolock", "--no-hooks"]
    words += ["--mode", "remote", "--executor", "local", "--jobs", "1", "--latency-wait", "0"]
    words += ["--scheduler", "greedy", "--force-use-threads", "--configfiles", str(config)]
    command = [sys.executable, __file__, "--inside", *words]
    environment = os.environ | {"PYTHONPATH": str(copy / "scripts")}
    begun = time.time()
    done = subprocess.run(
        command, cwd=config.parent, env=environment, capture_output=True, text=True
    )
    try:
        first = json.loads((config.parent / "first.json").read_text())
        stages = json.loads((config.parent / "stages.json").read_text())
    except OSError:
        sys.exit(done.stdout + done.stderr)
    for name in ("first.json", "stages.json"):
        (config.parent / name).unlink()
    return stages | {"script": first["script"], "seconds": first["at"] - begun}


def copied(folder: Path) -> Path:
    """A copy of the repository whose measured scripts end at their first line."""
    sys.path.insert(0, str(measure.ROOT))
    from tests.workflow.running import copy_repository

    folder.mkdir()
    copy_repository(folder)
    for rule in JOBS:
        script = folder / "scripts" / f"{rule}.py"
        script.write_text(script.read_text().replace('"""\n', f'"""\n{FIRST_LINE}', 1))
    return folder


def leave(config: Path) -> None:
    """What the main process of a run leaves for its jobs."""
    chosen = yaml.safe_load(config.read_text())
    made_of = job_sheet.identity(chosen["sheet"], chosen["split"]["folds"]["k"], "method")
    os.chdir(config.parent)
    videos = sheet.read(chosen["sheet"], check_files=False)
    job_sheet.store(videos, {}, {}, made_of, chosen["run"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--videos", type=int, nargs="+", default=SIZES)
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    parser.add_argument("--record", type=Path, default=FILE, help="where the most memory goes")
    arguments = parser.parse_args()
    rows, record = [], []
    with tempfile.TemporaryDirectory(prefix="starts") as folder:
        copy = copied(Path(folder, "copy"))
        for videos in sorted(arguments.videos):
            place = Path(folder, str(videos))
            place.mkdir()
            config = plan.prepare(place, videos, 50)
            batches = -(-videos // 50)
            inputs = place / "results" / "planned" / "faces"
            inputs.mkdir(parents=True)
            for batch in range(batches):
                (inputs / f"b{batch:06}.tsv").touch()
            for left in ("no", "yes"):
                if left == "yes":
                    leave(config)
                for rule in JOBS:
                    took = start(copy, config, rule)
                    cpu = sum(took[stage] for stage in STAGES)
                    cells = [f"{took[stage]:.2f}" for stage in STAGES]
                    end = [f"{cpu:.2f}", f"{took['seconds']:.1f}", f"{took['peak']:.0f}"]
                    rows.append([videos, batches, left, rule, *cells, *end])
                    line = (videos, batches, left, rule, f"{took['peak']:.0f}")
                    record.append(dict(zip(RECORDED, line, strict=True)))
    os.chdir(measure.ROOT)
    tables.write(record, arguments.record, RECORDED)
    text = "\n".join([measure.machine(), "", measure.table(COLUMNS, rows)])
    measure.publish("starts", text, arguments.page)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2:])
    else:
        main()
