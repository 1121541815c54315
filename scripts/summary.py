"""Rule summary: the small table of all models and splits of a run."""

import json
from pathlib import Path

from deepfake import job, summary, tables, winners


def main(work: job.Job) -> None:
    """The small table of all models and splits of a run."""
    found = [json.loads(Path(p).read_text(encoding="utf-8")) for p in work.input["metrics"]]
    videos = [tables.read(path) for path in work.input["videos"]]
    asked = work.params["evaluation"]
    how = {"level": asked["level"], "count": asked["resamples"], "seed": work.params["seed"]}
    rows = summary.table(found)
    compared = summary.pairs(found, videos, **how)
    tables.write(compared, work.write("pairs"), summary.PAIR_COLUMNS)
    tables.write(rows, work.write("table"), summary.COLUMNS)
    best = winners.lines(found, compared, work.params["folder"])
    text = summary.text(rows, found[0]["level"], summary.threshold(found[0]), best)
    Path(work.write("text")).write_text(text, encoding="utf-8")
    record = json.dumps(winners.recommended(found), indent=1)
    Path(work.write("best")).write_text(record + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
