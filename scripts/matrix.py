"""Rule matrix: gather a feature set's vectors of all batches into one matrix."""

from deepfake.core import job
from deepfake.features import matrix, row_order


def main(work: job.Job) -> None:
    """Gather a feature set's vectors of all batches into one matrix."""
    batches, copies = (
        list(zip(work.input.get(tables, []), work.input.get(vectors, []), strict=True))
        for tables, vectors in (("tables", "vectors"), ("copies", "copied"))
    )
    matrix.gather(row_order.sources(batches, copies), work.write("matrix"))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
