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
            for row, face, surroundings in faces.cut_video(*video, detector, **settings):
                if face is not None:
                    row["crop"] = f"{len(pixels):06d}.png"
                    crops.add(row["crop"], surroundings)
                    pixels.add(face)
                rows.append(row | {"fps": fps[row["video_id"]]})
            progress.step()
    tables.write(rows, work.write("table"), faces.COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
