"""Rule split: who is in training, in the test and in which fold; the leak audit beside it."""

import json
from pathlib import Path

from deepfake import audit, job, splits, tables


def main(work: job.Job) -> None:
    """Say who is in training, in the test and in which fold, and whether anything leaks."""
    rows, settings = tables.read(work.read("rows")), work.params["split"]
    split = splits.make(rows, **settings)
    found = audit.audit(rows, split, settings["protocol"])
    for part, counts in found["parts"].items():
        job.log.info("%s: %s", part, ", ".join(f"{v} {k}" for k, v in counts.items()))
    for left in found["unused"]:
        job.log.info("unused: %(rows)d rows of %(videos)d videos: %(reason)s", left)
    for line in audit.lines(found):
        job.log.warning("this split leaks: %s", line)
    tables.write(split, work.write("split"), splits.COLUMNS)
    facts = {"protocol": settings["protocol"], "cross": settings["cross"], **found}
    text = json.dumps(facts, indent=1)
    Path(work.write("audit")).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
