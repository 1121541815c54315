"""Rule compile: compile the forest's code once, before many jobs need it."""

from pathlib import Path

from deepfake.core import job
from deepfake.models import numba_cache


def main(work: job.Job) -> None:
    """Compile the forest's code, and store it next to the output."""
    report = Path(work.write("compiled"))
    place = numba_cache.keep(report.parent)
    from deepfake.models import trees  # compiles, or finds what was compiled

    report.write_text(f"{trees.grow.signatures} kept in {place}\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
