"""Rule leakage_splits: the splits of the leak's ablation, with trainings of one size."""

import json
from pathlib import Path

from deepfake import audit, job, protocols, splits, tables
from deepfake.matrix import ROW_COLUMNS
from deepfake.splits import equal


def main(work: job.Job) -> None:
    """The splits of the leak's ablation, with trainings of one size."""
    rows, names = tables.read(work.read("rows")), work.params["names"]
    mixed, made = equal.make(rows, names, **work.params["split"])
    tables.write(mixed, work.write("shuffled"), ROW_COLUMNS)
    for number, name in enumerate(names):
        kind, protocol = protocols.parted(name)
        shuffled = kind == protocols.SHUFFLED
        # a test whose labels mean nothing is not the protocol's test, in no table and ledger
        told = name if shuffled else protocol
        found = audit.audit(mixed if shuffled else rows, made[name], told)
        train, test = (found["parts"][part] for part in ("train", "test"))
        job.log.info("%s: %d training rows, %d of the test", name, train["rows"], test["rows"])
        tables.write(made[name], work.write("splits", number), splits.COLUMNS)
        text = json.dumps({"protocol": told, "cross": None, **found}, indent=1)
        Path(work.write("audits", number)).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
