"""Tests of the join between a batch's table of frames and their archive."""

from pathlib import Path

import pytest

from deepfake.core import archive
from deepfake.preprocessing import frame_record

REMEDY = r"remove it and its table, and run again$"


def row(video_id: str, number: int, frame: int) -> dict[str, str]:
    member = frame_record.member(number, frame, ".png")
    return {"video_id": video_id, "frame": str(frame), "member": member, "reason": ""}


ROWS = [
    row("a", 0, 0),
    row("a", 0, 30),
    {"video_id": "a", "frame": "", "member": "", "reason": "ends after 31 of 99 frames"},
    {"video_id": "b", "frame": "", "member": "", "reason": "the file is empty"},
    row("c", 2, 5),
]
MEMBERS = [
    ("00000/0000000.png", b"a0"),
    ("00000/0000030.png", b"a30"),
    ("00002/0000005.png", b"c5"),
]
VIDEOS = {
    "a": ({0: b"a0", 30: b"a30"}, "ends after 31 of 99 frames"),
    "b": ({}, "the file is empty"),
    "c": ({5: b"c5"}, ""),
}


def joined(path: Path, rows=ROWS, members=MEMBERS) -> dict[str, tuple]:
    with archive.Writer(path) as tar:
        for name, data in members:
            tar.add(name, data)
    return {video_id: rest for video_id, *rest in frame_record.by_video(rows, path)}


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1], ROWS[1::2] + ROWS[::2]])
@pytest.mark.parametrize("members", [MEMBERS, MEMBERS[::-1], MEMBERS[1:] + MEMBERS[:1]])
def test_a_table_and_its_archive_are_joined_in_any_order(tmp_path: Path, rows, members) -> None:
    found = joined(tmp_path / "b.tar", rows, members)
    assert found == {name: list(facts) for name, facts in VIDEOS.items()}
    assert list(found) == list(dict.fromkeys(one["video_id"] for one in rows))


def test_a_batch_without_a_video_has_none(tmp_path: Path) -> None:
    assert joined(tmp_path / "b.tar", [], []) == {}


@pytest.mark.parametrize(
    ("rows", "members", "what"),
    [
        (ROWS, MEMBERS[:2], r"has no 00002/0000005\.png, which its table names"),
        (ROWS[:4], MEMBERS, r"has 00002/0000005\.png, which its table does not name"),
        (ROWS, [*MEMBERS, MEMBERS[0]], r"has 00000/0000000\.png twice"),
        ([*ROWS, ROWS[0]], MEMBERS, r"has one 00000/0000000\.png, which its table names twice"),
        ([ROWS[0] | {"frame": "30"}, *ROWS[1:]], MEMBERS, r"its table has frame 30 of a twice"),
    ],
)
def test_a_missing_or_doubled_frame_names_the_batch_and_the_remedy(
    tmp_path: Path, rows, members, what: str
) -> None:
    with pytest.raises(archive.JoinError, match=rf"^\S*/b\.tar: {what}; {REMEDY}"):
        joined(tmp_path / "b.tar", rows, members)


def test_a_preview_has_the_name_of_its_frame() -> None:
    assert frame_record.preview(frame_record.member(3, 210, ".png")) == "00003/0000210.jpg"
