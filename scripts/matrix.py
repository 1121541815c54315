"""Rule matrix: gather the faces of all batches into one matrix and the table of its rows."""

from deepfake import job, losses, matrix, sheet, tables
from deepfake.faces import COLUMNS


def main(work: job.Job) -> None:
    """Gather the faces of all batches into one matrix and the table of its rows."""
    videos = {v["video_id"]: v for v in sheet.read(work.read("sheet"), check_files=False)}
    batches = list(zip(work.input["tables"], work.input["faces"], strict=True))
    rows, sources, records = matrix.collect(batches, videos)
    for line in losses.lines(records):
        job.log.info(line)
    tables.write(records, work.write("records"), ("label", "group_id", *COLUMNS))
    tables.write(rows, work.write("rows"), matrix.ROW_COLUMNS)
    matrix.gather(sources, work.write("matrix"))


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
