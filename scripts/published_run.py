"""Rule published_run: fit one model as a published experiment did, and test it."""

import json
from pathlib import Path

from deepfake.core import job
from deepfake.evaluation import ledger, scoring
from deepfake.features import row_order
from deepfake.features.matrix import Matrix
from deepfake.models import gram, numba_cache
from deepfake.models import registry as models
from deepfake.splits import assignment
from deepfake.splits.parts import rows_of

MEAN = {"slope": 1.0, "intercept": 0.0, "trim": 0.0}  # a video's score: of all its frames


def main(work: job.Job) -> None:
    """Fit one model as a published experiment did, and test it."""
    params, candidate, seed = work.params, work.params["candidate"], work.params["split"]["seed"]
    numba_cache.keep_beside(work.input.get("compiled", []))
    rows, pixels = row_order.read(work.read("rows")), Matrix(work.read("matrix"))
    split = assignment.make(rows, params["protocol"], **params["split"])
    training, _ = models.training(rows, split, pixels)
    training.grams = gram.load_all(params["scalings"], work.input, [candidate])
    job.log.info("fitting %s on %d rows", candidate, len(training.fake))
    fitted = models.module(params["model"]).fit(candidate, training, seed, work.threads)
    test = rows_of(rows, split, "test")
    inputs = pixels.at(test.column("row").astype(int))
    values, threshold = models.decide(fitted, inputs), fitted.threshold
    frames = scoring.frame_table(test, values, threshold)
    videos = scoring.video_table(test, values, threshold, MEAN)
    ledger.add(
        params["ledger"],
        run=params["run"],
        protocol=params["protocol"],
        videos=test.column("video_id"),
        rows=len(test),
        features=params["features"],
        model=params["model"],
        candidate=candidate,
        code=params["code"],
    )
    how = {"level": params["evaluation"]["level"]}
    found = {
        **{name: params[name] for name in ("name", "model", "candidate", "features", "protocol")},
        "leaky": work.read_json("audit")["leaky"],
        "training": len(training.fake),
        "frames": scoring.evaluate(frames, threshold, **how),
        "videos": scoring.evaluate(videos, threshold, **how),
    }
    work.write_json("record", found)
    stamp = " [LEAKY: see the audit of this split]" if found["leaky"] else ""
    title = f"{params['name']} {json.dumps(candidate)}, frames, {params['protocol']} split{stamp}"
    text = scoring.original_text(frames, title)
    Path(work.write("text")).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
