"""Rule previews: shrink the sampled frames of a batch, to be shown on the verdicts' pages."""

from deepfake import archive, faces, job, previews, tables


def main(work: job.Job) -> None:
    """Shrink the sampled frames of a batch, to be shown on the verdicts' pages."""
    videos = faces.by_video(tables.read(work.read("table")), archive.members(work.read("frames")))
    with archive.Writer(work.write("previews")) as pictures:
        for number, (_, frames, _) in enumerate(videos):
            for index in previews.chosen(sorted(frames)):
                pictures.add(f"{number:05d}/{index:07d}.jpg", previews.shrunk(frames[index]))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
