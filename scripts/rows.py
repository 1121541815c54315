"""Rule rows: order the faces of all batches; one table of rows for every feature set."""

from deepfake.core import job, tables
from deepfake.dataset import sheet
from deepfake.features import matrix, row_order
from deepfake.preprocessing.face_record import COLUMNS


def main(work: job.Job) -> None:
    """Order the faces of all batches; one table of rows for every feature set."""
    videos = {v["video_id"]: v for v in sheet.read(work.read("sheet"), check_files=False)}
    rows, records = row_order.collect(work.input["tables"], videos, work.input.get("copies", []))
    if not rows:
        raise matrix.MatrixError("no face was kept, so there is nothing to learn from")
    tables.write(records, work.write("records"), ("label", "group_id", "copy", *COLUMNS))
    tables.write(rows, work.write("rows"), row_order.ROW_COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
