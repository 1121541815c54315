"""Rule leakage_page: the table, the figure and the page of the leak's ablation."""

import json
from pathlib import Path

from deepfake import job, tables
from deepfake.report import leakage, pages


def main(work: job.Job) -> None:
    """The table, the figure and the page of the leak's ablation."""
    records, audits = (
        [json.loads(Path(path).read_text(encoding="utf-8")) for path in work.input[name]]
        for name in ("metrics", "audits")
    )
    params = work.params
    rows = leakage.table(params["names"], records, audits, params["lacking"])
    facts = leakage.facts(rows, records, params["run"])
    tables.write(rows, work.write("table"), leakage.COLUMNS)
    # a file of its own has no page's text colour to take
    drawn = facts["figure"].replace("currentColor", "black")
    Path(work.write("figure")).write_text(f"{drawn}\n", encoding="utf-8")
    pages.write(work.write("page"), "leakage.html", **facts)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
