"""The rules from `rows` to `report` as the rows grow: seconds, CPU, peak memory, and growth.

    .venv/bin/python benchmarks/large.py --folder results/large --rows 50000 200000 834000

DFDC at 7 frames a video has 834,000 rows. Faces' records and a feature set's vectors are made up,
as the jobs before would leave them: with near-random hashes, people, videos whose frames resemble
each other, and a difference of the classes in some of the columns. No video is decoded. Snakemake
goes on from there, once a size, with linear models solved in the columns at each
(search.max_gram_rows: 1), and a kernel machine by landmarks. Seconds are those of the workflow's
benchmark files, of all jobs of a rule; `all` is their sum, of which a run takes less where jobs go
beside each other. A peak is the largest of any job of the rule and model, as the kernel counts it.
`B a row` is by how much it grows with each row between the two largest sizes: that is what tables
take where vectors are short (--features lbp). `requested` is what the largest job requested at its
first attempt. The splits of the leakage ablation are made too where they are named (--targets all
results/run/shuffled.tsv).

Call it again after an interruption: what is done stays done.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import measure
import numpy as np
import psutil
import yaml

from deepfake.core import tables
from deepfake.dataset import sheet
from deepfake.features import registry
from deepfake.preprocessing import face_record, image_hash
from deepfake.workflow import usage

FRAMES = 7
VIDEOS_PER_JOB = 150
VIDEOS_OF_A_PERSON = 60  # every sixth is real, as in DFDC
LOOKS = 0.05  # seconds between two looks at a job's memory
# Deviations, in grey levels, of what a person's rows share, a video's rows share, and of a row.
PERSON, VIDEO, FRAME = 15.0, 12.0, 6.0
APART, FADES = 8.0, 0.97  # grey levels between the classes: most, and from a column to the next
SWEEP = {
    "logistic": {"C": [0.001, 0.1]},
    "svm": {"kernel": ["linear", "rbf"], "C": [1.0], "landmarks": [2048]},
    "ridge": {"alpha": [100]},
    "lda": {},
    "forest": {"n_estimators": [200]},
}
COLUMNS = ("rule", "rows", "jobs", "seconds", "CPU s", "peak MB", "requested MB")


def prepare(folder: Path, rows: int, features: str) -> Path:
    """Write what is not there yet: the sheet, empty videos, each batch's records and vectors.

    Returns:
        The sheet.
    """
    videos = [_video(folder, number) for number in range(-(-rows // FRAMES))]
    table = folder / "videos.tsv"
    if not table.exists():
        (folder / "videos").mkdir(parents=True, exist_ok=True)
        for video in videos:
            Path(video["path"]).touch()
        sheet.write(videos, table)
    faces, vectors = (folder / "results/run" / name for name in ("faces", f"{features}/batches"))
    for place in (faces, vectors):
        place.mkdir(parents=True, exist_ok=True)
    left = rows
    for first in range(0, len(videos), VIDEOS_PER_JOB):
        batch = videos[first : first + VIDEOS_PER_JOB]
        count = min(left, FRAMES * len(batch))
        left -= count
        array = vectors / f"{batch[0]['batch']}.npy"
        if array.exists():  # written last
            continue
        _write_records(batch, first, count, faces / f"{batch[0]['batch']}.tsv")
        _write_vectors(batch, first, count, registry.LENGTHS[features], array)
    return table


def _video(folder: Path, number: int) -> dict[str, str]:
    """A row of the sheet. Fakes show the other person of a pair, so a pair is a group."""
    person = number // VIDEOS_OF_A_PERSON
    fake = number % 6 > 0
    name = f"made-up/{number:06}"
    return {
        "video_id": name,
        "path": str(folder / "videos" / f"{number:06}.mp4"),
        "label": "fake" if fake else "real",
        "dataset": "made-up",
        "method": "swap" if fake else "",
        "target_id": f"made-up:person {person:04}",
        "source_id": f"made-up:person {person ^ 1:04}" if fake else "",
        "clip_id": f"made-up:clip {number - number % 6:06}",
        "batch": f"b{number // VIDEOS_PER_JOB:04}",
    }


def _write_records(batch: list[dict], first: int, count: int, path: Path) -> None:
    generator = np.random.default_rng([1, first])
    size = len(image_hash.VIEWS) * image_hash.KEPT**2 // 8
    rows = []
    for row in range(count):
        x, y, width, height = (int(number) for number in generator.integers(50, 900, 4))
        rows.append(
            {"video_id": batch[row // FRAMES]["video_id"], "frame": 30 * (row % FRAMES)}
            | {"face": 0, "status": "kept", "found": 1, "fps": 29.97, "crop_row": row}
            | {"x": x, "y": y, "width": width, "height": height}
            | {"points": " ".join(f"{x + n},{y + 7 * n}" for n in range(5))}
            | {name: float(generator.random()) for name in ("confidence", "sharpness", "noise")}
            | {"digest": generator.bytes(8).hex(), "phash": generator.bytes(size).hex()}
        )
    tables.write(rows, path, face_record.COLUMNS)


def _write_vectors(batch: list[dict], first: int, count: int, length: int, path: Path) -> None:
    generator = np.random.default_rng([2, first])
    apart = np.random.default_rng(0).permutation(APART * FADES ** np.arange(length))
    shared = np.empty((len(batch), length), np.float32)
    for number, video in enumerate(batch):
        person = np.random.default_rng([3, (first + number) // VIDEOS_OF_A_PERSON])
        shared[number] = 128 + PERSON * person.standard_normal(length, np.float32)
        shared[number] += (video["label"] == "fake") * apart
    shared += VIDEO * generator.standard_normal(shared.shape, np.float32)
    found = FRAME * generator.standard_normal((count, length), np.float32)
    found += shared[np.arange(count) // FRAMES]
    part = path.with_suffix(".part")
    with open(part, "wb") as file:
        np.save(file, found.clip(0, 255).astype(np.uint8))
    part.replace(path)


def run(folder: Path, table: Path, arguments: argparse.Namespace) -> dict[str, usage.Used]:
    """Run the workflow on what `prepare` made; what its jobs took, by rule."""
    values = {"run": "run", "sheet": str(table), "features": [arguments.features]}
    values |= {"split": {"protocols": ["grouped"], "folds": {"k": 3}}, "max_jobs": 20_000}
    values |= {"sweep": {name: SWEEP[name] for name in arguments.models}}
    values |= {"report": {"sample_faces": 0}, "search": {"max_gram_rows": 1}}
    settings, log = folder / "config.yaml", folder / "run.log"
    settings.write_text(yaml.safe_dump(values), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", measure.ROOT / "Snakefile"]
    command += ["--directory", folder, "--configfile", settings, "--cores", arguments.cores]
    command += ["--resources", f"mem_mb={arguments.mem_mb}", "--", *arguments.targets]
    targets = " ".join(arguments.targets)
    print(f"{time.strftime('%H:%M:%S')} {folder}: {targets}; see {log}", flush=True)
    with open(log, "w", encoding="utf-8") as out:
        started = subprocess.Popen(
            [*map(str, command)], cwd=measure.ROOT, stdout=out, stderr=subprocess.STDOUT
        )
        peaks = watch(started, folder / "results/run/logs", folder / "peaks.json")
    if started.returncode:
        sys.exit(f"failed; see {log}, then call this again: what is done stays done")
    found = usage.collect(folder / "results/run/benchmarks")
    for rule, used in found.items():
        used.used_mb = max(used.used_mb, peaks.get(rule, 0))
    return found


def watch(started: subprocess.Popen, logs: Path, record: Path) -> dict[str, float]:
    """The most memory in MB that a job held, by its rule and model; kept in a file.

    A job is known by its log, to which it sends what it prints.
    """
    peaks = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    try:
        while started.poll() is None:
            time.sleep(LOOKS)
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                for process in psutil.Process(started.pid).children(recursive=True):
                    with contextlib.suppress(psutil.NoSuchProcess, OSError, TypeError, ValueError):
                        place = Path(f"/proc/{process.pid}")
                        name = usage.name_of((place / "fd/2").readlink().relative_to(logs))
                        status = (place / "status").read_text(encoding="utf-8")
                        held = re.search(r"VmHWM:\s+(\d+) kB", status)
                        peaks[name] = max(peaks.get(name, 0), int(held[1]) / 1024)
    finally:  # interrupted, too: the jobs that are done are not run again
        record.write_text(json.dumps(peaks), encoding="utf-8")
    return peaks


def lines(found: dict[int, dict[str, usage.Used]]) -> tuple[list[list], list[list]]:
    """A line a rule and size, and a line a rule: how its time and its memory grow; of all too."""
    sizes = sorted(found)
    each, growth = [], []
    for used in found.values():
        used["all"] = usage.together(used.values())
    for rule in found[sizes[-1]]:
        mine = {size: found[size][rule] for size in sizes if rule in found[size]}
        for size, used in mine.items():
            numbers = used.seconds, used.cpu_seconds, used.used_mb, used.requested_mb
            each.append([rule, f"{size:,}", used.jobs, *(f"{number:.0f}" for number in numbers)])
        if len(mine) > 1:
            *_, less, most = mine
            more = (mine[most].used_mb - mine[less].used_mb) * 2**20 / (most - less)
            power = measure.growth(list(mine), [max(0.1, one.seconds) for one in mine.values()])
            growth.append([rule, f"{power:.2f}", f"{more:.0f}"])
    return each, growth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("results/large"))
    parser.add_argument("--rows", type=int, nargs="+", default=[50_000, 200_000, 834_000])
    parser.add_argument("--features", choices=registry.NAMES, default="residuals")
    parser.add_argument("--models", nargs="+", choices=SWEEP, default=list(SWEEP))
    parser.add_argument("--targets", nargs="+", default=["all"], help="of the workflow")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--mem-mb", type=int, default=16_384, help="that jobs together may ask for")
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    arguments = parser.parse_args()
    found = {}
    for rows in sorted(arguments.rows):
        folder = (arguments.folder / f"{arguments.features}-{rows}").resolve()
        table = prepare(folder, rows, arguments.features)
        found[rows] = run(folder, table, arguments)
    each, growth = lines(found)
    length = registry.LENGTHS[arguments.features]
    text = [f"{arguments.features}, {length:,} numbers a row, made up; {measure.machine()}", ""]
    text.append(measure.table(COLUMNS, each))
    if growth:
        text += ["", measure.table(("rule", "seconds grow as n^", "B a row"), growth)]
    measure.publish(f"large-{arguments.features}", "\n".join(text), arguments.page)


if __name__ == "__main__":
    main()
