"""Rule leakage_page: the table, the figure and the page of the leakage ablation."""

from deepfake.core import job, tables
from deepfake.report import figures, leakage, pages


def main(work: job.Job) -> None:
    """The table, the figure and the page of the leakage ablation."""
    records, audits = (work.read_each_json(name) for name in ("metrics", "audits"))
    params = work.params
    rows = leakage.table(params["names"], records, audits, params["lacking"])
    facts = leakage.facts(rows, records, params["run"])
    tables.write(rows, work.write("table"), leakage.COLUMNS)
    work.write_text("figure", figures.standalone(facts["figure"]))
    pages.write(work.write("page"), "leakage.html", **facts)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
