"""Rule person_scores: what a person's model says of the windows of a batch."""

import numpy as np

from deepfake.core import job, tables
from deepfake.person import answers, bundle, windows


def main(work: job.Job) -> None:
    """Score the windows of a batch by a person's model."""
    fitted, described = bundle.load(work.params["folder"])
    starts = tables.read(work.read("starts"))
    scores = fitted.scores(np.load(work.read("correlations"), allow_pickle=False))
    found: dict[str, list[float]] = {}
    rows = []
    for row, score in zip(starts, scores.tolist(), strict=True):
        found.setdefault(row["video_id"], []).append(score)
        start = float(row["start"])
        times = {"start": start, "end": start + windows.SECONDS}
        rows.append(
            {"video": row["video_id"], "person": described["person"], "score": score} | times
        )
    answered = [
        answers.answer(row, found.get(row["video_id"], []), described["person"])
        for row in tables.read(work.read("followed"))
    ]
    tables.write(rows, work.write("scores"), answers.SCORES)
    tables.write(answered, work.write("answers"), answers.ANSWERS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
