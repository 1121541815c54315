"""What a row of the sheet names that may tie it to others, and what hangs together by it.

Nothing heavy is imported: the Snakefile reads the sheet with this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NAMES = ("clip_id", "target_id", "source_id")

Row = dict[str, str]


def names(row: Row, columns: Iterable[str] = NAMES) -> list[str]:
    """The clip and people that a row names, without the unknown ones."""
    return [row[column] for column in columns if row.get(column)]


def components(linked: Sequence[Sequence[str]]) -> list[str]:
    """What hangs together: lists that share a name, and so on through others.

    Args:
        linked: names of each member, at least one.

    Returns:
        The least name of each member's component, so it does not depend on the order.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for mine in linked:
        for other in mine[1:]:
            low, high = sorted((root(mine[0]), root(other)))
            parent[high] = low
    return [root(mine[0]) for mine in linked]


def bodies(rows: Sequence[Row]) -> list[str]:
    """Who is seen in each row but for a swapped face: its target with all clips of that person.

    A row that names neither is tied to its group, or to nothing but its video.
    """
    return components(
        [
            names(row, ("clip_id", "target_id")) or [row.get("group_id") or row["video_id"]]
            for row in rows
        ]
    )
