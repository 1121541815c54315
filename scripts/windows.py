"""Rule windows: follow the face in each video of a batch, and correlate its movements."""

import numpy as np

from deepfake.core import job, tables
from deepfake.core.progress import Progress
from deepfake.person import following, mesh, mesh_file, record, signals, stream
from deepfake.preprocessing.detector import Detector


def main(work: job.Job) -> None:
    """Follow the face in each video of a batch, and correlate its movements."""
    videos = work.params["videos"]
    face_mesh = mesh.FaceMesh(mesh_file.find())
    detector = Detector(following.THRESHOLDS)
    progress = Progress(len(videos), "videos")
    followed, starts, rows = [], [], [np.empty((0, len(signals.PAIRS)), np.float32)]
    with stream.Stream() as decoder:
        for video in videos:
            ending = stream.Ending()
            pictures = decoder.pictures(video["path"], ending)
            found = following.Follower(detector, face_mesh).follow(pictures)
            row, its_starts, correlations = record.of_video(video["video_id"], found, ending)
            followed.append(row)
            starts += its_starts
            rows.append(correlations)
            if why := "; ".join(filter(None, (row["reason"], row["note"]))):
                job.log.info("%s: %s", video["path"], why)
            progress.step()
    tables.write(followed, work.write("followed"), record.FOLLOWED)
    tables.write(starts, work.write("starts"), record.STARTS)
    with open(work.write("correlations"), "wb") as file:
        np.save(file, np.concatenate(rows), allow_pickle=False)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
