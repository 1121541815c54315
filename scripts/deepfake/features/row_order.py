"""The rows of a run's matrices: their order and their table, one for all feature sets."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from deepfake.core import tables
from deepfake.features.matrix import OpenFiles

ROW_COLUMNS = (
    "row", "video_id", "frame", "face", "copy", "label", "group_id",
    "dataset", "method", "compression", "clip_id", "target_id", "source_id", "official",
    "digest", "phash",
)  # fmt: skip
HASHES = ("digest", "phash")  # most of the table, and of use to the leak audit alone
PLACE = ("video_id", "frame", "face", "copy")  # by which rows are ordered
OF_A_FACE = ("video_id", "frame", "face", "copy", "digest", "phash")  # the others are of its video


def read(path: str | Path) -> tables.Table:
    """The table of rows, without the hashes of their faces and frames."""
    return tables.read(path, [name for name in ROW_COLUMNS if name not in HASHES])


def sources(
    batches: Sequence[tuple[str, str]], copies: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, int]]:
    """(file, number in it) of each row, as `collect` orders them; of (table, array) files."""
    found = []
    for some in filter(None, (batches, copies)):
        paths, arrays = zip(*some, strict=True)
        ordered = _Ordered(paths)
        kept = ordered.places.at(ordered.kept)
        numbers = kept.column("crop_row").astype(int).tolist()
        files = [arrays[file] for file in kept.column("file").tolist()]
        found += zip(files, numbers, strict=True)
    return found


def collect(
    batches: Sequence[str], videos: dict[str, dict[str, str]], copies: Sequence[str] = ()
) -> tuple[_Again, _Again]:
    """Order the faces of all batches by (video_id, frame, face), and then their training copies.

    Args:
        batches: table of each batch. copies: tables of training copies.
        videos: sheet row by video_id.

    Returns:
        Rows of the matrices, and every face's record, kept or dropped; they are read from the files
        when they are walked. `copy` is empty in those of the faces themselves, whose numbers do
        not depend on copies.
    """
    found = [_Ordered(paths) for paths in (batches, copies) if paths]
    count = sum(int(ordered.kept.sum()) for ordered in found)
    records = _Again(lambda: _records(found, videos), sum(map(len, found)))
    return _Again(lambda: _rows(records, videos), count), records


class _Again:
    """So many rows, made anew each time that they are walked."""

    def __init__(self, make: Callable[[], Iterator[dict]], count: int) -> None:
        self._make, self._count = make, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[dict]:
        return self._make()


def _records(found: Sequence[_Ordered], videos: dict[str, dict[str, str]]) -> Iterator[dict]:
    for record in itertools.chain(*found):
        video = videos[record["video_id"]]
        of_video = {name: video[name] for name in ("label", "group_id")}
        yield {"copy": ""} | record | of_video


def _rows(records: _Again, videos: dict[str, dict[str, str]]) -> Iterator[dict]:
    kept = (record for record in records if record["status"] == "kept")
    for number, record in enumerate(kept):
        video = videos[record["video_id"]]
        facts = {name: video.get(name, "") for name in ROW_COLUMNS}
        yield facts | {name: record[name] for name in OF_A_FACE} | {"row": number}


class _Ordered:
    """The records of several tables in one order; in memory is what they are ordered by.

    Attributes:
        places: file, line in it (from 0), status and crop_row of each, in order.
        kept: bool (n,), which have a row.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        found = tables.read_all(paths, (*PLACE, "status", "crop_row"))
        files = found.column("file")
        line = np.arange(len(found)) - np.searchsorted(files, files)
        found = found.with_columns(line=line).at(_order(found))
        self.places = found.only("file", "line", "status", "crop_row")
        self.kept = found.column("status", "") == "kept"

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[dict[str, str]]:
        known: dict[int, tuple[list[str], np.ndarray]] = {}
        places = (self.places.column(name).tolist() for name in ("file", "line"))
        with OpenFiles() as files:
            for file, line in zip(*places, strict=True):
                path = self._paths[file]
                header, starts = known.get(file) or known.setdefault(file, _lines(path))
                start, end = starts[line : line + 2].tolist()
                cells = os.pread(files.open(path), end - start, start).decode()
                yield dict(zip(header, cells.rstrip("\n").split("\t"), strict=True))


def _lines(path: str) -> tuple[list[str], np.ndarray]:
    """The header of a table, and where its lines start and the last one ends, int (rows + 1,)."""
    with open(path, "rb") as file:
        header = file.readline()
        lengths = [len(header), *map(len, file)]
    return header.decode().rstrip("\n").split("\t"), np.cumsum(lengths)


def _order(records: tables.Table) -> np.ndarray:
    """The order of records: by video, frame and face; of copies also by what they are, int (n,)."""
    kinds, kind_of = records.distinct("copy")
    copies = [text.partition(" ") for text in records.at(kinds).column("copy", "")]
    names = np.unique([name for name, _, _ in copies], return_inverse=True)[1]
    strengths = np.array([float(strength or 0) for *_, strength in copies])
    frame, face = (
        np.array([int(cell or -1) for cell in records.column(name, "")], np.int64)
        for name in ("frame", "face")
    )
    video = np.unique(records.column("video_id", ""), return_inverse=True)[1]
    return np.lexsort((strengths[kind_of], names[kind_of], face, frame, video))
