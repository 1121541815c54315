"""Rule frames: extract the sampled frames of a batch of videos."""

import json

from deepfake.core import archive, job, tables
from deepfake.core.progress import Progress
from deepfake.preprocessing import decoding, frame_record, frames, sampling


def main(work: job.Job) -> None:
    """Extract the sampled frames of a batch of videos."""
    settings, videos = work.params["frames"], work.params["videos"]
    indices = sampling.wanted(settings["every"], settings["per_video"], settings["span"])
    extension = decoding.EXTENSION[settings["format"]]
    progress = Progress(len(videos), "videos")
    rows = []
    with (
        archive.Writer(work.write("frames")) as pictures,
        frames.Decoder(
            settings["format"], settings["jpeg_quality"], settings["timeout"]
        ) as decoder,
    ):
        for number, video in enumerate(videos):
            clip = decoder.read(video["path"], indices)
            facts = {"video_id": video["video_id"], "fps": clip.fps}
            facts |= {"width": clip.width, "height": clip.height}
            facts |= {"seconds": clip.seconds, "note": "; ".join(clip.notes)}
            facts |= {"file": json.dumps(clip.file) if clip.file else ""}
            for index, data in clip.frames.items():
                member = frame_record.member(number, index, extension)
                pictures.add(member, data)
                rows.append(facts | {"frame": index, "member": member, "time": clip.times[index]})
            if clip.notes:
                job.log.info("%s: %s", video["path"], "; ".join(clip.notes))
            if clip.reason:
                job.log.warning("%s: %s", video["path"], clip.reason)
                rows.append(facts | {"reason": clip.reason})
            progress.step()
    tables.write(rows, work.write("table"), frame_record.COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
