"""Rule robustness_scores: score the perturbed clips of the test with a bundle."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepfake.core import archive, job, tables
from deepfake.evaluation import ledger, robustness, scoring
from deepfake.features.matrix import InMemoryMatrix
from deepfake.inference import bundle
from deepfake.models import registry as models

AT_ONCE = 1024  # faces that are scored at once
READ = 64  # that are read at once


def main(work: job.Job) -> None:
    """Score the perturbed clips of the test with a bundle."""
    fitted, facts = bundle.load(Path(work.read("bundle")).parent)
    record = work.read_json("metrics")
    before = {unit: tables.read(work.read(unit)) for unit in robustness.UNITS}
    numbers = {row["row"] for row in before["frames"]}
    test = [row for row in tables.read(work.read("rows")) if row["row"] in numbers]
    records = robustness.matched(map(tables.read, work.input["tables"]), test)
    scores = _scores(fitted, records, work.input["vectors"])
    scored = robustness.scored([one for batch in records for one in batch], scores)
    protocol = f"{record['protocol']}, perturbed"  # no use of the test as it is
    ledger.add(
        work.params["ledger"],
        run=facts["training"]["run"],
        protocol=protocol,
        videos=(row["video_id"] for row in test),
        rows=len(scores),
        features=record["features"]["name"],
        model=fitted.model,
        candidate=fitted.candidate,
        code=work.params["code"],
    )
    level = work.params["evaluation"]["level"]
    judged = robustness.compare(scored, before, record, facts["calibration"], level=level)
    work.write_json("judged", record | {"perturbations": judged})
    rows = [
        row | {"perturbation": name, "strength": strength}
        for (name, strength), faces in scored.items()
        for row in scoring.frame_table(
            faces, [row["score"] for row in faces], record["frames"]["threshold"]
        )
    ]
    tables.write(rows, work.write("scores"), robustness.FRAME_COLUMNS)


def _scores(
    fitted: models.Fitted, records: list[list[robustness.Matched]], files: list[str]
) -> np.ndarray:
    """Score of each record that has a row, float64, in the order of the records.

    Args:
        records: of each batch. files: of each batch, the vectors; joined by `Matched.crop`.
    """
    wanted = [
        (number, one.crop)
        for number, batch in enumerate(records)
        for one in batch
        if one.row is not None
    ]
    scores = np.empty(len(wanted))
    if parts := [models.decide(fitted, faces) for faces in _faces(records, files)]:
        in_files = sorted(range(len(wanted)), key=wanted.__getitem__)
        scores[in_files] = np.concatenate(parts)
    return scores


def _faces(records: list[list[robustness.Matched]], files: list[str]) -> Iterator[InMemoryMatrix]:
    """The faces that are to be scored, about AT_ONCE at a time, in the order of the files."""
    waiting: list[np.ndarray] = []
    for batch, file in zip(records, files, strict=True):
        chosen = np.sort(np.array([one.crop for one in batch if one.row is not None], int))
        first = 0
        for part in archive.parts(file, READ):
            inside = chosen[(first <= chosen) & (chosen < first + len(part))]
            waiting.append(part[inside - first])
            first += len(part)
            if sum(map(len, waiting)) >= AT_ONCE:
                yield _together(waiting)
        if len(chosen) and chosen[-1] >= first:
            raise ValueError(
                f"{file}: has no row {chosen[-1]}, which its table names; remove both and run again"
            )
    if sum(map(len, waiting)):
        yield _together(waiting)


def _together(waiting: list[np.ndarray]) -> InMemoryMatrix:
    """Faces of several parts, which are let go."""
    faces = InMemoryMatrix(np.concatenate(waiting))
    waiting.clear()
    return faces


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
