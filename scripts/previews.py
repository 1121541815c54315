"""Rule previews: shrink the sampled frames of a batch, for the pages of the verdicts."""

from deepfake.core import archive, job, tables
from deepfake.preprocessing import frame_record, thumbnails


def main(work: job.Job) -> None:
    """Shrink the sampled frames of a batch, to be shown on the verdicts' pages."""
    rows = tables.read(work.read("table"))
    member = {(row["video_id"], int(row["frame"])): row["member"] for row in rows if row["frame"]}
    with archive.Writer(work.write("previews")) as pictures:
        for video_id, frames, _ in frame_record.by_video(rows, work.read("frames")):
            for index in thumbnails.chosen(sorted(frames)):
                name = frame_record.preview(member[video_id, index])
                pictures.add(name, thumbnails.shrunk(frames[index]))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
