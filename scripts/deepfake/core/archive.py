"""Store many small images in one file whose bytes depend only on its contents.

One file a batch instead of thousands: parallel file systems are slow with small files.
Encoded pictures are members of a tar, arrays of one shape a stack in an .npy file.
"""

from __future__ import annotations

import io
import math
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import numpy as np


class JoinError(ValueError):
    """An archive and a table that do not belong together."""


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


class Reader:
    """Members of a tar by their name, in whatever order it holds them; a context manager.

    A table beside an archive names a member in each of its rows: that name joins the two.

    Raises:
        JoinError: two members have one name.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._tar = tarfile.open(path, "r:")  # noqa: SIM115
        self._members: dict[str, tarfile.TarInfo] = {}
        for member in self._tar:
            if member.name in self._members:
                raise self._wrong(f"has {member.name} twice")
            self._members[member.name] = member

    def read(self, name: str) -> bytes:
        """The bytes of a member; a JoinError where there is none."""
        if name not in self._members:
            raise self._wrong(f"has no {name}, which its table names")
        return self._tar.extractfile(self._members[name]).read()

    def match(self, names: Iterable[str]) -> None:
        """Check that a table names each member once.

        Raises:
            JoinError: a member is not named, is named twice, or is not there.
        """
        left = set(self._members)
        for name in names:
            if name not in self._members:
                raise self._wrong(f"has no {name}, which its table names")
            if name not in left:
                raise self._wrong(f"has one {name}, which its table names twice")
            left.remove(name)
        if left:
            raise self._wrong(f"has {min(left)}, which its table does not name")

    def _wrong(self, what: str) -> JoinError:
        return JoinError(f"{self._path}: {what}; remove it and its table, and run again")

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()


class Stack:
    """Writes arrays of one shape into a new .npy file, one in memory at a time; a context manager.

    Args:
        path: of the file. shape: of each array, uint8; the file holds (n, *shape).
    """

    def __init__(self, path: str | Path, shape: tuple[int, ...]) -> None:
        self._file = open(path, "wb")  # noqa: SIM115
        self._shape = shape
        self._count = 0
        self._write_header()

    def __len__(self) -> int:
        return self._count

    def add(self, array: np.ndarray) -> None:
        if array.shape != self._shape or array.dtype != np.uint8:
            raise ValueError(f"{array.dtype} {array.shape} is not uint8 {self._shape}")
        self._file.write(np.ascontiguousarray(array))
        self._count += 1

    def _write_header(self) -> None:
        """Write the header; NumPy pads it, so a longer count fits later."""
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._count, *self._shape)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.seek(0)
        self._write_header()
        self._file.close()


def parts(path: str | Path, most: int) -> Iterator[np.ndarray]:
    """Yield the arrays of a stack, uint8 (n, *shape), so many at a time and none of an empty one.

    With plain reads: pages of a mapped file count as memory of the job.

    Raises:
        ValueError: the file is no such stack, or is cut short.
    """
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        (count, *shape), fortran, dtype = np.lib.format.read_array_header_1_0(file)
        if fortran or dtype != np.uint8:
            raise ValueError(
                f"{path}: holds {dtype}, not a stack of uint8; remove it and run again"
            )
        for first in range(0, count, most):
            some = min(most, count - first), *shape
            read = np.fromfile(file, np.uint8, math.prod(some))
            if read.size < math.prod(some):
                raise ValueError(f"{path}: is cut short; remove it and run again")
            yield read.reshape(some)
