"""IDs in a sheet row, and connected components over shared IDs.

The Snakefile reads the sheet with this, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deepfake.core.row import Row

NAMES = ("clip_id", "target_id", "source_id")


def names(row: Row, columns: Iterable[str] = NAMES) -> list[str]:
    """The clip and people that a row names, without the unknown ones."""
    return [row[column] for column in columns if row.get(column)]


def components(linked: Sequence[Sequence[str]]) -> list[str]:
    """Connected components: lists that share a name, directly or through others.

    Args:
        linked: names of each member, at least one.

    Returns:
        The smallest name of each member's component, so it does not depend on the order.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for names_of_row in linked:
        for other in names_of_row[1:]:
            low, high = sorted((root(names_of_row[0]), root(other)))
            parent[high] = low
    return [root(names_of_row[0]) for names_of_row in linked]


def bodies(rows: Sequence[Row]) -> list[str]:
    """The body in each row, regardless of a swapped face: its target with all clips of that person.

    A row without both is linked to its group, or only to its video.
    """
    return components(
        [
            names(row, ("clip_id", "target_id")) or [row.get("group_id") or row["video_id"]]
            for row in rows
        ]
    )
