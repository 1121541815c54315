"""Rule train: train a network without a fold, and score the fold's rows after every epoch."""

import numpy as np

from deepfake import job, models, search, tables
from deepfake.matrix import Matrix
from deepfake.models import mesonet


def main(work: job.Job) -> None:
    """Train a network without a fold, and score the fold's rows after every epoch."""
    params = work.params
    training, folds = models.training(
        tables.read(work.read("rows")),
        tables.read(work.read("split")),
        Matrix(work.read("matrix")),
    )
    training.folder = work.checkpoint("table")
    epochs = {number: c["epochs"] for number, c in params["candidates"].items()}
    candidate = max(params["candidates"].values(), key=lambda candidate: candidate["epochs"])
    train, held_out = (
        np.flatnonzero(folds != params["fold"]),
        np.flatnonzero(folds == params["fold"]),
    )
    course = mesonet.course(candidate, training, train, held_out, params["seed"], work.threads)
    judged = training.fake[held_out], params["fold"], mesonet.THRESHOLD
    values = {number: course.scores[last - 1] for number, last in epochs.items()}
    tables.write(search.table(values, *judged), work.write("table"), search.COLUMNS)
    np.save(work.write("values"), np.stack(list(values.values())))
    number_of = {last: number for number, last in epochs.items()}
    curve = [
        row | {"protocol": params["protocol"], "epoch": epoch, "loss": loss}
        | {"candidate": number_of.get(epoch, "")}
        for epoch, (row, loss) in enumerate(
            zip(search.table(dict(enumerate(course.scores)), *judged), course.losses, strict=True),
            start=1,
        )
    ]  # fmt: skip
    tables.write(curve, work.write("curve"), search.CURVE_COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
