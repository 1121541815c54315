"""Rule features: compute a feature set of each face of a batch, from its native crop."""

import numpy as np

from deepfake.core import job, tables
from deepfake.features import extraction


def main(work: job.Job) -> None:
    """Compute a feature set of each face of a batch, from its native crop."""
    rows = tables.read(work.read("table"))
    np.save(
        work.write("vectors"), extraction.extract(work.params["features"], rows, work.read("crops"))
    )


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
