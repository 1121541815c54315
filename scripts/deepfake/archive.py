"""Many small pictures in one tar file whose bytes depend on nothing but its contents.

One file a batch instead of thousands: parallel file systems dislike small files.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType


class Writer:
    """Adds members to a new, uncompressed tar; a context manager."""

    def __init__(self, path: str | Path) -> None:
        self._tar = tarfile.TarFile(path, "w", format=tarfile.USTAR_FORMAT)

    def add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)  # its owner is 0, its time is 0
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tar.close()


def members(path: str | Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of each member in the order they were added."""
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            yield member.name, tar.extractfile(member).read()


def pick(path: str | Path, names: Collection[str]) -> dict[str, bytes]:
    """The bytes of some members, by name; the others are not read."""
    with tarfile.open(path, "r:") as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.name in names}
