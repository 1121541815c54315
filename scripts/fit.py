"""Rule fit: fit a model's best candidate on all training rows, and pack it as a bundle."""

import json
from pathlib import Path

import numpy as np

from deepfake import (
    bundle,
    calibration,
    compiling,
    domain,
    features,
    gram,
    job,
    metrics,
    models,
    tables,
)
from deepfake.matrix import Matrix


def main(work: job.Job) -> None:
    """Fit a model's best candidate on all training rows, and pack it as a bundle."""
    params = work.params
    compiling.keep_beside(work.input.get("compiled", []))
    best = json.loads(Path(work.read("best")).read_text(encoding="utf-8"))
    rows, split = tables.read(work.read("rows")), tables.read(work.read("split"))
    training, _ = models.training(rows, split, Matrix(work.read("matrix")))
    training.grams = gram.load_all(params["scalings"], work.input, [best["candidate"]])
    model = models.module(params["model"])
    job.log.info("fitting %s on %d rows", best["candidate"], len(training.fake))
    if grown := work.input.get("trees"):
        parts = [dict(np.load(path, allow_pickle=False)) for path in grown]
        fitted = model.join(best["candidate"], parts)
    else:
        training.folder = work.checkpoint("bundle")
        fitted = models.fit(
            params["model"], best["candidate"], training, params["seed"], work.threads
        )
    name = params["features"]
    fitted.contains_training_images &= name == features.PIXELS
    fake, means, groups = calibration.videos(tables.read(work.read("out_of_fold")))
    audit = json.loads(Path(work.read("audit")).read_text(encoding="utf-8"))
    facts = {
        "preprocessing": params["preprocessing"],
        "features": {
            "name": name,
            "version": features.version(name),
            "length": training.pixels.shape[1],
        },
        "calibration": calibration.fit(fake, means),
        "out_of_fold": metrics.summary(
            fake, means, model.THRESHOLD, groups, level=0.95, count=2000, seed=params["seed"]
        ),
        "search": best,
        "training": {
            "run": params["run"],
            "sheet_sha256": bundle.sha256(Path(work.read("sheet"))),
            "datasets": sorted({row["dataset"] for row in rows}),
            "protocol": audit["protocol"],
            "leaky": audit["leaky"] or audit["leaky_folds"],
            "seed": params["seed"],
            **audit["parts"]["train"],
        },
        "domain": domain.describe(
            tables.read(work.read("records")),
            {
                row["video_id"]
                for row, cut in zip(rows, split, strict=True)
                if cut["part"] == "train"
            },
        ),
        "versions": params["versions"],
    }
    record = Path(work.write("bundle"))
    bundle.save(fitted, facts, record.parent, record)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
