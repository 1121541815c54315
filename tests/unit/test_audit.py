"""Tests of the leak audit: a planted leak of each kind is found, counted and named."""

import json

import numpy as np
import pytest

from deepfake import audit, likeness, splits
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
        words = generator.integers(0, 2**63, 4, dtype=np.uint64)
        row |= {"phash": words.tobytes().hex(), "digest": generator.bytes(8).hex()}
        row |= {"clip_id": row["video_id"], "target_id": row["video_id"], "source_id": ""}
    split = splits.make(rows, "grouped", **ORIGINAL | {"k": 3})
    found = audit.audit(rows, split, "grouped")
    assert not found["leaky"]
    assert not found["leaky_folds"]
    assert audit.lines(found) == []
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
    words = likeness.unpack([one["phash"]]).copy()
    words[0, 1] ^= np.uint64(0b10110111)
    other["phash"] = words.tobytes().hex()
    return f"{' = '.join(sorted((one['video_id'], other['video_id'])))} (6 bits differ)"


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
        (one_file_under_two_names, "twins"),
        (re_encoded_copy, "copies"),
    ],
)
def test_a_planted_leak_is_found_named_and_stamped(sound, plant, kind, where):
    name = plant(*planted(sound, where))
    found = audit.audit(*sound, "grouped")
    assert found[STAMPS[where]]
    assert not found[next(stamp for side, stamp in STAMPS.items() if side != where)]
    assert found[where][kind] == 1
    assert name in found["named"][where][kind]
    assert any(name in line and kind in line for line in audit.lines(found))
    assert (found[where]["rows_with_sibling"] > 0) == (plant is same_video)


def test_unused_rows_leak_nothing(sound):
    rows, split = sound
    one, other = planted(sound, "test")
    one_file_under_two_names(one, other)
    assert audit.audit(rows, split, "grouped")["leaky"]
    split[rows.index(one)] |= {"part": "unused", "fold": "", "reason": "so"}
    found = audit.audit(rows, split, "grouped")
    assert not found["leaky"]
    assert found["unused"] == [{"reason": "so", "rows": 1, "videos": 1}]


def test_frames_that_a_name_links_are_no_copies_but_equal_faces_are_twins(sound):
    one, other = planted(sound, "test")
    same_person(one, other)
    re_encoded_copy(one, other)
    found = audit.audit(*sound, "grouped")
    assert (found["test"]["people"], found["test"]["copies"]) == (1, 0)
    one_file_under_two_names(one, other)
    found = audit.audit(*sound, "grouped")
    assert (found["test"]["twins"], found["test"]["copies"]) == (1, 0)


def test_a_group_is_no_unit_of_an_identity_split(sound):
    same_group(*planted(sound, "test"))
    found = audit.audit(*sound, "identity")
    assert not found["leaky"]
    assert audit.lines(found) == []
    same_clip(*planted(sound, "test"))
    assert audit.audit(*sound, "identity")["leaky"]


def test_the_audit_of_a_frame_split_says_that_nearly_every_row_has_a_sibling():
    rows = [row | {"clip_id": row["video_id"]} for row in original_rows(350, 350)]
    found = audit.audit(rows, splits.make(rows, "frame", **ORIGINAL), "frame")
    assert found["leaky"]
    assert found["leaky_folds"]
    assert found["test"]["rows_with_sibling"] > 0.99
    assert found["test"]["videos"] > audit.LISTED == len(found["named"]["test"]["videos"])


def test_unknown_clips_are_not_taken_for_shared_ones():
    rows = [row | {"clip_id": ""} for row in synthetic.rows(20)]
    split = splits.make(rows, "grouped", **ORIGINAL)
    assert audit.audit(rows, split, "grouped")["test"]["clips"] == 0


def test_fakes_of_unknown_people_are_counted():
    found = synthetic.rows(12)
    fakes = {row["video_id"] for row in found if row["label"] == "fake"}
    split = splits.make(found, "grouped", **ORIGINAL | {"k": 3})
    assert audit.audit(found, split, "grouped")["unlinked_fakes"] == len(fakes)
    for row in found:
        row["target_id"] = row["video_id"]
    assert audit.audit(found, split, "grouped")["unlinked_fakes"] == 0
