"""Rule split: who is in training, in the test and in which fold; the leak audit beside it."""

import json
from pathlib import Path

from deepfake import job, splits, tables


def main(work: job.Job) -> None:
    """Say who is in training, in the test and in which fold, and whether anything leaks."""
    rows = tables.read(work.read("rows"))
    split = splits.make(rows, **work.params["split"])
    audit = splits.audit(rows, split)
    for part, counts in audit["parts"].items():
        job.log.info("%s: %s", part, ", ".join(f"{v} {k}" for k, v in counts.items()))
    if audit["leaky"]:
        job.log.warning("this split leaks: %s", audit["test"])
    tables.write(split, work.write("split"), splits.COLUMNS)
    text = json.dumps({"protocol": work.params["split"]["protocol"], **audit}, indent=1)
    Path(work.write("audit")).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
