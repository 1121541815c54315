"""Rule calibration_rows: order the faces of the calibration sheet (verdict.calibrate_on)."""

from deepfake.core import job, tables
from deepfake.dataset import sheet
from deepfake.features import row_order
from deepfake.splits import calibration_sheet


def main(work: job.Job) -> None:
    """Order the faces of the calibration sheet, and check that the run has none of them."""
    path = work.read("sheet")
    videos = {video["video_id"]: video for video in sheet.read(path, check_files=False)}
    rows, _ = row_order.collect(work.input["tables"], videos)
    calibration_sheet.check(path, rows, tables.read(work.read("rows"), ("digest",)))
    tables.write(rows, work.write("rows"), row_order.ROW_COLUMNS)


if __name__ == "__main__":
    job.run(main, globals().get("snakemake"))
