"""Rule robustness_scores: score the perturbed clips of the test with a bundle."""

import json
from pathlib import Path

from deepfake import archive, bundle, evaluate, job, ledger, models, robustness, tables
from deepfake.matrix import Faces

AT_ONCE = 1024  # faces that are scored at once


def main(work: job.Job) -> None:
    """Score the perturbed clips of the test with a bundle."""
    asked = work.params["evaluation"]
    fitted, facts = bundle.load(Path(work.read("bundle")).parent)
    record = json.loads(Path(work.read("metrics")).read_text(encoding="utf-8"))
    before = {unit: tables.read(work.read(unit)) for unit in robustness.UNITS}
    numbers = {row["row"] for row in before["frames"]}
    test = [row for row in tables.read(work.read("rows")) if row["row"] in numbers]
    records, values = [], []
    for table, vectors in zip(work.input["tables"], work.input["vectors"], strict=True):
        records += tables.read(table)
        for part in archive.parts(vectors, AT_ONCE):
            values += models.decide(fitted, Faces(part)).tolist()
    found = robustness.scored(records, values, test)
    protocol = record["protocol"]
    ledger.add(
        work.params["ledger"],
        {
            "run": facts["training"]["run"],
            "protocol": protocol,
            "test": ledger.test_of(protocol, (row["video_id"] for row in test)),
            "rows": sum(map(len, found.values())),
            "features": record["features"]["name"],
            "model": fitted.model,
            "candidate": json.dumps(fitted.candidate, sort_keys=True),
            "code": ledger.code_of(work.params["code"]),
        },
    )
    how = {"level": asked["level"], "count": asked["resamples"], "seed": work.params["seed"]}
    judged = robustness.judge(found, before, record, facts["calibration"], **how)
    text = json.dumps(record | {"perturbations": judged}, indent=1)
    Path(work.write("judged")).write_text(text + "\n", encoding="utf-8")
    rows = [
        row | {"perturbation": kind, "strength": f"{strength:g}"}
        for (kind, strength), mine in found.items()
        for row in evaluate.frame_table(
            mine, [row["score"] for row in mine], record["frames"]["threshold"]
        )
    ]
    tables.write(rows, work.write("scores"), robustness.FRAME_COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
