"""Rule plain_split: a split without its training copies, to compare trainings by."""

from deepfake.core import job, tables
from deepfake.splits import assignment


def main(work: job.Job) -> None:
    """A split without its training copies, to compare trainings by."""
    split = tables.read(work.read("split"))
    faces, copies = assignment.parted(tables.read(work.read("rows")))
    without = split[: len(faces)] + assignment.left_out(copies, len(faces), assignment.PLAIN)
    tables.write(without, work.write("split"), assignment.COLUMNS)
    work.write_json("audit", work.read_json("audit") | {"training_copies": 0})


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
