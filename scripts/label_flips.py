"""Rule label_flips: score a model's test with random labels, many times."""

import numpy as np

from deepfake.core import job, tables
from deepfake.features.matrix import Matrix
from deepfake.models import gram, label_flips
from deepfake.models.registry import Training
from deepfake.splits.parts import rows_of


def main(work: job.Job) -> None:
    """Score a model's test with random labels, many times."""
    params = work.params
    best, record, bundle = map(work.read_json, ("best", "metrics", "bundle"))
    rows, split = tables.read(work.read("rows")), tables.read(work.read("split"))
    used = list(rows_of(rows, split, "train", "test"))
    if len(used) > label_flips.MOST_ROWS:
        found = {"note": label_flips.TOO_MANY}
    else:
        rows, tested = [row for row, _ in used], np.array([s["part"] == "test" for _, s in used])
        folds = np.array([int(side["fold"] or -1) for _, side in used])
        pixels = Matrix(work.read("matrix"), np.array([int(row["row"]) for row in rows]))
        scaling = best["candidate"]["scaling"]
        products = gram.compute(pixels, scaling, np.flatnonzero(~tested))
        fake = np.array([row["label"] == "fake" for row in rows])
        known = Training(pixels, fake, {scaling: products}, folds)
        drawn = label_flips.aucs(
            *(params["model"], best["candidate"], known),
            *(tested, [row["video_id"] for row in rows], [row["group_id"] for row in rows]),
            seed=params["seed"],
            trim=bundle["calibration"]["trim"],
            threads=work.threads,
        )
        found = label_flips.compared(drawn, record["videos"]["metrics"]["roc_auc"]["value"])
    job.log.info("%s", found)
    work.write_json("null", found)
    work.write_json("known", found)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
