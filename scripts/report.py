"""Rule report: the page of a run."""

from deepfake.core import job
from deepfake.report import pages, run


def main(work: job.Job) -> None:
    """The page of a run, and its settings."""
    work.write_json("config", work.params["config"])
    pages.write(work.write("page"), "report.html", **run.facts(work.input, work.params))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
