"""Rule vote: fit trees on all folds but one; store their predictions for the held-out fold."""

import numpy as np

from deepfake.core import job, tables
from deepfake.core.progress import Progress
from deepfake.features import row_order
from deepfake.features.matrix import Matrix
from deepfake.models import numba_cache
from deepfake.models import registry as models


def main(work: job.Job) -> None:
    """Fit trees on all folds but one, and store their predictions for the held-out fold."""
    params = work.params
    numba_cache.keep_beside(work.input.get("compiled", []))
    from deepfake.models import forest

    training, folds = models.training(
        row_order.read(work.read("rows")),
        tables.read(work.read("split")),
        Matrix(work.read("matrix")),
    )
    columns, rows = training.pixels.mapped()
    held_out = folds == params["fold"]
    fake = training.fake[~held_out]
    models.demand_both_classes(fake)
    numbers = range(*params["trees"])
    some = (params["candidate"], columns, rows[~held_out], fake, numbers, params["seed"])
    table = forest.table_of(training.pixels.at(np.flatnonzero(~held_out)))
    progress = Progress(len(numbers), "trees")
    votes = np.empty((len(numbers), held_out.sum()))
    grown = forest.grow(*some, work.threads, table)
    for place, prediction in enumerate(forest.votes(columns, rows[held_out], grown)):
        votes[place] = prediction
        progress.step()
    np.save(work.write("votes"), votes)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
