"""Rule search: score a chunk of a model's candidates on one fold."""

import numpy as np

from deepfake import compiling, gram, job, models, search, tables
from deepfake.matrix import Matrix


def main(work: job.Job) -> None:
    """Score a chunk of a model's candidates on one fold."""
    params = work.params
    compiling.keep_beside(work.input.get("compiled", []))
    training, folds = models.training(
        tables.read(work.read("rows")),
        tables.read(work.read("split")),
        Matrix(work.read("matrix")),
    )
    train, held_out = (
        np.flatnonzero(folds != params["fold"]),
        np.flatnonzero(folds == params["fold"]),
    )
    model = models.module(params["model"])
    candidates = list(params["candidates"].values())
    training.grams = gram.load_all(params["scalings"], work.input, candidates)
    if votes := work.input.get("votes"):
        parts = (np.load(path, allow_pickle=False) for path in votes)
        values = model.score_votes(candidates, parts)
    else:
        values = models.score(
            *(params["model"], candidates, training, train, held_out),
            *(params["seed"], work.threads),
        )
    by_candidate = dict(zip(params["candidates"], values, strict=True))
    rows = search.table(by_candidate, training.fake[held_out], params["fold"], model.THRESHOLD)
    for row in rows:
        job.log.info("candidate %s: %s", row["candidate"], row)
    tables.write(rows, work.write("table"), search.COLUMNS)
    np.save(work.write("values"), np.stack(values))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
