"""Rule grow: grow some trees of the best forest on all training rows."""

import json
from pathlib import Path

import numpy as np

from deepfake import compiling, job, models, tables
from deepfake.matrix import Matrix


def main(work: job.Job) -> None:
    """Grow some trees of the best forest on all training rows; none, if it has fewer."""
    params = work.params
    compiling.keep_beside(work.input.get("compiled", []))
    from deepfake.models import forest

    best = json.loads(Path(work.read("best")).read_text(encoding="utf-8"))["candidate"]
    first, end = params["trees"]
    numbers = range(first, min(end, best["n_estimators"]))
    training, _ = models.training(
        tables.read(work.read("rows")),
        tables.read(work.read("split")),
        Matrix(work.read("matrix")),
    )
    models.demand_both_classes(training.fake)
    columns, rows = training.pixels.mapped()
    some = (best, columns, rows, training.fake, numbers, params["seed"])
    np.savez(work.write("trees"), **forest.pack(forest.grow(*some, work.threads)))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
