"""Rule compile: compile the forest's code once, before many jobs need it."""

from pathlib import Path

from deepfake import compiling, job


def main(work: job.Job) -> None:
    """Compile the forest's code, and keep it beside the output."""
    told = Path(work.write("compiled"))
    place = compiling.keep(told.parent)
    from deepfake.models import trees  # compiles, or finds what was compiled

    told.write_text(f"{trees.grow.signatures} kept in {place}\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
