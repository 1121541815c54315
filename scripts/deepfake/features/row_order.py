"""The rows of a run's matrices: their order and their table, one for all feature sets."""

from __future__ import annotations

from collections.abc import Sequence

from deepfake.core import tables

ROW_COLUMNS = (
    "row", "video_id", "frame", "face", "copy", "label", "group_id",
    "dataset", "method", "compression", "clip_id", "target_id", "source_id", "official",
    "digest", "phash",
)  # fmt: skip
OF_A_FACE = ("video_id", "frame", "face", "copy", "digest", "phash")  # the others are of its video


def sources(
    batches: Sequence[tuple[str, str]], copies: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, int]]:
    """(file, number in it) of each row, as `collect` orders them; of (table, array) files."""
    return [
        (array, int(record["crop_row"]))
        for record, array in [*_ordered(batches), *_ordered(copies)]
        if record["status"] == "kept"
    ]


def collect(
    batches: Sequence[str], videos: dict[str, dict[str, str]], copies: Sequence[str] = ()
) -> tuple[list[dict], list[dict]]:
    """Order the faces of all batches by (video_id, frame, face), and then their training copies.

    Args:
        batches: table of each batch. copies: tables of training copies.
        videos: sheet row by video_id.

    Returns:
        Rows of the matrices, and every face's record, kept or dropped. `copy` is empty in those of
        the faces themselves, whose numbers do not depend on copies.
    """
    rows, records = [], []
    tables_of = [(table, "") for table in batches], [(table, "") for table in copies]
    for record, _ in [found for some in tables_of for found in _ordered(some)]:
        record = {"copy": ""} | record
        video = videos[record["video_id"]]
        records.append(record | {"label": video["label"], "group_id": video["group_id"]})
        if record["status"] == "kept":
            facts = {name: video.get(name, "") for name in ROW_COLUMNS}
            of_face = {name: record[name] for name in OF_A_FACE}
            rows.append(facts | of_face | {"row": len(rows)})
    return rows, records


def _ordered(batches: Sequence[tuple[str, str]]) -> list[tuple[dict[str, str], str]]:
    """The records of all batches, each with its batch's array."""
    found = [(record, array) for table, array in batches for record in tables.read(table)]
    return sorted(found, key=_place)


def _place(found: tuple[dict[str, str], str]) -> tuple:
    record, _ = found
    perturbation, _, strength = record.get("copy", "").partition(" ")
    place = record["video_id"], int(record["frame"] or -1), int(record["face"] or -1)
    return *place, perturbation, float(strength or 0)
