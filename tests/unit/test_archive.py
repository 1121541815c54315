"""Tests of the files of many pictures: their order and their bytes."""

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from deepfake.core import archive

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


def test_members_are_read_by_name_in_any_order(tmp_path: Path) -> None:
    write(tmp_path / "a.tar")
    with archive.Reader(tmp_path / "a.tar") as pictures:
        assert {name: pictures.read(name) for name, _ in MEMBERS[::-1]} == dict(MEMBERS)
        with pytest.raises(archive.JoinError, match=r"a\.tar: has no 0\.png, .* run again"):
            pictures.read("0.png")


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with archive.Writer(tmp_path / "a.tar") as pictures:
        for data in (b"one", b"other"):
            pictures.add("a.png", data)
    with pytest.raises(archive.JoinError, match=r"a\.tar: has a\.png twice; .* run again"):
        archive.Reader(tmp_path / "a.tar")


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ([name for name, _ in MEMBERS[:2]], r"has 00000/a\.jpg, which its table does not name"),
        (["b.png"], r"has no b\.png, which its table names"),
        ([MEMBERS[0][0]] * 2, r"has one 00001/b\.png, which its table names twice"),
    ],
)
def test_names_that_are_not_those_of_the_members_are_refused(
    tmp_path: Path, names: list[str], what: str
) -> None:
    write(tmp_path / "a.tar")
    with archive.Reader(tmp_path / "a.tar") as pictures:
        pictures.match(name for name, _ in MEMBERS[::-1])
        with pytest.raises(archive.JoinError, match=rf"a\.tar: {what}; remove it"):
            pictures.match(names)


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
