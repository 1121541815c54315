"""Rule original_run: fit one model as the original experiment did, and test it."""

import json
from pathlib import Path

import numpy as np

from deepfake import compiling, evaluate, features, gram, job, ledger, models, splits, tables
from deepfake.matrix import Matrix


def main(work: job.Job) -> None:
    """Fit one model as the original experiment did, and test it."""
    params, candidate, seed = work.params, work.params["candidate"], work.params["split"]["seed"]
    compiling.keep_beside(work.input.get("compiled", []))
    rows, pixels = tables.read(work.read("rows")), Matrix(work.read("matrix"))
    split = splits.make(rows, params["protocol"], **params["split"])
    training, _ = models.training(rows, split, pixels)
    training.grams = gram.load_all(params["scalings"], work.input, [candidate])
    job.log.info("fitting %s on %d rows", candidate, len(training.fake))
    fitted = models.module(params["model"]).fit(candidate, training, seed, work.threads)
    test = [row for row, cut in zip(rows, split, strict=True) if cut["part"] == "test"]
    seen = pixels.at(np.array([int(row["row"]) for row in test]))
    frames = evaluate.frame_table(test, models.decide(fitted, seen), fitted.threshold)
    ledger.add(
        params["ledger"],
        {
            "run": params["run"],
            "protocol": params["protocol"],
            "test": ledger.test_of(params["protocol"], (row["video_id"] for row in test)),
            "rows": len(test),
            "features": features.PIXELS,
            "model": params["model"],
            "candidate": json.dumps(candidate, sort_keys=True),
            "code": ledger.code_of(params["code"]),
        },
    )
    asked = params["evaluation"]
    how = {"level": asked["level"], "count": asked["resamples"], "seed": seed}
    found = {
        **{name: params[name] for name in ("name", "model", "candidate", "protocol")},
        "leaky": json.loads(Path(work.read("audit")).read_text(encoding="utf-8"))["leaky"],
        "training": len(training.fake),
        "frames": evaluate.judge(frames, fitted.threshold, **how),
    }
    Path(work.write("record")).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    stamp = " [LEAKY: see the audit of this split]" if found["leaky"] else ""
    title = f"{params['name']} {json.dumps(candidate)}, frames, {params['protocol']} split{stamp}"
    text = evaluate.original_text(frames, title)
    Path(work.write("text")).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
