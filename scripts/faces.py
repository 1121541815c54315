"""Rule faces: find and cut out the face of each frame of a batch."""

from deepfake.core import archive, job, tables
from deepfake.core.progress import Progress
from deepfake.preprocessing import face_record, faces, frame_record
from deepfake.preprocessing.detector import Detector


def main(work: job.Job) -> None:
    """Find and cut out the face of each frame of a batch."""
    settings = dict(work.params["faces"]) | {"hashes": work.params.get("hashes", True)}
    detector = Detector(settings.pop("thresholds"))
    table = tables.read(work.read("table"))
    fps = {row["video_id"]: row["fps"] for row in table}
    progress = Progress(len({row["video_id"] for row in table}), "videos")
    rows, size = [], settings["size"]
    with (
        archive.Writer(work.write("crops")) as crops,
        archive.Stack(work.write("faces"), (size, size, 3)) as pixels,
    ):
        for video in frame_record.by_video(table, work.read("frames")):
            cut = faces.cut_video(*video, detector, **settings)
            rate = {"fps": fps[video[0]]}
            rows += [row | rate for row in faces.stored(cut, crops, pixels)]
            progress.step()
    tables.write(rows, work.write("table"), face_record.COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
