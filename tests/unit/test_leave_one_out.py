"""Tests of the splits of `snakemake transfer`: their names, their sides, and what is refused."""

import re

import pytest

from deepfake.splits import assignment, leak_audit, leave_one_out, protocols
from tests.unit import synthetic

SETTINGS = {"test_size": 0.3, "k": 3, "shuffle": True, "every": 1, "seed": 1}
METHODS = ("swap", "talk", "Lip sync")


def people(count: int, methods: tuple = METHODS, **known: str) -> list[dict]:
    """Rows of so many people: of each a real clip and a fake of every method, two frames a clip."""
    return [
        {"video_id": f"{person}{method}", "frame": str(frame), "face": "0", "method": method}
        | {"label": "fake" if method else "real", "clip_id": f"c{person}", "target_id": person}
        | {"group_id": f"g{person}", "dataset": "one", "compression": ""} | known
        for person in map(str, range(count))
        for method in ("", *methods)
        for frame in range(2)
    ]  # fmt: skip


def test_each_method_has_a_split_that_trains_on_all_others():
    found = leave_one_out.splits(people(12), "method", 3)
    assert found == {
        "transfer-lip-sync": {
            "cross": {"by": "method", "train": ["swap", "talk"], "test": ["Lip sync"]},
            "reason": "",
        },
        "transfer-swap": {
            "cross": {"by": "method", "train": ["Lip sync", "talk"], "test": ["swap"]},
            "reason": "",
        },
        "transfer-talk": {
            "cross": {"by": "method", "train": ["Lip sync", "swap"], "test": ["talk"]},
            "reason": "",
        },
    }


@pytest.mark.parametrize("name", ["transfer-lip-sync", "transfer-swap", "transfer-talk"])
def test_the_test_is_what_was_left_out_and_real_clips_of_people_who_are_not_in_training(name):
    rows = people(20)
    cross = leave_one_out.splits(rows, "method", 3)[name]["cross"]
    split = assignment.make(rows, name, **SETTINGS, cross=cross)
    sides = {
        part: [row for row, cut in zip(rows, split, strict=True) if cut["part"] == part]
        for part in ("train", "test", "unused")
    }
    assert {row["method"] for row in sides["train"]} == {"", *cross["train"]}
    assert {row["method"] for row in sides["test"]} == {"", *cross["test"]}
    tested = {row["target_id"] for row in sides["test"]}
    assert len(tested) == 6
    assert tested.isdisjoint(row["target_id"] for row in sides["train"])
    # no real clip is lost: each is on the side of its people
    assert {row["method"] for row in sides["unused"]} == set(METHODS)
    found = leak_audit.audit(rows, split, name)
    assert not found["leaky"]
    assert not found["leaky_folds"]


def test_a_fake_of_an_unknown_method_may_be_of_the_one_left_out_and_is_not_used():
    rows = people(20, (*METHODS, "?"))
    rows = [row | {"method": row["method"].strip("?")} for row in rows]
    found = leave_one_out.splits(rows, "method", 3)
    assert len(found) == 3
    split = assignment.make(rows, "x", **SETTINGS, cross=found["transfer-swap"]["cross"])
    unknown = {cut["part"] for row, cut in zip(rows, split, strict=True)
               if row["label"] == "fake" and not row["method"]}  # fmt: skip
    assert unknown == {"unused"}


def test_a_method_that_real_videos_alone_have_is_none():
    rows = [row | {"method": row["method"] or "camera"} for row in people(12)]
    found = leave_one_out.splits(rows, "method", 3)
    assert {split["cross"]["test"][0] for split in found.values()} == set(METHODS)


@pytest.mark.parametrize(
    ("rows", "by", "k", "reasons"),
    [
        (people(12, ("swap",)), "method", 3, {"the sheet has no other method to train on"}),
        (people(12), "dataset", 3, {"the sheet has no other dataset to train on"}),
        (people(3), "method", 3, {"3 groups with a fake video cannot fill its test and 3 folds "
                                  "of a training"}),
        (people(1), "method", 2, {"1 group with a fake video cannot fill 2 folds of a training"}),
        (people(6, ()) + people(6, dataset="two"), "dataset", 2,
         {"no fake video can be in its test", "0 groups with a fake video cannot fill 2 folds of "
          "a training"}),
        (people(12), "compression", 3, set()),
    ],
)  # fmt: skip
def test_what_a_sheet_cannot_hold_out_has_its_reason(rows, by, k, reasons):
    assert {split["reason"] for split in leave_one_out.splits(rows, by, k).values()} == reasons


def test_what_is_said_to_be_possible_is():
    """At the least groups that are not refused."""
    for k in (2, 3):
        rows = people(k + 1)
        for name, split in leave_one_out.splits(rows, "method", k).items():
            assert split["reason"] == ""
            assignment.make(rows, name, **SETTINGS | {"k": k}, cross=split["cross"])


def test_datasets_are_left_out_whole():
    one, two = people(10), synthetic.rows(10)
    rows = [*one, *(row | {"target_id": row["group_id"]} for row in two)]
    found = leave_one_out.splits(rows, "dataset", 3)
    assert [*found] == ["transfer-made-up", "transfer-one"]
    split = assignment.make(rows, "x", **SETTINGS, cross=found["transfer-one"]["cross"])
    assert [cut["part"] for cut in split] == ["test"] * len(one) + ["train"] * len(two)


def test_names_are_apart_and_fit_into_a_path_and_a_wildcard():
    values = ("Face Swap", "face-swap", "Face2Face", "顔", "..", "a/b", "x" * 300, "shuffled-frame")
    found = leave_one_out.splits(people(4, values), "method", 2)
    assert len(found) == len(values)
    by_value = {split["cross"]["test"][0]: name for name, split in found.items()}
    assert by_value["Face2Face"] == "transfer-face2face"
    assert by_value["a/b"] == "transfer-a-b"
    for value, name in by_value.items():
        assert re.fullmatch("transfer-[a-z0-9-]+", name), value
        assert len(name) < 60
        kind, _ = protocols.split_name(name)
        assert kind not in (protocols.SHUFFLED, protocols.EQUAL)
    fewer = leave_one_out.splits(people(4, values[2:]), "method", 2)
    assert set(fewer) < set(found)  # no name depends on the others


def test_the_page_says_what_was_left_out():
    cross = {"by": "method", "train": ["a", "b"], "test": ["c"]}
    assert "different methods: training a, b, test c." in protocols.describe("transfer-c", cross)
    assert protocols.describe("grouped", cross) == protocols.ABOUT["grouped"]
