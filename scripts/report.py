"""Rule report: one page of everything about a run, to be shown."""

from deepfake import job
from deepfake.report import pages, run


def main(work: job.Job) -> None:
    """One page of everything about a run, to be shown."""
    pages.write(work.write("page"), "report.html", **run.facts(work.input, work.params))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
