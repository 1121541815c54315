"""Rule train: train a network on all folds but one, and score the held-out fold by epoch."""

import numpy as np

from deepfake.core import job, tables
from deepfake.evaluation import search_table
from deepfake.features import row_order
from deepfake.features.matrix import Matrix
from deepfake.models import mesonet
from deepfake.models import registry as models
from deepfake.splits import parts


def main(work: job.Job) -> None:
    """Train a network on all folds but one, and score the held-out fold after every epoch."""
    params = work.params
    rows, split = row_order.read(work.read("rows")), tables.read(work.read("split"))
    training, folds = models.training(rows, split, Matrix(work.read("matrix")))
    copies = parts.copies(parts.rows_of(rows, split, "train"))
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
    how = {"copies": copies[held_out]}
    tables.write(
        search_table.table(values, *judged, **how), work.write("table"), search_table.COLUMNS
    )
    np.save(work.write("values"), np.stack(list(values.values())))
    number_of = {last: number for number, last in epochs.items()}
    epochs_scored = search_table.table(dict(enumerate(course.scores)), *judged, **how)
    curve = [
        row | {"protocol": params["protocol"], "epoch": epoch, "loss": loss}
        | {"candidate": number_of.get(epoch, "")}
        for epoch, (row, loss) in enumerate(
            zip(epochs_scored, course.losses, strict=True), start=1
        )
    ]  # fmt: skip
    tables.write(curve, work.write("curve"), search_table.CURVE_COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
