"""Rule report: the page of a run."""

from deepfake.core import job, tables
from deepfake.report import pages, run


def main(work: job.Job) -> None:
    """The page of a run, its settings, and what its jobs used."""
    work.write_json("config", work.params["config"])
    facts = run.facts(work.input, work.params)
    tables.write(facts["resources"]["table"], work.write("usage"), run.USAGE_COLUMNS)
    pages.write(work.write("page"), "report.html", **facts)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
