"""The videos of a sheet in little memory. The Snakefile imports this, so it does without NumPy."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from deepfake.core.row import Row


class CompactSheet(Sequence[Row]):
    """Rows of a sheet, in lists, one a column: dicts, one a row, would take more memory.

    Args:
        columns: the cells of all rows by name.
        places: of these rows; all by default.
    """

    def __init__(self, columns: dict[str, list[str]], places: Sequence[int] | None = None) -> None:
        self._columns = columns
        self._places = range(len(columns["video_id"])) if places is None else places

    @classmethod
    def of(cls, videos: Sequence[Row]) -> CompactSheet:
        """The rows that `sheet.read` gave: one or more, with the same columns."""
        return cls({name: [video[name] for video in videos] for name in videos[0]})

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int) -> Row:
        place = self._places[number]
        return {name: cells[place] for name, cells in self._columns.items()}

    def __iter__(self) -> Iterator[Row]:
        names = tuple(self._columns)
        columns = (map(cells.__getitem__, self._places) for cells in self._columns.values())
        for cells in zip(*columns, strict=True):
            yield dict(zip(names, cells, strict=True))

    def batches(self) -> dict[str, CompactSheet]:
        """The videos of each batch, batches and videos in sorted order."""
        found: dict[str, array] = {}
        names, batch_of = self._columns["video_id"], self._columns["batch"]
        for place in sorted(self._places, key=lambda place: (batch_of[place], names[place])):
            found.setdefault(batch_of[place], array("I")).append(place)
        return {batch: CompactSheet(self._columns, places) for batch, places in found.items()}
