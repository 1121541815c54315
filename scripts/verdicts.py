"""Rule verdicts: join the verdicts of all batches with the videos that could not be looked at."""

from pathlib import Path

from deepfake import classify, job, tables
from deepfake.report import verdict


def main(work: job.Job) -> None:
    """Join the verdicts of all batches with the videos that could not be looked at."""
    rows = [row for path in work.input.get("verdicts", []) for row in tables.read(path)]
    rows += [
        {"video": path, "verdict": "undecided", "reason": reason}
        for path, reason in work.params["others"]
    ]
    rows.sort(key=lambda row: row["video"])
    each = [row for path in work.input.get("tracks", []) for row in tables.read(path)]
    each.sort(key=lambda row: (row["video"], int(row["face"])))
    tables.write(rows, work.write("table"), classify.COLUMNS)
    tables.write(each, work.write("tracks"), classify.TRACK_COLUMNS)
    verdict.write_list(work.write("page"), rows)
    rows.sort(key=lambda row: (not row.get("model"), row["video"]))
    told = classify.text(rows, each)
    Path(work.write("text")).write_text(told, encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
