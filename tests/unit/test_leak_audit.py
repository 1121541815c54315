"""Tests of the leak audit: a planted leak of each kind is found, counted and named."""

import json

import numpy as np
import pytest

from deepfake.preprocessing import image_hash
from deepfake.splits import assignment, duplicates, leak_audit
from tests.unit import synthetic
from tests.unit.test_splits import ORIGINAL, original_rows

SIDES = {"test": ("", 0), "folds": (2, 1)}  # folds of the rows that a leak is planted between
STAMPS = {"test": "leaky", "folds": "leaky_folds"}


@pytest.fixture
def sound() -> tuple[list[dict], list[dict]]:
    """Rows with names, digests and hashes of their own, and a grouped split of them."""
    generator = np.random.default_rng(0)
    rows = synthetic.rows(20)
    for row in rows:
        row |= {"phash": generator.bytes(32 * len(image_hash.VIEWS)).hex()}
        row |= {"digest": generator.bytes(8).hex()}
        row |= {"clip_id": row["video_id"], "target_id": row["video_id"], "source_id": ""}
    split = assignment.make(rows, "grouped", **ORIGINAL | {"k": 3})
    found = leak_audit.audit(rows, split, "grouped")
    assert not found["leaky"]
    assert not found["leaky_folds"]
    assert leak_audit.lines(found) == []
    assert "one person with two names is not detected" in found["identity"]
    json.dumps(found)
    return rows, split


def planted(sound, where: str) -> tuple[dict, dict]:
    """A row on each of two sides, to plant a leak in."""
    rows, split = sound
    one, other = (next(i for i, cut in enumerate(split) if cut["fold"] == s) for s in SIDES[where])
    return rows[one], rows[other]


def same_video(one, other):
    other["video_id"] = one["video_id"]
    return one["video_id"]


def same_clip(one, other):
    other["clip_id"] = one["clip_id"]
    return one["clip_id"]


def same_person(one, other):
    one["target_id"] = other["target_id"] = "set:anna"
    return "set:anna"


def same_donor(one, other):
    one["source_id"] = other["source_id"] = "set:anna"
    return "set:anna"


def same_group(one, other):
    other["group_id"] = one["group_id"]
    return one["group_id"]


def source_as_donor(one, other):
    other["source_id"] = one["clip_id"]
    return one["clip_id"]


def clip_of_a_donor(one, other):
    one["source_id"] = other["clip_id"]
    return other["clip_id"]


def one_file_under_two_names(one, other):
    other |= {"digest": one["digest"], "phash": one["phash"]}
    return " = ".join(sorted((one["video_id"], other["video_id"])))


def re_encoded_copy(one, other):
    words = duplicates.unpack([one["phash"]]).copy()
    words[0, 0, 1] ^= np.uint64(0b10110111)
    other["phash"] = words.tobytes().hex()
    return f"{' = '.join(sorted((one['video_id'], other['video_id'])))} (6 bits differ)"


def target_of_a_donor(one, other):
    one["source_id"] = other["target_id"] = "set:anna"
    return "set:anna"


def video_of_a_donor(one, other):
    one["source_id"] = other["video_id"]
    other |= {"clip_id": "", "target_id": ""}
    return other["video_id"]


def video_as_clip(one, other):
    one["clip_id"] = other["video_id"]
    other |= {"clip_id": "", "target_id": ""}
    return other["video_id"]


def video_as_target(one, other):
    one["target_id"] = other["video_id"]
    other |= {"clip_id": "", "target_id": ""}
    return other["video_id"]


@pytest.mark.parametrize("where", SIDES)
@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (same_video, "videos"),
        (same_clip, "clips"),
        (same_person, "people"),
        (same_donor, "people"),
        (same_group, "groups"),
        (source_as_donor, "donors"),
        (clip_of_a_donor, "donors"),
        (target_of_a_donor, "donors"),
        (video_of_a_donor, "donors"),
        (video_as_clip, "clips"),
        (video_as_target, "clips"),
        (one_file_under_two_names, "twins"),
        (re_encoded_copy, "copies"),
    ],
)
def test_a_planted_leak_is_found_named_and_stamped(sound, plant, kind, where):
    name = plant(*planted(sound, where))
    found = leak_audit.audit(*sound, "grouped")
    assert found[STAMPS[where]]
    assert not found[next(stamp for side, stamp in STAMPS.items() if side != where)]
    assert found[where][kind] == 1
    assert name in found["named"][where][kind]
    words = leak_audit.NAMES.get(kind, kind)
    assert any(name in line and words in line for line in leak_audit.lines(found))
    assert (found[where]["rows_with_sibling"] > 0) == (plant is same_video)


@pytest.mark.parametrize("shared", [1, 3])
def test_rows_with_a_sibling_are_those_held_out_of_videos_that_are_elsewhere_too(shared):
    """By place: of the test 2 rows of 8, and of the folds at most 2 of 4."""
    places = [("train", "0")] * 4 + [("train", "1")] * 5 + [("test", "")] * 8
    names = [f"v{number}" for number in range(len(places))]
    split = [
        {"row": row, "part": part, "fold": fold, "reason": ""}
        for row, (part, fold) in enumerate(places)
    ]
    names[9] = names[10] = names[0]  # two rows of the test, one of fold 0
    for number in range(shared):  # rows of fold 0 and one of fold 1
        names[number] = names[0]
    names[4] = names[0]
    rows = [
        {"video_id": name, "label": "fake", "group_id": name, "clip_id": "", "digest": ""}
        for name in names
    ]
    found = leak_audit.audit(rows, split, "grouped")
    assert found["test"]["rows_with_sibling"] == 2 / 8
    assert found["folds"]["rows_with_sibling"] == max(shared / 4, 1 / 5)


def test_a_mirrored_video_is_a_copy_and_said_to_be_mirrored(sound):
    rows, _ = sound
    one, other = (row["video_id"] for row in planted(sound, "test"))
    hashes = iter([row["phash"] for row in rows if row["video_id"] == one])
    for row in (row for row in rows if row["video_id"] == other):
        words = duplicates.unpack([next(hashes)]) ^ duplicates.signs(mirrored=True, negative=False)
        row["phash"] = words.tobytes().hex()
    found = leak_audit.audit(*sound, "grouped")
    assert found["leaky"]
    told = f"{' = '.join(sorted((one, other)))} (0 bits differ, mirrored)"
    assert found["named"]["test"]["copies"] == [told]


def test_unused_rows_leak_nothing(sound):
    rows, split = sound
    one, other = planted(sound, "test")
    one_file_under_two_names(one, other)
    assert leak_audit.audit(rows, split, "grouped")["leaky"]
    split = assignment.leave_out(split, np.arange(len(rows)) == rows.index(one), "so")
    found = leak_audit.audit(rows, split, "grouped")
    assert not found["leaky"]
    assert found["unused"] == [{"reason": "so", "rows": 1, "videos": 1}]


def test_frames_that_a_name_links_are_no_copies_but_equal_faces_are_twins(sound):
    one, other = planted(sound, "test")
    same_person(one, other)
    re_encoded_copy(one, other)
    found = leak_audit.audit(*sound, "grouped")
    assert (found["test"]["people"], found["test"]["copies"]) == (1, 0)
    one_file_under_two_names(one, other)
    found = leak_audit.audit(*sound, "grouped")
    assert (found["test"]["twins"], found["test"]["copies"]) == (1, 0)


def test_a_group_is_no_unit_of_an_identity_split(sound):
    same_group(*planted(sound, "test"))
    found = leak_audit.audit(*sound, "identity")
    assert not found["leaky"]
    assert leak_audit.lines(found) == []
    same_clip(*planted(sound, "test"))
    assert leak_audit.audit(*sound, "identity")["leaky"]


def test_the_audit_of_a_frame_split_says_that_nearly_every_row_has_a_sibling():
    rows = [row | {"clip_id": row["video_id"]} for row in original_rows(350, 350)]
    found = leak_audit.audit(rows, assignment.make(rows, "frame", **ORIGINAL), "frame")
    assert found["leaky"]
    assert found["leaky_folds"]
    assert found["test"]["rows_with_sibling"] > 0.99
    assert found["test"]["videos"] > leak_audit.LISTED == len(found["named"]["test"]["videos"])


def test_unknown_clips_are_not_taken_for_shared_ones():
    rows = [row | {"clip_id": ""} for row in synthetic.rows(20)]
    split = assignment.make(rows, "grouped", **ORIGINAL)
    assert leak_audit.audit(rows, split, "grouped")["test"]["clips"] == 0


def test_fakes_of_unknown_people_are_counted():
    found = synthetic.rows(12)
    fakes = {row["video_id"] for row in found if row["label"] == "fake"}
    split = assignment.make(found, "grouped", **ORIGINAL | {"k": 3})
    assert leak_audit.audit(found, split, "grouped")["unlinked_fakes"] == len(fakes)
    for row in found:
        row["target_id"] = row["video_id"]
    assert leak_audit.audit(found, split, "grouped")["unlinked_fakes"] == 0


def test_the_parts_are_counted_and_a_share_is_told_to_six_digits():
    placed = [("train", "0", "a"), ("train", "0", "a"), ("train", "1", "b"), ("train", "1", "c")]
    placed += [("test", "", name) for name in ("b", "d", "e")]
    split = [
        {"row": row, "part": part, "fold": fold, "reason": ""}
        for row, (part, fold, _) in enumerate(placed)
    ]
    rows = [
        {"row": row, "video_id": name, "label": "real" if name in "ad" else "fake"}
        | {"group_id": name}
        for row, (*_, name) in enumerate(placed)
    ]
    found = leak_audit.audit(rows, split, "grouped")
    assert found["test"]["rows_with_sibling"] == 0.333333
    assert found["parts"] == {
        "train": {"rows": 4, "fake": 2, "real": 2, "videos": 3, "groups": 3},
        "test": {"rows": 3, "fake": 2, "real": 1, "videos": 3, "groups": 3},
    }


@pytest.mark.parametrize("column", ["clip_id", "target_id"])
@pytest.mark.parametrize("parts", [("train", "test"), ("test", "train")])
def test_a_video_is_shared_that_another_names_though_it_names_nothing_itself(column, parts):
    rows = [
        {"row": row, "video_id": name, "label": "real", "group_id": name} | named
        for row, (name, named) in enumerate((("a", {column: "b"}), ("b", {})))
    ]
    split = [
        {"row": row, "part": part, "fold": "0" if part == "train" else "", "reason": ""}
        for row, part in enumerate(parts)
    ]
    found = leak_audit.audit(rows, split, "grouped")
    assert (found["test"]["clips"], found["named"]["test"]["clips"]) == (1, ["b"])
