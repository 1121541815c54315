"""Rule classify_batch: score a batch's faces with a bundle; say fake, real or undecided."""

import numpy as np

from deepfake import archive, bundle, classify, features, job, tables
from deepfake.features import crops
from deepfake.report import pages, verdict


def main(work: job.Job) -> None:
    """Score the faces of a batch with a bundle, and say fake, real or undecided."""
    params = work.params
    fitted, record = bundle.load(params["bundle"])
    pixels = np.load(work.read("faces"), allow_pickle=False)
    records = tables.read(work.read("table"))
    sees = record["features"]["name"]
    seen = pixels if sees == features.PIXELS else crops.extract(sees, records, work.read("crops"))
    rows = classify.frame_scores(records, seen, fitted)
    previews = _previews(work)
    folder = work.folder("pages")
    verdicts = []
    for number, (video, mine) in enumerate(_by_video(rows).items()):
        found = classify.verdict(mine, record, params["prior"], params["undecided"])
        mine_cut = [r["crop"] for r in records if r["video_id"] == video and r["crop"]]
        faces = pixels[[int(crop.split(".")[0]) for crop in mine_cut]]
        page = f"{pages.slug(video)}.html"
        shown = verdict.looks(fitted, faces, sees)
        verdict.write(
            folder / page, found, mine, record, previews.get(number, {}), shown, params["undecided"]
        )
        verdicts.append(found | {"page": f"pages/{params['batch']}/{page}"})
    tables.write(rows, work.write("scores"), classify.SCORE_COLUMNS)
    tables.write(verdicts, work.write("verdicts"), classify.COLUMNS)


def _by_video(rows: list[dict]) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for row in rows:
        found.setdefault(row["video"], []).append(row)
    return found


def _previews(work: job.Job) -> dict[int, dict[int, tuple[int, bytes]]]:
    """Width of the whole frame and its preview, by the video's number in the batch and frame."""
    table = tables.read(work.read("frames"))
    videos = list(dict.fromkeys(row["video_id"] for row in table))
    width = {row["video_id"]: int(row["width"]) for row in table}
    found: dict[int, dict[int, tuple[int, bytes]]] = {}
    for name, data in archive.members(work.read("previews")):
        number, index = (int(part) for part in name.removesuffix(".jpg").split("/"))
        found.setdefault(number, {})[index] = width[videos[number]], data
    return found


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
