"""Rule robustness_page: the table, the figure and the page of the perturbed clips."""

from deepfake.core import job, tables
from deepfake.report import figures, pages, robustness


def main(work: job.Job) -> None:
    """The table, the figure and the page of the perturbed clips."""
    records = work.read_each_json("judged")
    rows = robustness.table(records)
    facts = robustness.facts(rows, records, work.params["run"], work.params["cross"])
    tables.write(rows, work.write("table"), robustness.COLUMNS)
    work.write_text("figure", figures.standalone(facts["figure"]))
    pages.write(work.write("page"), "robustness.html", **facts)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
