"""The original's data set, made up: its sheet, and its faces as the faces jobs would leave them."""

import json
import shutil
import sys
from pathlib import Path

import measure  # noqa: F401  finds the library
import numpy as np
import pictures

from deepfake.core import tables
from deepfake.dataset import sheet
from deepfake.preprocessing import face_record
from deepfake.workflow import published_results

CLIPS_PER_JOB = 50
LOST = 16  # of the original's 14,000 frames, all of them fake


def prepare(folder: Path, rows: int, size: int, run: str) -> Path:
    """Write what is not there yet: the sheet, empty videos, and each batch's faces of a run.

    The rows are those of so many clips, half of them fake, less the frames that are lost.

    Returns:
        The sheet.
    """
    _check(folder, rows, size)
    pairs = -(-(rows + LOST * rows // published_results.ROWS) // (2 * pictures.FRAMES))
    lost = 2 * pairs * pictures.FRAMES - rows  # the last frame of so many fakes
    videos = [_video(folder, number, pairs) for number in range(2 * pairs)]
    table = folder / "videos.tsv"
    if not table.exists():
        (folder / "videos").mkdir(exist_ok=True)
        for video in videos:
            Path(video["path"]).touch()
        sheet.write(videos, table)
    place = folder / "results" / run / "faces"
    place.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(videos), CLIPS_PER_JOB):
        batch = videos[first : first + CLIPS_PER_JOB]
        kept = [
            pictures.FRAMES - (video["label"] == "fake" and number // 2 < lost)
            for number, video in enumerate(batch, start=first)
        ]
        _write_batch(batch, kept, first, size, place / batch[0]["batch"])
    return table


def _check(folder: Path, rows: int, size: int) -> None:
    """Refuse a folder that holds other sizes, or has no room."""
    made, requested = folder / "made.json", {"rows": rows, "size": size}
    if made.exists():
        if json.loads(made.read_text(encoding="utf-8")) != requested:
            sys.exit(f"{folder}: holds other sizes ({made}); choose another --folder or delete it")
        return
    # faces, matrix, two machines with most rows as support vectors; three Gram matrices
    needed = 4 * rows * size * size * 3 + 3 * 8 * rows**2 + 2**30
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        sys.exit(
            f"{folder}: needs {needed / 2**30:.0f} GiB, and {free / 2**30:.0f} GiB are free; "
            "choose another --folder"
        )
    made.write_text(json.dumps(requested) + "\n", encoding="utf-8")


def _video(folder: Path, number: int, pairs: int) -> dict[str, str]:
    """A row of the sheet. Fake and real in turn; each fake shows the next one's face."""
    pair, real = divmod(number, 2)
    other = (pair + 1) % pairs
    name = f"{pair:04}" if real else f"{pair:04}_{other:04}"
    return {
        "video_id": name,
        "path": str(folder / "videos" / f"{name}.mp4"),
        "label": "real" if real else "fake",
        "dataset": "made-up",
        "method": "" if real else "swap",
        "target_id": f"{pair:04}",
        "source_id": "" if real else f"{other:04}",
        "clip_id": name,
        "batch": f"b{number // CLIPS_PER_JOB:03}",
    }


def _write_batch(batch: list[dict], kept: list[int], first: int, size: int, path: Path) -> None:
    """The faces and the table of a batch, a clip in memory at a time."""
    array, table = path.with_suffix(".npy"), path.with_suffix(".tsv")
    if table.exists():  # written last
        return
    shape = (sum(kept), size, size, 3)
    rows, crop = [], 0
    with open(array, "wb") as out:
        described = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(out, described)
        for number, (video, count) in enumerate(zip(batch, kept, strict=True), start=first):
            out.write(pictures.clip(number, video["label"] == "fake", size)[:count].tobytes())
            for frame in range(pictures.FRAMES):
                row = {"video_id": video["video_id"], "frame": 30 * frame, "face": 0, "fps": 25.0}
                if frame < count:
                    facts = {"x": 0, "y": 0, "width": 200, "height": 200}
                    facts |= {"sharpness": 100.0, "noise": 1.0}
                    row |= facts | {"confidence": 1.0, "found": 1, "status": "kept"}
                    row["crop_row"] = crop
                    crop += 1
                else:
                    row |= {"found": 0, "status": "dropped", "reason": "no face found"}
                rows.append(row)
    part = table.with_suffix(".part")
    tables.write(rows, part, face_record.COLUMNS)
    part.replace(table)
