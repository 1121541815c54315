"""Tests of the tar of pictures: its order and its bytes."""

import os
import tarfile
from pathlib import Path

import pytest

from deepfake import archive

MEMBERS = [("00001/b.png", b"second"), ("00000/a.png", b""), ("00000/a.jpg", bytes(range(256)) * 9)]


def write(path: Path) -> bytes:
    with archive.Writer(path) as pictures:
        for name, data in MEMBERS:
            pictures.add(name, data)
    return path.read_bytes()


def test_members_come_back_in_the_order_they_were_added(tmp_path: Path) -> None:
    write(tmp_path / "a.tar")
    assert list(archive.members(tmp_path / "a.tar")) == MEMBERS


def test_bytes_depend_on_the_contents_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(tmp_path / "a.tar")
    monkeypatch.chdir("/")
    mask = os.umask(0o077)
    try:
        assert write(tmp_path / "another name.tar") == first
    finally:
        os.umask(mask)


def test_members_tell_neither_owner_nor_time(tmp_path: Path) -> None:
    write(tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        facts = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in tar}
    assert facts == {(0, 0, 0, "", "", 0o644)}


def test_an_archive_without_members_is_read_as_such(tmp_path: Path) -> None:
    with archive.Writer(tmp_path / "a.tar"):
        pass
    assert list(archive.members(tmp_path / "a.tar")) == []


def test_an_archive_cut_short_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    data = write(path)
    path.write_bytes(data[:2200])  # inside the last member
    with pytest.raises(tarfile.ReadError):
        list(archive.members(path))


def test_some_members_are_picked_by_name(tmp_path):
    path = tmp_path / "a.tar"
    with archive.Writer(path) as tar:
        for name in ("one", "two", "three"):
            tar.add(name, name.encode())
    assert archive.pick(path, {"three", "one", "none"}) == {"one": b"one", "three": b"three"}
