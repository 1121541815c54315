"""Rule classify_batch: score a batch's faces with a bundle; say fake, real or undecided."""

import numpy as np

from deepfake import bundle, classify, job, tables


def main(work: job.Job) -> None:
    """Score the faces of a batch with a bundle, and say fake, real or undecided."""
    params = work.params
    fitted, record = bundle.load(params["bundle"])
    pixels = np.load(work.read("faces"), allow_pickle=False)
    rows = classify.frame_scores(tables.read(work.read("table")), pixels, fitted)
    by_video: dict[str, list[dict]] = {}
    for row in rows:
        by_video.setdefault(row["video"], []).append(row)
    verdicts = [
        classify.verdict(mine, record, params["prior"], params["undecided"])
        for mine in by_video.values()
    ]
    tables.write(rows, work.write("scores"), classify.SCORE_COLUMNS)
    tables.write(verdicts, work.write("verdicts"), classify.COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
