"""Rule matrix: gather a feature set's vectors of all batches into one matrix."""

from deepfake.core import job
from deepfake.features import matrix


def main(work: job.Job) -> None:
    """Gather a feature set's vectors of all batches into one matrix."""
    batches = list(zip(work.input["tables"], work.input["vectors"], strict=True))
    matrix.gather(matrix.sources(batches), work.write("matrix"))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
