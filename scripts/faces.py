"""Rule faces: find and cut out the face of each frame of a batch."""

from deepfake import archive, faces, job, tables
from deepfake.detector import Detector
from deepfake.progress import Progress


def main(work: job.Job) -> None:
    """Find and cut out the face of each frame of a batch."""
    settings = dict(work.params["faces"])
    detector = Detector(settings.pop("thresholds"))
    table = tables.read(work.read("table"))
    fps = {row["video_id"]: row["fps"] for row in table}
    progress = Progress(len({row["video_id"] for row in table}), "videos")
    rows, size = [], settings["size"]
    with (
        archive.Writer(work.write("crops")) as crops,
        archive.Stack(work.write("faces"), (size, size, 3)) as pixels,
    ):
        for video in faces.by_video(table, archive.members(work.read("frames"))):
            cut = faces.cut_video(*video, detector, **settings)
            told = {"fps": fps[video[0]]}
            rows += [row | told for row in faces.stored(cut, crops, pixels)]
            progress.step()
    tables.write(rows, work.write("table"), faces.COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
