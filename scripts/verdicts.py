"""Rule verdicts: join the verdicts of all batches with the videos that could not be read."""

import json
from pathlib import Path

from deepfake.core import job, tables
from deepfake.inference import classify, verdict_json
from deepfake.inference.reasons import Reason
from deepfake.person import answers
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
    moved = _person_tables(work)
    text = classify.text(rows, each) + "".join(map(answers.text, moved))
    Path(work.write("text")).write_text(text, encoding="utf-8")


def _person_tables(work: job.Job) -> list[dict]:
    """Join the tables of a person's model, if there is one; what it says of each video."""
    found: list[dict] = []
    for kind, columns in (("scores", answers.SCORES), ("answers", answers.ANSWERS)):
        if f"person_{kind}" in work.output:
            paths = work.input.get(f"person_{kind}", [])
            found = [row for path in paths for row in tables.read(path)]
            found.sort(key=lambda row: (row["video"], float(row.get("start", 0))))
            tables.write(found, work.write(f"person_{kind}"), columns)
    return found


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
