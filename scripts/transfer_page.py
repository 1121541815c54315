"""Rule transfer_page: the table, the figure and the page of what was left out of training."""

from deepfake.core import job, tables
from deepfake.evaluation.transfer import COLUMNS
from deepfake.report import figures, pages, transfer


def main(work: job.Job) -> None:
    """The table, the figure and the page of what was left out of training."""
    params = work.params
    records, audits = (work.read_each_json(name) for name in ("metrics", "audits"))
    tests = [
        [{name: row[name] for name in COLUMNS} for row in tables.read(path)]
        for path in work.input.get("videos", [])
    ]
    by, level = params["by"], params["evaluation"]["level"]
    rows = transfer.table(records, tests, audits, params["lacking"], by, level=level)
    facts = transfer.facts(rows, records, audits, params["run"], by, level)
    tables.write(rows, work.write("table"), transfer.COLUMNS)
    work.write_text("figure", figures.standalone(facts["figure"]))
    pages.write(work.write("page"), "transfer.html", **facts)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
