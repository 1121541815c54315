"""Rule grow: grow some trees of the best forest on all training rows."""

import numpy as np

from deepfake.core import job, tables
from deepfake.features import row_order
from deepfake.features.matrix import Matrix
from deepfake.models import numba_cache
from deepfake.models import registry as models


def main(work: job.Job) -> None:
    """Grow some trees of the best forest on all training rows; none, if it has fewer."""
    params = work.params
    numba_cache.keep_beside(work.input.get("compiled", []))
    from deepfake.models import forest

    best = work.read_json("best")["candidate"]
    first, end = params["trees"]
    numbers = range(first, min(end, best["n_estimators"]))
    training, _ = models.training(
        row_order.read(work.read("rows")),
        tables.read(work.read("split")),
        Matrix(work.read("matrix")),
    )
    models.demand_both_classes(training.fake)
    columns, rows = training.pixels.mapped()
    some = (best, columns, rows, training.fake, numbers, params["seed"], work.threads)
    grown = forest.grow(*some, forest.table_of(training.pixels))
    np.savez(work.write("trees"), **forest.pack(grown))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
