"""Rule copies: cut the faces of a batch again out of perturbed copies of its clips."""

from deepfake.core import archive, job, tables
from deepfake.core.progress import Progress
from deepfake.preprocessing import copies, face_record, faces, frames, perturb, sampling
from deepfake.preprocessing.perturbations import registry

COLUMNS = ("copy", *face_record.COLUMNS)


def main(work: job.Job) -> None:
    """Cut the faces of a batch again out of perturbed copies of its clips."""
    params, sampled, settings = work.params, work.params["frames"], work.params["faces"]
    crop = {name: settings[name] for name in ("size", "margin", "resize", "jpeg_quality")}
    indices = sampling.wanted(sampled["every"], sampled["per_video"], sampled["span"])
    wanted = registry.requested(params["copies"])
    kept: dict[str, list[dict]] = {}
    for record in tables.read(work.read("table")):
        if record["status"] == "kept":
            kept.setdefault(record["video_id"], []).append(record)
    videos = [video for video in params["videos"] if video["video_id"] in kept]
    progress = Progress(len(videos), "videos")
    rows, size = [], settings["size"]
    with (
        archive.Writer(work.write("crops")) as crops,
        archive.Stack(work.write("faces"), (size, size, 3)) as pixels,
        frames.Decoder(timeout=sampled["timeout"]) as decoder,
    ):
        for video in videos:
            own = registry.drawn(
                wanted, video["clip"], params["copies"]["per_face"], params["seed"]
            )
            for requested, clip in perturb.clips(
                video["path"], indices, own, decoder, sampled["timeout"],
                (sampled["format"], sampled["jpeg_quality"]),
            ):  # fmt: skip
                if clip.reason:
                    name = copies.name_of(requested)
                    job.log.warning("%s, %s: %s", video["path"], name, clip.reason)
                made = copies.cut(kept[video["video_id"]], requested, clip, **crop)
                rows += faces.stored(made, crops, pixels)
            progress.step()
    tables.write(rows, work.write("table"), COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
