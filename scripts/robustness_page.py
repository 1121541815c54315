"""Rule robustness_page: the table, the figure and the page of the perturbed clips."""

import json
from pathlib import Path

from deepfake import job, tables
from deepfake.report import figures, pages, robustness


def main(work: job.Job) -> None:
    """The table, the figure and the page of the perturbed clips."""
    records = [json.loads(Path(path).read_text(encoding="utf-8")) for path in work.input["judged"]]
    rows = robustness.table(records)
    facts = robustness.facts(rows, records, work.params["run"], work.params["cross"])
    tables.write(rows, work.write("table"), robustness.COLUMNS)
    Path(work.write("figure")).write_text(figures.alone(facts["figure"]), encoding="utf-8")
    pages.write(work.write("page"), "robustness.html", **facts)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
