"""Rule gram: inner products of all training rows, scaled by one fold's training rows."""

import numpy as np

from deepfake.core import job, tables
from deepfake.core.progress import Progress
from deepfake.features.matrix import Matrix
from deepfake.models import gram


def main(work: job.Job) -> None:
    """Inner products of all training rows, scaled by one fold's training rows."""
    split = tables.read(work.read("split"))
    split = split.at(split.column("part") == "train")
    pixels = Matrix(work.read("matrix"), split.column("row").astype(int))
    fitted_on = np.flatnonzero(split.column("fold") != work.params["fold"])
    progress = Progress(pixels.shape[1], "features")
    found = gram.compute(pixels, work.params["scaling"], fitted_on, progress.step)
    gram.save(found, work.write("products"), work.write("facts"))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
