"""Rule verdicts: join the verdicts of all batches with the videos that could not be read."""

import json
from pathlib import Path

from deepfake.core import job, tables
from deepfake.inference import classify, verdict_json
from deepfake.inference.reasons import Reason
from deepfake.report import pages, verdict


def main(work: job.Job) -> None:
    """Join the verdicts of all batches with the videos that could not be read."""
    rows = [row for path in work.input.get("verdicts", []) for row in tables.read(path)]
    others = [(path, Reason("unreadable", why)) for path, why in work.params["others"]]
    rows += [
        {"video": path, "verdict": "undecided", "codes": reason.code, "reason": reason.text}
        for path, reason in others
    ]
    rows.sort(key=lambda row: row["video"])
    each = [row for path in work.input.get("tracks", []) for row in tables.read(path)]
    each.sort(key=lambda row: (row["video"], int(row["face"])))
    tables.write(rows, work.write("table"), classify.COLUMNS)
    tables.write(each, work.write("tracks"), classify.TRACK_COLUMNS)
    verdict.write_list(work.write("page"), rows)
    folder = work.folder("described")
    lines = [verdict_json.text(verdict_json.unread(*other)) for other in others]
    for path in work.input.get("described", []):
        lines += Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    for line in lines:
        name = f"{pages.slug(json.loads(line)['video'])}.json"
        (folder / name).write_text(line, encoding="utf-8")
    rows.sort(key=lambda row: (not row.get("model"), row["video"]))
    text = classify.text(rows, each)
    Path(work.write("text")).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
