"""Rule classify_batch: score a batch's faces with a bundle, and give each video its verdict."""

import json
from pathlib import Path

import numpy as np

from deepfake.core import archive, job, tables
from deepfake.features import extraction
from deepfake.features import registry as features
from deepfake.inference import bundle, bundle_json, classify, verdict_json
from deepfake.preprocessing import frame_record
from deepfake.report import pages, person, verdict


def main(work: job.Job) -> None:
    """Score the faces of a batch with a bundle, and give each video its verdict."""
    params = work.params
    fitted, record = bundle.load(params["bundle"])
    record["sha256"] = bundle.sha256(Path(params["bundle"], bundle_json.FILE))
    pixels = np.load(work.read("faces"), allow_pickle=False)
    records = tables.read(work.read("table"))
    name = record["features"]["name"]
    vectors = (
        pixels if name == features.PIXELS else extraction.extract(name, records, work.read("crops"))
    )
    rows = classify.frame_scores(records, vectors, fitted)
    sampled = _by_video(tables.read(work.read("frames")), "video_id")
    previews = _previews(sampled, work.read("previews"))
    answers, movements = (
        _by_video(
            [row for path in work.input.get(f"person_{kind}", []) for row in tables.read(path)]
        )
        for kind in ("answers", "scores")
    )
    folder = work.folder("pages")
    verdicts, tracks, described = [], [], []
    for video, its_rows in _by_video(rows).items():
        found, each = classify.verdict(its_rows, record, params["prior"])
        found["sampled"], found["seen"], decoded = classify.sampled(
            sampled[video], record["preprocessing"], params["decoder"]
        )
        found["note"] = "; ".join(filter(None, (found["note"], decoded)))
        cut: dict[int, list[int]] = {}
        for r in records:
            if r["video_id"] == video and r["crop_row"]:
                cut.setdefault(int(r["face"]), []).append(int(r["crop_row"]))
        page = f"{pages.slug(video)}.html"
        shown = {face: verdict.looks(fitted, pixels[places], name) for face, places in cut.items()}
        moved = [person.section(one, movements.get(video, [])) for one in answers.get(video, [])]
        verdict.write(folder / page, found, each, its_rows, record, previews[video], shown, *moved)
        file = json.loads(sampled[video][0]["file"] or "null")
        described.append(verdict_json.text(verdict_json.of(found, each, file, record)))
        verdicts.append(found | {"page": f"pages/{params['batch']}/{page}"})
        tracks += each
    tables.write(rows, work.write("scores"), classify.SCORE_COLUMNS)
    tables.write(tracks, work.write("tracks"), classify.TRACK_COLUMNS)
    tables.write(verdicts, work.write("verdicts"), classify.COLUMNS)
    work.write_text("described", "".join(described))


def _by_video(rows: list[dict], key: str = "video") -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _previews(sampled: dict[str, list[dict]], tar: str) -> dict[str, dict[int, tuple[int, bytes]]]:
    """Width of the whole frame and its preview, by video and frame.

    Args:
        sampled: rows of the frames' table by video. tar: archive of the previews.
    """
    found: dict[str, dict[int, tuple[int, bytes]]] = {video: {} for video in sampled}
    pictures = dict(archive.members(tar))
    for video, rows in sampled.items():
        for row in rows:
            if row["frame"] and (name := frame_record.preview(row["member"])) in pictures:
                found[video][int(row["frame"])] = int(row["width"]), pictures[name]
    return found


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
