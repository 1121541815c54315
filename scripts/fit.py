"""Rule fit: fit a model's best candidate on all training rows, and pack it as a bundle."""

from collections import Counter
from pathlib import Path

import numpy as np

from deepfake.core import job, tables
from deepfake.evaluation import decision
from deepfake.features import registry as features
from deepfake.features import row_order
from deepfake.features.matrix import Matrix
from deepfake.inference import bundle, training_domain
from deepfake.models import gram, numba_cache
from deepfake.models import registry as models
from deepfake.splits import parts


def main(work: job.Job) -> None:
    """Fit a model's best candidate on all training rows, and pack it as a bundle."""
    params = work.params
    numba_cache.keep_beside(work.input.get("compiled", []))
    best = work.read_json("best")
    rows, split = row_order.read(work.read("rows")), tables.read(work.read("split"))
    training, _ = models.training(rows, split, Matrix(work.read("matrix")))
    training_rows = parts.rows_of(rows, split, "train")
    copies = training_rows.column("copy", "")
    copies = copies[copies != ""]
    if not params["in_columns"]:
        training.grams = gram.load_all(params["scalings"], work.input, [best["candidate"]])
    model = models.module(params["model"])
    job.log.info("fitting %s on %d rows", best["candidate"], len(training.fake))
    if grown := work.input.get("trees"):
        trees = [dict(np.load(path, allow_pickle=False)) for path in grown]
        fitted = model.join(best["candidate"], trees)
    else:
        training.folder = work.checkpoint("bundle")
        fitted = models.fit(
            params["model"], best["candidate"], training, params["seed"], work.threads
        )
    if note := training.notes.get(0):
        job.log.warning("%s: %s", best["candidate"], note)
        best["note"] = "; ".join(filter(None, [best.get("note"), f"all training rows: {note}"]))
    name = params["features"]
    fitted.contains_training_images &= name in features.PICTURES
    held_out = tables.read(work.read("out_of_fold"))
    how = model.THRESHOLD, params["evaluation"], params["verdict"]
    learned = decision.from_folds(held_out, *how)
    if sheet := work.input.get("calibration_rows"):
        scores = models.decide(fitted, Matrix(work.read("calibration_matrix")))
        learned |= decision.from_sheet(tables.read(sheet[0]), scores, *how)
    audit = work.read_json("audit")
    facts = {
        "preprocessing": params["preprocessing"],
        "features": {
            "name": name,
            "version": features.version(name),
            "length": training.pixels.shape[1],
        },
        **learned,
        "search": best,
        "training": {
            "run": params["run"],
            "sheet_sha256": bundle.sha256(Path(work.read("sheet"))),
            "datasets": sorted(set(rows.column("dataset"))),
            "protocol": audit["protocol"],
            "leaky": audit["leaky"] or audit["leaky_folds"],
            "seed": params["seed"],
            **audit["parts"]["train"],
            "copies": dict(sorted(Counter(copies).items())),
        },
        "domain": training_domain.describe(
            _of_training(work.read("records"), len(copies) > 0),
            set(training_rows.column("video_id")),
        ),
        "versions": params["versions"],
    }
    record = Path(work.write("bundle"))
    bundle.save(fitted, facts, record.parent, record)


def _of_training(path: str, copied: bool) -> tables.Table:
    """The records of faces, with those of training copies only where the training has copies."""
    records = tables.read(path, ("video_id", "status", "copy", *training_domain.COLUMNS))
    return records if copied else records.at(~parts.copies(records))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
