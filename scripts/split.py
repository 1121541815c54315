"""Rule split: assign rows to training, test and folds, with a leak audit."""

from deepfake.core import job, tables
from deepfake.splits import assignment, leak_audit


def main(work: job.Job) -> None:
    """Assign rows to training, test and folds, and audit them for leaks."""
    rows, settings = tables.read(work.read("rows"), left=["phash"]), work.params["split"]
    if work.input.get("base"):
        split = assignment.like(tables.read(work.read("base")), rows, **settings)
    else:
        split = assignment.make(rows, **settings)
    found = leak_audit.audit(rows, split, settings["protocol"])
    for part, counts in found["parts"].items():
        job.log.info("%s: %s", part, ", ".join(f"{v} {k}" for k, v in counts.items()))
    for left in found["unused"]:
        job.log.info("unused: %(rows)d rows of %(videos)d videos: %(reason)s", left)
    for line in leak_audit.lines(found):
        job.log.warning("this split leaks: %s", line)
    tables.write(split, work.write("split"), assignment.COLUMNS)
    facts = {"protocol": settings["protocol"], "cross": settings["cross"], **found}
    work.write_json("audit", facts)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
