"""Rule summary: the small table of all models and splits of a run."""

import json
from pathlib import Path

from deepfake import job, summary, tables


def main(work: job.Job) -> None:
    """The small table of all models and splits of a run."""
    found = [json.loads(Path(p).read_text(encoding="utf-8")) for p in work.input["metrics"]]
    videos = [tables.read(path) for path in work.input["videos"]]
    asked = work.params["evaluation"]
    how = {"level": asked["level"], "count": asked["resamples"], "seed": work.params["seed"]}
    rows = summary.table(found)
    tables.write(summary.pairs(found, videos, **how), work.write("pairs"), summary.PAIR_COLUMNS)
    tables.write(rows, work.write("table"), summary.COLUMNS)
    text = summary.text(rows, found[0]["level"], summary.threshold(found[0]))
    Path(work.write("text")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
