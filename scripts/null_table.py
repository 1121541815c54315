"""Rule null_table: every model's test score, and its scores with random labels."""

from deepfake.core import job, tables
from deepfake.evaluation import shortcuts
from deepfake.models import label_flips


def main(work: job.Job) -> None:
    """Every model's test score, and its scores with random labels."""
    found = work.read_each_json("metrics")
    flips = iter(work.read_each_json("nulls"))
    computed = work.params["computed"]
    rows = [
        label_flips.row(record, next(flips) if has else {"note": label_flips.NO_GRAM})
        for record, has in zip(found, computed, strict=True)
    ]
    each = {(r["protocol"], r["measure"]): r for r in tables.read(work.read("shortcuts"))}
    text = label_flips.text(rows, list(map(shortcuts.as_text, each.values())))
    tables.write(rows, work.write("table"), label_flips.COLUMNS)
    work.write_text("text", text)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
