"""Rule search: score a chunk of a model's candidates on one fold."""

import numpy as np

from deepfake.core import job, tables
from deepfake.evaluation import search_table
from deepfake.features import row_order
from deepfake.features.matrix import Matrix
from deepfake.models import gram, numba_cache
from deepfake.models import registry as models
from deepfake.splits import parts


def main(work: job.Job) -> None:
    """Score a chunk of a model's candidates on one fold."""
    params = work.params
    numba_cache.keep_beside(work.input.get("compiled", []))
    rows, split = row_order.read(work.read("rows")), tables.read(work.read("split"))
    training, folds = models.training(rows, split, Matrix(work.read("matrix")))
    copies = parts.copies(parts.rows_of(rows, split, "train"))
    train, held_out = (
        np.flatnonzero(folds != params["fold"]),
        np.flatnonzero(folds == params["fold"]),
    )
    model = models.module(params["model"])
    candidates = list(params["candidates"].values())
    if not params["in_columns"]:
        training.grams = gram.load_all(params["scalings"], work.input, candidates)
    if votes := work.input.get("votes"):
        of_trees = (np.load(path, allow_pickle=False) for path in votes)
        values = model.score_votes(candidates, of_trees)
    else:
        values = models.score(
            *(params["model"], candidates, training, train, held_out),
            *(params["seed"], work.threads),
        )
    numbers = list(params["candidates"])
    notes = {numbers[place]: note for place, note in training.notes.items()}
    by_candidate = dict(zip(numbers, values, strict=True))
    judged = training.fake[held_out], params["fold"], model.THRESHOLD
    scores = search_table.table(by_candidate, *judged, notes, copies[held_out])
    for number, note in notes.items():
        job.log.warning("candidate %s %s: %s", number, params["candidates"][number], note)
    for row in scores:
        job.log.info("candidate %s: %s", row["candidate"], row)
    tables.write(scores, work.write("table"), search_table.COLUMNS)
    np.save(work.write("values"), np.stack(values))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
