"""Rule label_flips: score a model's test with random labels, many times."""

import numpy as np

from deepfake.core import job, tables
from deepfake.features import row_order
from deepfake.features.matrix import Matrix
from deepfake.models import gram, label_flips
from deepfake.models.registry import Training
from deepfake.splits.parts import rows_of


def main(work: job.Job) -> None:
    """Score a model's test with random labels, many times."""
    params = work.params
    best, record, bundle = map(work.read_json, ("best", "metrics", "bundle"))
    rows, split = row_order.read(work.read("rows")), tables.read(work.read("split"))
    used = rows_of(rows, split, "train", "test")
    if len(used) > label_flips.MOST_ROWS:
        found = {"note": label_flips.TOO_MANY}
    elif "landmarks" in best["candidate"]:
        found = {"note": label_flips.BY_LANDMARKS}
    else:
        tested = used.column("part") == "test"
        folds = np.array([int(fold or -1) for fold in used.column("fold")])
        pixels = Matrix(work.read("matrix"), used.column("row").astype(int))
        scaling = best["candidate"]["scaling"]
        products = gram.compute(pixels, scaling, np.flatnonzero(~tested))
        fake = used.column("label") == "fake"
        known = Training(pixels, fake, {scaling: products}, folds)
        drawn = label_flips.aucs(
            *(params["model"], best["candidate"], known),
            *(tested, used.column("video_id"), used.column("group_id")),
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
