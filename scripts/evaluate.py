"""Rule evaluate: score the test rows with a bundle, once, and say how good it is."""

import json
from pathlib import Path

import numpy as np

from deepfake import bundle, evaluate, job, ledger, models, tables
from deepfake.matrix import Matrix


def main(work: job.Job) -> None:
    """Score the test rows with a bundle, once, and say how good it is."""
    fitted, record = bundle.load(Path(work.read("bundle")).parent)
    split = tables.read(work.read("split"))
    rows = [
        row for row in tables.read(work.read("rows")) if split[int(row["row"])]["part"] == "test"
    ]
    seen = Matrix(work.read("matrix")).at(np.array([int(row["row"]) for row in rows]))
    values = models.decide(fitted, seen)
    audit = json.loads(Path(work.read("audit")).read_text(encoding="utf-8"))
    ledger.add(
        work.params["ledger"],
        {
            "run": record["training"]["run"],
            "protocol": audit["protocol"],
            "test": ledger.test_of(audit["protocol"], (row["video_id"] for row in rows)),
            "rows": len(rows),
            "features": record["features"]["name"],
            "model": fitted.model,
            "candidate": json.dumps(fitted.candidate, sort_keys=True),
            "code": ledger.code_of(work.params["code"]),
        },
    )
    asked = work.params["evaluation"]
    aim = asked["threshold"], asked["false_alarms"]
    said = evaluate.thresholds(tables.read(work.read("out_of_fold")), fitted.threshold, *aim)
    frames = evaluate.frame_table(rows, values, said["frames"])
    videos = evaluate.video_table(rows, values, said["videos"], record["calibration"])
    how = {"level": asked["level"], "count": asked["resamples"], "seed": work.params["seed"]}
    found = {
        "features": record["features"],
        "model": fitted.model,
        "candidate": fitted.candidate,
        "protocol": audit["protocol"],
        "leaky": audit["leaky"],
        "unlinked_fakes": audit["unlinked_fakes"],
        "folds": {
            "leaky": record["training"]["leaky"],
            "roc_auc": record["out_of_fold"]["metrics"]["roc_auc"],
        },
        "contains_training_images": fitted.contains_training_images,
        "level": how["level"],
        "threshold": {"aim": aim[0], "false_alarms": aim[1]},
        "frames": evaluate.judge(frames, said["frames"], **how),
        "videos": evaluate.judge(videos, said["videos"], **how),
        "slices": evaluate.slices(videos, said["videos"], **how),
        "calibration": evaluate.probabilities(videos, **how),
    }
    tables.write(frames, work.write("frames"), evaluate.FRAME_COLUMNS)
    tables.write(videos, work.write("videos"), evaluate.VIDEO_COLUMNS)
    Path(work.write("metrics")).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    stamp = " [LEAKY: see the audit of this split]" if audit["leaky"] else ""
    title = (
        f"{fitted.model} {json.dumps(fitted.candidate)} on {record['features']['name']}, frames, "
        f"{audit['protocol']} split{stamp}"
    )
    text = evaluate.original_text(frames, title)
    Path(work.write("text")).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
