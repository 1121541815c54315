"""Rule evaluate: score the test rows with a bundle once, and compute its metrics."""

import json
from pathlib import Path

from deepfake.core import job, tables
from deepfake.evaluation import answers, ledger, scoring
from deepfake.features import row_order
from deepfake.features.matrix import Matrix
from deepfake.inference import bundle
from deepfake.models import registry as models
from deepfake.splits.parts import rows_of


def main(work: job.Job) -> None:
    """Score the test rows with a bundle once, and compute its metrics."""
    fitted, record = bundle.load(Path(work.read("bundle")).parent)
    rows, split = row_order.read(work.read("rows")), tables.read(work.read("split"))
    rows = rows_of(rows, split, "test")
    inputs = Matrix(work.read("matrix")).at(rows.column("row").astype(int))
    values = models.decide(fitted, inputs)
    audit = work.read_json("audit")
    ledger.add(
        work.params["ledger"],
        run=record["training"]["run"],
        protocol=audit["protocol"],
        videos=rows.column("video_id"),
        rows=len(rows),
        features=record["features"]["name"],
        model=fitted.model,
        candidate=fitted.candidate,
        code=work.params["code"],
    )
    settings = work.params["evaluation"]
    limits = record["thresholds"]
    frames = scoring.frame_table(rows, values, limits["frames"])
    videos = scoring.video_table(rows, values, limits["videos"], record["calibration"])
    how = {"level": settings["level"]}
    found = {
        "features": record["features"],
        "model": fitted.model,
        "candidate": fitted.candidate,
        "protocol": audit["protocol"],
        "leaky": audit["leaky"],
        "copies": sum(record["training"]["copies"].values()),
        "unlinked_fakes": audit["unlinked_fakes"],
        "folds": {
            "leaky": record["training"]["leaky"],
            "roc_auc": record["out_of_fold"]["metrics"]["roc_auc"],
        },
        "contains_training_images": fitted.contains_training_images,
        "unfinished": record["search"].get("note", ""),
        "level": how["level"],
        "threshold": {"aim": limits["aim"], "source": record["verdict"]["source"]},
        "frames": scoring.evaluate(frames, limits["frames"], **how),
        "videos": scoring.evaluate(videos, limits["videos"], **how),
        "answers": answers.judge(videos, record["verdict"], **how),
        "slices": scoring.slices(videos, limits["videos"], **how),
        "calibration": scoring.probabilities(videos, **how),
    }
    tables.write(frames, work.write("frames"), scoring.FRAME_COLUMNS)
    tables.write(videos, work.write("videos"), scoring.VIDEO_COLUMNS)
    work.write_json("metrics", found)
    stamp = " [LEAKY: see the audit of this split]" if audit["leaky"] else ""
    title = (
        f"{fitted.model} {json.dumps(fitted.candidate)} on {record['features']['name']}, frames, "
        f"{audit['protocol']} split{stamp}"
    )
    text = scoring.original_text(frames, title)
    work.write_text("text", text + "\n")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
