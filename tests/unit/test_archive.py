"""Tests of the files of many pictures: their order and their bytes."""

import os
import tarfile
from pathlib import Path

import numpy as np
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


@pytest.mark.parametrize("count", [0, 1, 300])
def test_a_stack_is_what_numpy_would_have_saved(tmp_path: Path, count: int) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)
    with archive.Stack(tmp_path / "stack.npy", (4, 5, 3)) as stack:
        for number, face in enumerate(faces):
            assert len(stack) == number
            stack.add(face[::-1][::-1])  # a view, whose bytes may lie in any order
    np.save(tmp_path / "saved.npy", faces)
    assert (tmp_path / "stack.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()


@pytest.mark.parametrize("most", [1, 7, 100])
def test_a_stack_is_read_in_parts(tmp_path: Path, most: int) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (15, 4, 3), dtype=np.uint8)
    np.save(tmp_path / "saved.npy", faces)
    found = list(archive.parts(tmp_path / "saved.npy", most))
    assert max(len(part) for part in found) <= most
    np.testing.assert_array_equal(np.concatenate(found), faces)
    np.save(tmp_path / "empty.npy", faces[:0])
    assert list(archive.parts(tmp_path / "empty.npy", most)) == []


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.uint8), np.zeros((4, 3))])
def test_a_stack_refuses_another_shape_or_type(tmp_path: Path, array: np.ndarray) -> None:
    with (
        archive.Stack(tmp_path / "stack.npy", (4, 3)) as stack,
        pytest.raises(ValueError, match=r"is not uint8 \(4, 3\)"),
    ):
        stack.add(array)


def test_a_stack_that_is_cut_short_or_of_another_type_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "floats.npy", np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"floats\.npy: holds float64"):
        list(archive.parts(tmp_path / "floats.npy", 2))
    np.save(tmp_path / "short.npy", np.zeros((4, 3), np.uint8))
    whole = (tmp_path / "short.npy").read_bytes()
    (tmp_path / "short.npy").write_bytes(whole[:-2])
    with pytest.raises(ValueError, match=r"short\.npy: is cut short"):
        list(archive.parts(tmp_path / "short.npy", 2))
