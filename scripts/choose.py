"""Rule choose: join a model's search tables, and choose the best candidate on the folds only."""

import numpy as np

from deepfake.core import job, tables
from deepfake.evaluation import search_table
from deepfake.features import row_order


def main(work: job.Job) -> None:
    """Join a model's search tables, and choose the best candidate on the folds only."""
    candidates = work.params["candidates"]
    parts = [tables.read(path) for path in work.input["tables"]]
    scores = search_table.join([row for part in parts for row in part], len(candidates))
    best, means = search_table.best(scores, work.params["score"])
    job.log.info("best of %d by %s: %s %s", len(candidates), work.params["score"], best, means)
    rows = [{**row, **candidates[int(row["candidate"])]} for row in scores]
    settings = sorted({name for candidate in candidates for name in candidate})
    more = search_table.shown(scores, (*search_table.OF_COPIES, "note"))
    columns = ("candidate", *settings, "fold", *search_table.SCORES, *more)
    values = [np.load(path, allow_pickle=False) for path in work.input["values"]]
    unseen = search_table.out_of_fold(
        best, parts, values, row_order.read(work.read("rows")), tables.read(work.read("split"))
    )
    tables.write(rows, work.write("table"), columns)
    tables.write(unseen, work.write("out_of_fold"), search_table.OUT_OF_FOLD_COLUMNS)
    record = {"number": best, "candidate": candidates[best], "by": work.params["score"]}
    if note := search_table.note(scores, best):
        job.log.warning("no candidate finished on every fold; the best of them: %s", note)
        record["note"] = note
    work.write_json("best", record | {"fold_means": means})


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
