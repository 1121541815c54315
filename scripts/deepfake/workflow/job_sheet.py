"""The rows of a batch for a cluster job, so that it does not read the whole sheet.

Each job parses the Snakefile, and a sheet of 100,000 rows would cost each of them seconds and
hundreds of MB. So the main process writes the rows by batch into one file when a run starts. A job
reads the file's first line, which says where each batch is, and the lines of the batches it needs.
Where the file is missing, or was made of another sheet, the job reads the sheet itself.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from deepfake.dataset import sheet
from deepfake.dataset.sheet import Video

FOLDER = Path(".snakemake") / "batches"

Identity = list[str | int]


class Batches(Mapping[str, list[Video]]):
    """The videos of each batch, in sorted order; a batch is read each time it is needed.

    Args:
        file: stays open, so that a file of a later run is never read instead.
        places: offset of each batch's line, in bytes from the end of the first line.
    """

    def __init__(self, file: BinaryIO, places: dict[str, int]) -> None:
        self._file, self._places, self._start = file, places, file.tell()

    def __getitem__(self, batch: str) -> list[Video]:
        self._file.seek(self._start + self._places[batch])
        return json.loads(self._file.readline())

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@dataclass(frozen=True)
class StoredSheet:
    """The rows of a sheet, written by a run's main process.

    Attributes:
        batches: videos by batch. count: of all videos.
        lacking: why the sheet cannot be split so, by the name of the split (`protocols.leakage`).
        left_out: the splits that leave one value out (`leave_one_out.splits`).
    """

    batches: Mapping[str, Sequence[Video]]
    count: int
    lacking: dict[str, str]
    left_out: dict[str, dict]

    def __len__(self) -> int:
        return self.count


def identity(path: str | Path, folds: int, by: str) -> Identity:
    """What identifies a sheet for its jobs: path, size, time of change, and what its splits take.

    Args:
        path: of the sheet. folds: split.folds.k. by: transfer.by.

    Raises:
        OSError: it cannot be read.
    """
    status = os.stat(path)
    return [str(path), status.st_size, status.st_mtime_ns, folds, by]


def store(
    videos: list[Video],
    lacking: dict[str, str],
    left_out: dict[str, dict],
    made_of: Identity,
    run: str,
) -> None:
    """Write a sheet's rows for the jobs of a run, in one step.

    Args:
        videos: rows of the sheet. lacking, left_out: see `StoredSheet`.
        made_of: the sheet's identity from before it was read. run: name.
    """
    places, lines, end = {}, [], 0
    for batch, rows in sheet.batches(videos).items():
        lines.append(json.dumps(list(rows)).encode() + b"\n")
        places[batch] = end
        end += len(lines[-1])
    first = {"of": made_of, "videos": len(videos), "batches": places}
    first |= {"lacking": lacking, "left_out": left_out}
    path = _path(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part.{path.name}")
    with part.open("wb") as file:
        file.write(json.dumps(first).encode() + b"\n")
        file.writelines(lines)
    part.replace(path)


def read(made_of: Identity, run: str) -> StoredSheet | None:
    """The rows of this sheet from the main process of a run; None if there are none."""
    try:
        file = _path(run).open("rb")
        first = json.loads(file.readline())
        if first["of"] == made_of:
            batches, splits = Batches(file, first["batches"]), (first["lacking"], first["left_out"])
            return StoredSheet(batches, first["videos"], *splits)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # then the sheet itself is read
    return None


def _path(run: str) -> Path:
    return FOLDER / f"{run}.jsonl"
