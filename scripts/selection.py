"""Rules selection and variant_choice: correct the best score on the folds for selection bias."""

from itertools import groupby

import numpy as np

from deepfake.core import job, tables
from deepfake.evaluation import selection_bias
from deepfake.features import row_order
from deepfake.models import registry as models


def main(work: job.Job) -> None:
    """Correct the score of the best on the folds for selection bias."""
    params, searched, names = work.params, [], None
    parts = {name: iter(work.input.get(name, [])) for name in ("tables", "values", "unseen")}
    bundles = iter(work.read_each_json("bundles"))
    branches = [[*some] for _, some in groupby(params["searched"], lambda one: one.get("variant"))]
    for branch, rows, split in zip(branches, work.input["rows"], work.input["split"], strict=True):
        read = row_order.read(rows), tables.read(split)
        names = names or selection_bias.groups(*read)  # of the base: no variant has others
        known = selection_bias.pool(*read, names)
        searched += [_searched(known, one, parts, next(bundles)) for one in branch]
    numbers = [best["number"] for best in work.read_each_json("best")]
    how = {"score": params["score"], "count": params["resamples"], "seed": params["seed"]}
    found = selection_bias.corrected(searched, numbers, **how, level=0.95)
    found = {"protocol": params["protocol"]} | found
    job.log.info("best on the folds: %s", found["all"])
    work.write_json("record", found)


def _searched(known, one: dict, parts: dict, record: dict) -> selection_bias.Searched:
    """A model's candidates; the next files are its own."""
    if one["jobs"]:
        read = [tables.read(next(parts["tables"])) for _ in range(one["jobs"])]
        values = [np.load(next(parts["values"]), allow_pickle=False) for _ in read]
        scores = selection_bias.gathered(known, read, values)
    else:  # an average: its members were chosen before
        scores = tables.read(next(parts["unseen"]), ("score",)).floats("score")[None]
    facts = (one[name] for name in ("features", "length", "model", "rank"))
    threshold = models.module(one["model"]).THRESHOLD
    trim, variant = record["calibration"]["trim"], one.get("variant", "")
    return selection_bias.Searched(known, *facts, threshold, scores, trim, variant)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
