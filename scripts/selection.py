"""Rule selection: correct the score of the best on the folds for selection bias."""

import numpy as np

from deepfake.core import job, tables
from deepfake.evaluation import selection_bias
from deepfake.features import row_order
from deepfake.models import registry as models


def main(work: job.Job) -> None:
    """Correct the score of the best on the folds for selection bias."""
    params = work.params
    known = selection_bias.pool(row_order.read(work.read("rows")), tables.read(work.read("split")))
    parts = {name: iter(work.input.get(name, [])) for name in ("tables", "values", "unseen")}
    searched = []
    for one, record in zip(params["searched"], work.read_each_json("bundles"), strict=True):
        if one["jobs"]:
            read = [tables.read(next(parts["tables"])) for _ in range(one["jobs"])]
            values = [np.load(next(parts["values"]), allow_pickle=False) for _ in read]
            scores = selection_bias.gathered(known, read, values)
        else:  # an average: its members were chosen before
            scores = tables.read(next(parts["unseen"]), ("score",)).floats("score")[None]
        facts = (one[name] for name in ("features", "length", "model", "rank"))
        threshold = models.module(one["model"]).THRESHOLD
        trim = record["calibration"]["trim"]
        searched.append(selection_bias.Searched(*facts, threshold, scores, trim))
    numbers = [best["number"] for best in work.read_each_json("best")]
    how = {"score": params["score"], "count": params["resamples"], "seed": params["seed"]}
    found = selection_bias.corrected(known, searched, numbers, **how, level=0.95)
    found = {"protocol": params["protocol"]} | found
    job.log.info("best on the folds: %s", found["all"])
    work.write_json("record", found)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
