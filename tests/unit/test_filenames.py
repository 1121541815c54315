"""Names of files as text: what a table can hold, what a terminal shows, where a path leads."""

import os

import pytest

from deepfake.core import filenames
from deepfake.dataset import video_query
from deepfake.inference import classify
from tests import zoo


@pytest.mark.parametrize("name", zoo.NAMES)
def test_a_name_can_stand_in_a_table_or_it_is_said_why_not(name):
    reason = zoo.NAMES[name]
    assert (reason in filenames.unwritable(name)) if reason else filenames.unwritable(name) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31mred", r"\x9b31mred"),
        ("two\nlines\ttab\0", r"two\nlines\ttab\x00"),
        ("line\u2028end\x85", r"line\u2028end\x85"),
        ("\u202e4pm.exe", r"\u202e4pm.exe"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
        (os.fsdecode(b"latin\xe9"), r"latin\udce9"),
    ],
)
def test_what_steers_a_terminal_is_shown_escaped(text, shown):
    assert filenames.shown(text) == shown


@pytest.mark.parametrize(
    "text", ["مقطع", "视频 動画", "वीडियो", "\N{MAN}\u200d\N{WOMAN}", "e\u0301", "a\\n", "<b>&\"'"]
)
def test_every_script_is_shown_as_it_is(text):
    assert filenames.shown(text) == text


def test_a_long_value_is_cut_in_a_message():
    assert filenames.quoted("it's") == '"it\'s"'
    assert filenames.quoted("\u202ex") == r"'\u202ex'"
    assert len(filenames.quoted("x" * 10**6)) < 250


@pytest.mark.parametrize("animal", zoo.OTHERS, ids=lambda animal: animal.name)
def test_a_path_that_leads_to_no_file_has_its_reason(tmp_path, animal):
    animal.make(tmp_path / animal.name, tmp_path)
    assert animal.reason in filenames.absent(str(tmp_path / animal.name))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere.mp4", "no such file"),
        ("file/x.mp4", "cannot be read: Not a directory"),
        ("n" * 300, "cannot be read: File name too long"),
        ("x" + "/x" * 5000, "cannot be read: File name too long"),
        ("a\0b", "cannot be read: embedded null byte"),
    ],
)
def test_a_path_that_no_file_can_have_has_its_reason(tmp_path, monkeypatch, path, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert filenames.absent("file") is None
    assert filenames.absent(path) == reason


def test_a_list_may_hold_any_name(tmp_path):
    lines = [os.fsencode(str(tmp_path / name)) for name in zoo.NAMES if "\n" not in name]
    for line in lines:
        with open(line, "w"):
            pass
    listed = tmp_path / "list.txt"
    listed.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines) + b"\n\n")
    videos, others = video_query.expand(f"@{listed}")
    assert len(videos) == sum(not reason for reason in zoo.NAMES.values())
    assert len(videos) + len(others) == len(lines)
    for name, reason in others:
        assert reason.startswith("its name ")
        assert filenames.unwritable(name) is None
    video_query.deal(videos, 10, "salt")
    assert all(video["batch"].isalnum() for video in videos)


def test_a_video_in_the_place_of_a_list_is_refused(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42" * 1000)
    with pytest.raises(video_query.QueryError, match="is no text"):
        video_query.expand(f"@{tmp_path}/clip.mp4")


def test_verdicts_on_a_terminal_are_escaped_whoever_wrote_them():
    """Names of datasets come from a bundle, and a bundle from anybody."""
    row = {
        "video": "\u202e4pm.exe", "verdict": "fake", "probability": 0.9, "reason": "r\x1b[2J",
        "features": "pixels", "model": "m", "trained_on": "\x1b]0;x\x07", "protocol": "grouped",
        "leaky": "no", "auc_of_people_unseen": 0.9, "prior": 0.5,
    }  # fmt: skip
    text = classify.text([row])
    assert not {"\u202e", "\x1b", "\x07"} & set(text)
    assert len(text.splitlines()) == 7
