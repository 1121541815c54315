"""Rule frames: take the sampled frames out of a batch of videos."""

from deepfake import archive, frames, job, tables
from deepfake.progress import Progress

COLUMNS = ("video_id", "frame", "reason", "width", "height", "fps")


def main(work: job.Job) -> None:
    """Take the sampled frames out of a batch of videos."""
    settings, videos = work.params["frames"], work.params["videos"]
    indices = frames.wanted(settings["every"], settings["per_video"], settings["span"])
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
            for index, data in clip.frames.items():
                name = f"{number:05d}/{index:07d}{frames.EXTENSION[settings['format']]}"
                pictures.add(name, data)
                rows.append(facts | {"frame": index})
            if clip.reason:
                job.log.warning("%s: %s", video["path"], clip.reason)
                rows.append(facts | {"reason": clip.reason})
            progress.step()
    tables.write(rows, work.write("table"), COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
