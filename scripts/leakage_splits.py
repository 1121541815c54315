"""Rule leakage_splits: the splits of the leakage ablation, with training sets of one size."""

from deepfake.core import job, tables
from deepfake.features.row_order import ROW_COLUMNS
from deepfake.splits import assignment, equal, leak_audit, protocols


def main(work: job.Job) -> None:
    """The splits of the leakage ablation, with training sets of one size."""
    rows, names = tables.read(work.read("rows"), left=["phash"]), work.params["names"]
    mixed, made = equal.make(rows, names, **work.params["split"])
    tables.write(mixed, work.write("shuffled"), ROW_COLUMNS)
    for number, name in enumerate(names):
        kind, protocol = protocols.split_name(name)
        shuffled = kind == protocols.SHUFFLED
        # a test whose labels mean nothing is not the protocol's test, in no table and ledger
        label_name = name if shuffled else protocol
        found = leak_audit.audit(mixed if shuffled else rows, made[name], label_name)
        train, test = (found["parts"][part] for part in ("train", "test"))
        job.log.info("%s: %d training rows, %d of the test", name, train["rows"], test["rows"])
        tables.write(made[name], work.write("splits", number), assignment.COLUMNS)
        work.write_json("audits", {"protocol": label_name, "cross": None, **found}, number)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
