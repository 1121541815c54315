"""Rule vote: grow some trees without a fold, and keep what each says of the fold's rows."""

import numpy as np

from deepfake import compiling, job, models, tables
from deepfake.matrix import Matrix
from deepfake.progress import Progress


def main(work: job.Job) -> None:
    """Grow some trees without a fold, and keep what each says of the fold's rows."""
    params = work.params
    compiling.keep_beside(work.input.get("compiled", []))
    from deepfake.models import forest

    training, folds = models.training(
        tables.read(work.read("rows")),
        tables.read(work.read("split")),
        Matrix(work.read("matrix")),
    )
    columns, rows = training.pixels.mapped()
    held_out = folds == params["fold"]
    fake = training.fake[~held_out]
    models.demand_both_classes(fake)
    numbers = range(*params["trees"])
    some = (params["candidate"], columns, rows[~held_out], fake, numbers, params["seed"])
    progress = Progress(len(numbers), "trees")
    votes = np.empty((len(numbers), held_out.sum()))
    grown = forest.grow(*some, work.threads)
    for place, said in enumerate(forest.votes(columns, rows[held_out], grown)):
        votes[place] = said
        progress.step()
    np.save(work.write("votes"), votes)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
