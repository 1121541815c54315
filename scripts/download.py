"""Rule download_part: run the user's own download script for one subset and compression."""

from deepfake.core import job
from deepfake.dataset import download


def main(work: job.Job) -> None:
    """Run the user's own download script for one subset and compression."""
    settings = download.Download(**work.params["download"])
    if reasons := download.problems(settings):
        raise ValueError("; ".join(reasons))
    (subset,), (compression,) = settings.datasets, settings.compressions
    whole = download.clips(settings, subset)
    there = download.fetch(settings, subset, compression)
    if settings.type == "videos" and there < whole:
        job.log.warning("partial: %s in %s: %d of %d clips", subset, compression, there, whole)
    facts = {"subset": subset, "compression": compression, "files": there}
    work.write_json("marker", facts)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
