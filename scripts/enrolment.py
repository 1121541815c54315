"""Rule enrolment: learn a person's model, and measure its errors."""

import numpy as np

from deepfake.core import job, tables
from deepfake.person import bundle, enrolment, model, record, signals
from deepfake.report import person


def main(work: job.Job) -> None:
    """Learn a person's model from the windows of all batches, and measure its errors."""
    name = work.params["person"]
    own, own_videos, own_starts = _windows(work, "own")
    others, others_videos, others_starts = _windows(work, "others")
    kept = model.spread(len(own))
    own, own_videos, own_starts = own[kept], own_videos[kept], own_starts[kept]
    try:
        held_out = model.held_out_scores(own, own_videos)
    except model.TooFewVideos as error:
        tables_of_videos = ", ".join(work.input["own_followed"])
        raise model.TooFewVideos(f"{name}: {error}; reasons: {tables_of_videos}") from None
    fitted = model.fit(own, own_videos)
    accepted = fitted.scores(others)
    known = enrolment.measured(held_out, own_videos, accepted, others_videos)
    files = {name: work.write(name) for name in ("record", *bundle.ARRAYS)}
    bundle.save(fitted, name, known, files)
    sides = (
        (enrolment.PERSON, held_out, own_videos, own_starts, "own"),
        (enrolment.OTHER, accepted, others_videos, others_starts, "others"),
    )
    windows, videos = [], []
    for of, scores, names, starts, side in sides:
        windows += [
            {"video": video, "of": of, "start": start, "score": float(score)}
            for video, start, score in zip(names, starts, scores, strict=True)
        ]
        median = enrolment.by_video(scores, names)
        videos += [
            {"video": row["video_id"], "of": of, "score": median.get(row["video_id"], "")} | row
            for row in _tables(work, f"{side}_followed")
        ]
    videos += [
        {"video": path, "of": of, "windows": 0, "reason": why}
        for path, why, of in work.params["unread"]
    ]
    videos.sort(key=lambda row: (row["of"] != enrolment.PERSON, row["video"]))
    tables.write(windows, work.write("windows"), enrolment.WINDOW_COLUMNS)
    tables.write(videos, work.write("videos"), enrolment.VIDEO_COLUMNS)
    person.write_enrolment(work.write("page"), name, known, fitted, windows, videos)
    work.write_text("text", enrolment.text(name, known))


def _windows(work: job.Job, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlations (n, 190), and video and start of each, in order, of all batches of a side."""
    paths = work.input.get(f"{side}_correlations", [])
    rows = [np.load(path, allow_pickle=False) for path in paths]
    starts = _tables(work, f"{side}_starts")
    names, times = ([row[column] for row in starts] for column in record.STARTS)
    none = np.empty((0, len(signals.PAIRS)), np.float32)
    order = sorted(range(len(starts)), key=lambda row: (names[row], float(times[row])))
    return np.concatenate([none, *rows])[order], np.array(names)[order], np.array(times)[order]


def _tables(work: job.Job, name: str) -> list[tables.Row]:
    return [row for path in work.input.get(name, []) for row in tables.read(path)]


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
