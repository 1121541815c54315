"""Rule plain_split: a split without its training copies, to compare trainings by."""

from deepfake.core import job, tables
from deepfake.splits import assignment, parts


def main(work: job.Job) -> None:
    """A split without its training copies, to compare trainings by."""
    split = tables.read(work.read("split"))
    copies = parts.copies(tables.read(work.read("rows"), ("copy",)))
    without = assignment.leave_out(split, copies, assignment.PLAIN)
    tables.write(without, work.write("split"), assignment.COLUMNS)
    work.write_json("audit", work.read_json("audit") | {"training_copies": 0})


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
