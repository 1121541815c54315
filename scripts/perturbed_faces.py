"""Rule perturbed_faces: perturb the clips of a batch that are in the test, and cut their faces."""

from deepfake import archive, faces, frames, job, perturb, tables
from deepfake.detector import Detector
from deepfake.progress import Progress

COLUMNS = ("perturbation", "strength", *faces.COLUMNS)


def main(work: job.Job) -> None:
    """Perturb the clips of a batch that are in the test, and cut their faces."""
    params, sampled = work.params, work.params["frames"]
    settings = dict(params["faces"])
    detector = Detector(settings.pop("thresholds"))
    indices = frames.wanted(sampled["every"], sampled["per_video"], sampled["span"])
    perturbations = perturb.wanted(params["robustness"])
    tested = _tested(tables.read(work.read("rows")), map(tables.read, work.input["splits"]))
    videos = [video for video in params["videos"] if video["video_id"] in tested]
    job.log.info("%d of %d videos are in the test", len(videos), len(params["videos"]))
    progress = Progress(len(videos), "videos")
    rows, size = [], settings["size"]
    with (
        archive.Writer(work.write("crops")) as crops,
        archive.Stack(work.write("faces"), (size, size, 3)) as pixels,
        frames.Decoder(timeout=sampled["timeout"]) as decoder,
    ):
        for video in videos:
            for (kind, strength), clip in perturb.clips(
                video["path"], indices, perturbations, decoder, sampled["timeout"],
                (sampled["format"], sampled["jpeg_quality"]),
            ):  # fmt: skip
                if clip.reason:
                    job.log.warning("%s, %s %g: %s", video["path"], kind, strength, clip.reason)
                facts = {"perturbation": kind, "strength": float(strength), "fps": clip.fps}
                cut = faces.cut_video(
                    video["video_id"], clip.frames, clip.reason, detector, **settings
                )
                rows += [row | facts for row in faces.stored(cut, crops, pixels)]
            progress.step()
    tables.write(rows, work.write("table"), COLUMNS)


def _tested(rows: list[dict], splits) -> set[str]:
    """The videos that have a row in the test of some split."""
    return {
        row["video_id"]
        for split in splits
        for row, cut in zip(rows, split, strict=True)
        if cut["part"] == "test"
    }


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
