"""Rule leakage_page: the table, the figure and the page of the leak's ablation."""

import json
from pathlib import Path

from deepfake import job, tables
from deepfake.report import figures, leakage, pages


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
    Path(work.write("figure")).write_text(figures.alone(facts["figure"]), encoding="utf-8")
    pages.write(work.write("page"), "leakage.html", **facts)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
