"""What jobs use, by how large their data is: the record that resource formulas are held to.

    .venv/bin/python benchmarks/record.py --folder results/record

Makes runs at three sizes: the original's models on the pixels of made-up faces (full.py), the rules
after the faces on so many rows of small ones, and the rules before on clips of 4K. Their benchmark
files go into benchmarks/used.tsv: a line a formula of scripts/deepfake/workflow/resources.py and
size, with the most that a job of that size took; a job that requests the most of several formulas
has a line of them all. tests/unit/test_resources.py reads it. The full size is what
`make benchmark-full` makes: it is taken from --full where that has been called.

With --only, those parts alone are made. The file's lines stay, and of a formula and size that it
has already the most counts: what was measured before a change of the code is still in it.

Snakemake looks at a job's memory each half second, and each 30 seconds after the first 15: a peak
of a moment may not be in it.

Call it again after an interruption: what is done stays done.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path

import full_data
import full_runs
import measure
import yaml

from deepfake.core import schema, tables
from deepfake.dataset import sheet
from deepfake.workflow import config, published_results
from deepfake.workflow.plan import Plan
from deepfake.workflow.resources import Size

FILE = measure.ROOT / "benchmarks" / "used.tsv"
FACTS = tuple(field.name for field in fields(Size))
COLUMNS = ("formula", *FACTS, "threads", "used_mb", "seconds")
ROWS = (published_results.ROWS, 4662, 1554)
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
    sweep = {"logistic": full_runs.LIBLINEAR, "forest": {"n_estimators": [100]}}
    after_faces(folder, rows, "whole", 16, sweep)


def columns(folder: Path, rows: int) -> None:
    """Models on as many columns as those of few take, an average, and the original's runs."""
    sweep: dict[str, dict] = {"ridge": {}, "lda": {}, "qda": {}, "knn": {}}
    sweep["elasticnet"] = {"C": [0.1], "l1_ratio": [0.01]}  # most columns get a weight
    sweep |= {"forest": {"n_estimators": [100]}, "average": {"members": ["lda", "forest"]}}
    after_faces(folder, rows, "columns", 40, sweep, published=["original"])


def network(folder: Path, rows: int) -> None:
    """Trainings of one epoch, on faces shrunk and as they are."""
    sweep = {"mesonet": {"epochs": [1], "side": [32, 128]}}
    after_faces(folder, rows, "network", 128, sweep)


def leakage(folder: Path, rows: int) -> None:
    """The ablation of the leak."""
    sweep = {"forest": {"n_estimators": [10]}}
    after_faces(folder, rows, "leakage", 16, sweep, target="leakage")


def after_faces(
    folder: Path, rows: int, name: str, size: int, sweep: dict, target: str = "all", **report: list
) -> None:
    """A run on so many made-up faces of a size, else as the original's is set."""
    values = schema.read_yaml(measure.ROOT / "config" / "original.yaml")
    table = full_data.prepare(folder, rows, size, name)
    values |= {"run": name, "sheet": str(table), "sweep": sweep, "report": report}
    values["faces"]["size"] = size
    run(folder, values, target)


def large(folder: Path) -> None:
    """Frames, faces and features of the demo's clips, scaled up to 4K."""
    videos = []
    clips = sorted((measure.ROOT / "data" / "demo").rglob("*.mp4"), key=lambda path: path.stem)
    names = [f"b{size}" for size in BATCHES for _ in range(size)]
    for clip, batch in zip(clips, names, strict=False):
        path = folder / "videos" / clip.name
        _scale_up(clip, path)
        label = clip.parent.name
        row = {"video_id": clip.stem, "path": str(path), "label": label, "batch": batch}
        videos.append(row | {"target_id": clip.stem, "clip_id": clip.stem})
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
    loaded = config.load(schema.read_yaml(settings), str(settings))
    plan = Plan(loaded, sheet.read(loaded.sheet, check_files=False))
    place = settings.parent / "results" / loaded.run / "benchmarks"
    for file in sorted(place.rglob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            used = json.loads(line)
            wildcards = {name: str(value) for name, value in used["wildcards"].items()}
            yield {
                "formula": ", ".join(plan.formulas(used["rule_name"], wildcards)),
                **asdict(plan.size(wildcards)),
                "threads": used["threads"],
                "used_mb": round(used["max_rss"]) if used["s"] > LOOKED else 0,
                "seconds": round(used["s"], 1),
            }


def known() -> Iterator[dict[str, object]]:
    """The lines of the file, which may lack facts that sizes had not then."""
    kinds = {field.name: type(field.default) for field in fields(Size)}
    kinds |= {"threads": int, "used_mb": int, "seconds": float}
    for line in tables.read(FILE):
        yield line | {name: kind(line.get(name, 0)) for name, kind in kinds.items()}


def most(lines: Iterable[dict]) -> dict[tuple, dict]:
    """Of lines of one formula and size, the most of each number; by formula and size, in order."""
    found: dict[tuple, dict] = {}
    for line in lines:
        known = found.setdefault((line["formula"], *(line[fact] for fact in FACTS)), line)
        for name in ("used_mb", "seconds"):
            known[name] = max(known[name], line[name])
    return dict(sorted(found.items()))


PARTS = {
    "pixels": pixels, "whole": whole, "columns": columns, "network": network, "leakage": leakage,
}  # fmt: skip


def made(parts: Iterable[str], folder: Path, full: Path) -> Iterator[Path]:
    """Make the runs of some parts; their folders."""
    for part in parts:
        if part == "large":
            large(folder / part)
            yield folder / part
            continue
        for rows in ROWS:
            place = full if (part, rows) == ("pixels", ROWS[0]) else folder / f"{part}-{rows}"
            PARTS[part](place, rows)
            yield place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("results/record"))
    parser.add_argument("--full", type=Path, default=Path("results/full"), help="of benchmark-full")
    names = [*PARTS, "large"]
    parser.add_argument("--only", nargs="+", choices=names, metavar="PART", help=", ".join(names))
    arguments = parser.parse_args()
    places = made(arguments.only or names, arguments.folder.resolve(), arguments.full.resolve())
    new = (job for place in places for path in sorted(place.glob("*.yaml")) for job in jobs(path))
    found = most(itertools.chain(known() if arguments.only else (), new))
    tables.write(found.values(), FILE, COLUMNS)
    print(f"{FILE}: {len(found)} formulas and sizes")


if __name__ == "__main__":
    main()
