"""Rule robustness_scores: score the perturbed clips of the test with a bundle."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepfake import archive, bundle, evaluate, job, ledger, models, robustness, tables
from deepfake.matrix import Faces

AT_ONCE = 1024  # faces that are scored at once
READ = 64  # that are read at once


def main(work: job.Job) -> None:
    """Score the perturbed clips of the test with a bundle."""
    asked = work.params["evaluation"]
    fitted, facts = bundle.load(Path(work.read("bundle")).parent)
    record = json.loads(Path(work.read("metrics")).read_text(encoding="utf-8"))
    before = {unit: tables.read(work.read(unit)) for unit in robustness.UNITS}
    numbers = {row["row"] for row in before["frames"]}
    test = [row for row in tables.read(work.read("rows")) if row["row"] in numbers]
    records = robustness.matched(map(tables.read, work.input["tables"]), test)
    scores = np.concatenate(
        [models.decide(fitted, faces) for faces in _faces(records, work.input["vectors"])]
    )
    found = robustness.scored([one for batch in records for one in batch], scores)
    protocol = f"{record['protocol']}, perturbed"  # no use of the test as it is
    ledger.add(
        work.params["ledger"],
        {
            "run": facts["training"]["run"],
            "protocol": protocol,
            "test": ledger.test_of(protocol, (row["video_id"] for row in test)),
            "rows": len(scores),
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
        row | {"perturbation": kind, "strength": strength}
        for (kind, strength), mine in found.items()
        for row in evaluate.frame_table(
            mine, [row["score"] for row in mine], record["frames"]["threshold"]
        )
    ]
    tables.write(rows, work.write("scores"), robustness.FRAME_COLUMNS)


def _faces(records: list[list[robustness.Matched]], files: list[str]) -> Iterator[Faces]:
    """The faces that are to be scored, in order, about AT_ONCE at a time, of whatever batches."""
    waiting: list[np.ndarray] = []
    for batch, file in zip(records, files, strict=True):
        chosen = np.array([one.crop for one in batch if one.row is not None], int)
        first = 0
        for part in archive.parts(file, READ):
            inside = chosen[(first <= chosen) & (chosen < first + len(part))]
            waiting.append(part[inside - first])
            first += len(part)
            if sum(map(len, waiting)) >= AT_ONCE:
                yield _together(waiting)
    if sum(map(len, waiting)):
        yield _together(waiting)


def _together(waiting: list[np.ndarray]) -> Faces:
    """Faces of several parts, which are let go."""
    faces = Faces(np.concatenate(waiting))
    waiting.clear()
    return faces


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
