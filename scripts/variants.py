"""Rule variants: the variants of a run beside its own values, as a table, a text and a page."""

from dataclasses import replace
from pathlib import Path

from deepfake.core import job, tables
from deepfake.evaluation import comparison
from deepfake.report import comparison as page
from deepfake.report import pages
from deepfake.workflow import usage


def main(work: job.Job) -> None:
    """The variants of a run beside its own values."""
    params, level = work.params, work.params["evaluation"]["level"]
    runs = [
        replace(comparison.read(folder, params["ranks"]), folder=name)
        for folder, name in params["variants"].items()
    ]
    rows = comparison.table(runs, level=level)
    choices = work.read_each_json("choices")
    found = page.facts(runs, rows, level, choices)
    # benchmarks are no inputs: a change of them must not write the page again
    found["used"] = {
        name: usage.together(usage.collect(Path(folder, "benchmarks")).values())
        for folder, name in params["variants"].items()
    }
    lines = comparison.of_variants(runs, list(params["variants"]), rows, choices)
    tables.write(lines, work.write("table"), comparison.VARIANT_COLUMNS)
    work.write_text("text", "\n".join([*page.chosen(found), "", page.text(found)]) + "\n")
    pages.write(work.write("page"), "comparison.html", **found)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
