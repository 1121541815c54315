"""Rule rows: order the faces of all batches; one table of rows for every feature set."""

from deepfake import job, losses, matrix, sheet, tables
from deepfake.faces import COLUMNS


def main(work: job.Job) -> None:
    """Order the faces of all batches; one table of rows for every feature set."""
    videos = {v["video_id"]: v for v in sheet.read(work.read("sheet"), check_files=False)}
    rows, records = matrix.collect(work.input["tables"], videos)
    for line in losses.lines(records):
        job.log.info(line)
    if not rows:
        raise matrix.MatrixError("no face was kept, so there is nothing to learn from")
    tables.write(records, work.write("records"), ("label", "group_id", *COLUMNS))
    tables.write(rows, work.write("rows"), matrix.ROW_COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
