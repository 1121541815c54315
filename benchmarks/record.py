"""What jobs use, by how large their data is: the record that resource formulas are held to.

    .venv/bin/python benchmarks/record.py --folder results/record

Makes runs at three sizes: the original's models on the pixels of made-up faces (full.py), all the
rules after the faces on so many rows of small ones, and the rules before on clips of 4K. Their
benchmark files go into benchmarks/used.tsv: a line a formula of scripts/deepfake/resources.py and
size, with the most that a job of that size took. tests/unit/test_resources.py reads it. The full
size is what `make benchmark-full` makes: it is taken from --full where that has been called.

Call it again after an interruption: what is done stays done.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import full_data
import full_runs
import measure
import yaml

from deepfake import config, schema, sheet, tables
from deepfake.plan import Plan
from deepfake.report import original
from deepfake.resources import Size

FILE = measure.ROOT / "benchmarks" / "used.tsv"
FACTS = tuple(field.name for field in fields(Size))
COLUMNS = ("formula", *FACTS, "threads", "used_mb", "seconds")
ROWS = (original.ROWS, 4662, 1554)
LOOKED = 2.0  # seconds; memory is first looked at after half a second
BATCHES = (1, 3, 8)  # clips of 4K a job
HEIGHT = 2160


def pixels(folder: Path, rows: int) -> None:
    """The original's runs at a third and a ninth of its size."""
    words = ["--folder", folder, "--rows", rows]
    command = [sys.executable, measure.ROOT / "benchmarks" / "full.py", *words]
    if subprocess.run([*map(str, command)]).returncode:
        sys.exit("call this again: what is done stays done")


def whole(folder: Path, rows: int) -> None:
    """All rules after the faces, on small ones."""
    values = schema.read_yaml(measure.ROOT / "config" / "original.yaml")
    table = full_data.prepare(folder, rows, 16, "whole")
    sweep = {"logistic": full_runs.LIBLINEAR, "forest": {"n_estimators": [100]}}
    values |= {"run": "whole", "sheet": str(table), "sweep": sweep, "report": {}}
    values["faces"]["size"] = 16
    run(folder, values, "all")


def large(folder: Path) -> None:
    """Frames, faces and features of the demo's clips, scaled up to 4K."""
    videos = []
    clips = sorted((measure.ROOT / "data" / "demo").rglob("*.mp4"), key=lambda path: path.stem)
    names = [f"b{size}" for size in BATCHES for _ in range(size)]
    for clip, batch in zip(clips, names, strict=False):
        path = folder / "videos" / clip.name
        _scale_up(clip, path)
        label = clip.parent.name
        told = {"video_id": clip.stem, "path": str(path), "label": label, "batch": batch}
        videos.append(told | {"target_id": clip.stem, "clip_id": clip.stem})
    table = folder / "videos.tsv"
    if not table.exists():
        sheet.write(videos, table)
    values = {"run": "large", "sheet": str(table), "features": ["pixels", "residuals"]}
    values |= {"frames": {"every": 5}, "sweep": {"forest": {"n_estimators": [10]}}}
    run(folder, values, "results/large/residuals/matrix.npy")


def _scale_up(clip: Path, path: Path) -> None:
    import cv2

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"part.{path.name}")
    video, size = cv2.VideoCapture(str(clip)), (HEIGHT, HEIGHT)
    out = cv2.VideoWriter(str(part), cv2.VideoWriter_fourcc(*"mp4v"), 25.0, size)
    for _ in range(31):
        out.write(cv2.resize(video.read()[1], size, interpolation=cv2.INTER_CUBIC))
    out.release()
    part.replace(path)


def run(folder: Path, values: dict, target: str) -> None:
    """Run the workflow in a folder; its configuration is left there."""
    settings, log = folder / f"{values['run']}.yaml", folder / f"{values['run']}.log"
    settings.write_text(yaml.safe_dump(values), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", measure.ROOT / "Snakefile"]
    command += ["--directory", folder, "--configfile", settings, "--cores", "2", "--", target]
    with open(log, "w", encoding="utf-8") as out:
        done = subprocess.run(
            [*map(str, command)], cwd=measure.ROOT, stdout=out, stderr=subprocess.STDOUT
        )
    if done.returncode:
        sys.exit(f"failed; see {log}, then call this again: what is done stays done")


def jobs(settings: Path) -> Iterator[dict[str, object]]:
    """A line of COLUMNS for each finished job of the run beside its configuration."""
    asked = config.load(schema.read_yaml(settings), str(settings))
    plan = Plan(asked, sheet.read(asked.sheet, check_files=False))
    place = settings.parent / "results" / asked.run / "benchmarks"
    for file in sorted(place.rglob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            wildcards = {name: str(value) for name, value in told["wildcards"].items()}
            formula, *others = plan.formulas(told["rule_name"], wildcards)
            if others:  # the most of several: none of them is held to it
                continue
            yield {
                "formula": formula,
                **asdict(plan.size(wildcards)),
                "threads": told["threads"],
                "used_mb": round(told["max_rss"]) if told["s"] > LOOKED else 0,
                "seconds": round(told["s"], 1),
            }


def most(lines: Iterator[dict]) -> dict[tuple, dict]:
    """Of lines of one formula and size, the most of each number; by formula and size, in order."""
    found: dict[tuple, dict] = {}
    for line in lines:
        known = found.setdefault((line["formula"], *(line[fact] for fact in FACTS)), line)
        for name in ("used_mb", "seconds"):
            known[name] = max(known[name], line[name])
    return dict(sorted(found.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("results/record"))
    parser.add_argument("--full", type=Path, default=Path("results/full"), help="of benchmark-full")
    arguments = parser.parse_args()
    folder, full = arguments.folder.resolve(), arguments.full.resolve()
    places = [full, *(folder / f"pixels-{rows}" for rows in ROWS[1:])]
    for place, rows in zip(places, ROWS, strict=True):
        pixels(place, rows)
    for rows in ROWS:
        places.append(folder / f"whole-{rows}")
        whole(places[-1], rows)
    places.append(folder / "large")
    large(places[-1])
    found = most(
        job for place in places for path in sorted(place.glob("*.yaml")) for job in jobs(path)
    )
    tables.write(found.values(), FILE, COLUMNS)
    print(f"{FILE}: {len(found)} formulas and sizes")


if __name__ == "__main__":
    main()
