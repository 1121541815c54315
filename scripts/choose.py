"""Rule choose: join a model's search tables, and choose the best candidate on the folds alone."""

import json
from pathlib import Path

import numpy as np

from deepfake import job, search, tables


def main(work: job.Job) -> None:
    """Join a model's search tables, and choose the best candidate on the folds alone."""
    candidates = work.params["candidates"]
    parts = [tables.read(path) for path in work.input["tables"]]
    scores = search.join([row for part in parts for row in part], len(candidates))
    best, means = search.best(scores, work.params["score"])
    job.log.info("best of %d by %s: %s %s", len(candidates), work.params["score"], best, means)
    rows = [{**row, **candidates[int(row["candidate"])]} for row in scores]
    settings = sorted({name for candidate in candidates for name in candidate})
    columns = ("candidate", *settings, "fold", *search.SCORES)
    values = [np.load(path, allow_pickle=False) for path in work.input["values"]]
    unseen = search.out_of_fold(
        best, parts, values, tables.read(work.read("rows")), tables.read(work.read("split"))
    )
    tables.write(rows, work.write("table"), columns)
    tables.write(unseen, work.write("out_of_fold"), search.UNSEEN_COLUMNS)
    record = {"number": best, "candidate": candidates[best], "by": work.params["score"]}
    text = json.dumps(record | {"fold_means": means}, indent=1)
    Path(work.write("best")).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
