"""Rule perturbed_faces: perturb the clips of a batch that are in the test, and cut their faces."""

from collections.abc import Iterable

from deepfake.core import archive, job, tables
from deepfake.core.progress import Progress
from deepfake.features import row_order
from deepfake.preprocessing import face_record, faces, frames, perturb, sampling
from deepfake.preprocessing.detector import Detector
from deepfake.preprocessing.perturbations import registry
from deepfake.splits.parts import rows_of

COLUMNS = ("perturbation", "strength", *face_record.COLUMNS)


def main(work: job.Job) -> None:
    """Perturb the clips of a batch that are in the test, and cut their faces."""
    params, sampled = work.params, work.params["frames"]
    settings = dict(params["faces"])
    detector = Detector(settings.pop("thresholds"))
    indices = sampling.wanted(sampled["every"], sampled["per_video"], sampled["span"])
    requested = registry.requested(params["robustness"])
    tested = _tested(row_order.read(work.read("rows")), map(tables.read, work.input["splits"]))
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
            for (name, strength), clip in perturb.clips(
                video["path"], indices, requested, decoder, sampled["timeout"],
                (sampled["format"], sampled["jpeg_quality"]),
            ):  # fmt: skip
                if clip.reason:
                    job.log.warning("%s, %s %g: %s", video["path"], name, strength, clip.reason)
                facts = {"perturbation": name, "strength": float(strength), "fps": clip.fps}
                cut = faces.cut_video(
                    video["video_id"], clip.frames, clip.reason, detector, hashes=False, **settings
                )
                rows += [row | facts for row in faces.stored(cut, crops, pixels)]
            progress.step()
    tables.write(rows, work.write("table"), COLUMNS)


def _tested(rows: tables.Table, splits: Iterable[tables.Table]) -> set[str]:
    """The videos that have a row in the test of some split."""
    return {video for split in splits for video in rows_of(rows, split, "test").column("video_id")}


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
