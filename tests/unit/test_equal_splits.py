"""Tests of the splits of the leak's ablation: one training size, and labels that mean nothing."""

import collections

import pytest

from deepfake.core import tables
from deepfake.core.tables import Table
from deepfake.splits import assignment, equal, protocols

SETTINGS = {"test_size": 0.25, "k": 3, "shuffle": True, "every": 1}
NAMES = list(protocols.leakage([], 2))


def made_up_rows(pairs: int = 16, frames: int = 5, lost: int = 3) -> list[dict]:
    """Frames of pairs of people, two real and two fake videos each; some fakes have fewer."""
    rows = []
    for pair in range(pairs):
        for label in ("fake", "real"):
            for one in range(2):
                for frame in range(frames - (lost if label == "fake" and pair % 4 == 0 else 0)):
                    rows.append(
                        {
                            "video_id": f"{label} {pair:02}{one}",
                            "frame": str(frame),
                            "label": label,
                            "method": "swap" if label == "fake" else "",
                            "group_id": f"g{pair:02}",
                            "official": "test" if pair % 8 == 7 else "train",
                        }
                    )
    return rows


def training(rows, split) -> collections.Counter:
    both = zip(rows, split, strict=True)
    return collections.Counter(row["label"] for row, cut in both if cut["part"] == "train")


@pytest.fixture(scope="module")
def made():
    rows = made_up_rows()
    return rows, *equal.make(rows, NAMES, seed=1, **SETTINGS)


def test_every_training_has_as_many_rows_of_each_class(made):
    rows, mixed, found = made
    assert list(found) == NAMES
    sizes = [training(mixed if "shuffled" in name else rows, found[name]) for name in NAMES]
    assert all(size == sizes[0] for size in sizes)
    whole = {
        name: assignment.make(rows, name, seed=1, **SETTINGS) for name in ("frame", "official")
    }
    assert sizes[0].total() < max(training(rows, split).total() for split in whole.values())


def test_the_test_and_the_folds_are_those_of_the_protocol(made):
    rows, _, found = made
    for name in NAMES:
        kind, protocol = protocols.split_name(name)
        if kind != protocols.EQUAL:
            continue
        whole = assignment.make(rows, protocol, seed=1, **SETTINGS)
        for cut, before in zip(found[name], whole, strict=True):
            gone = before["part"] == "train" and cut["part"] == "unused"
            reason = equal.CUT
            assert cut == before or (gone and cut["reason"] == reason and cut["fold"] == "")


def test_what_a_split_keeps_whole_goes_whole_while_it_is_not_too_much(made):
    rows, _, found = made
    parts = collections.defaultdict(collections.Counter)
    for row, cut in zip(rows, found["equal-official"], strict=True):
        if cut["reason"] == equal.CUT or cut["part"] == "train":
            parts[row["group_id"]][cut["part"]] += 1
    gone = [seen for seen in parts.values() if seen["unused"]]
    assert any(not seen["train"] for seen in gone)
    # what is left over is less than a group has of a class
    assert sum(seen["unused"] for seen in gone if seen["train"]) < 2 * 10


def test_every_fold_keeps_both_classes(made):
    rows, mixed, found = made
    for name in NAMES:
        labelled = mixed if "shuffled" in name else rows
        seen = {(cut["fold"], row["label"]) for row, cut in zip(labelled, found[name], strict=True)
                if cut["part"] == "train"}  # fmt: skip
        assert len(seen) == 2 * SETTINGS["k"]


def test_a_shuffled_label_is_of_the_video_and_means_nothing():
    rows = made_up_rows(pairs=100, lost=0)
    mixed = equal.shuffled(rows, 3)
    labels = collections.defaultdict(set)
    for row in mixed:
        labels[row["video_id"]].add((row["label"], row["method"]))
    assert {len(found) for found in labels.values()} == {1}
    assert {*set.union(*labels.values())} == {("fake", "swap"), ("real", "")}
    assert collections.Counter(row["label"] for row in mixed) == training_labels(rows)
    same = sum(row["label"] == other["label"] for row, other in zip(rows, mixed, strict=True))
    assert 0.4 < same / len(rows) < 0.6
    kept = ("video_id", "frame", "group_id", "official")
    assert [[row[k] for k in kept] for row in rows] == [[row[k] for k in kept] for row in mixed]
    assert equal.shuffled(rows[::-1], 3) == mixed[::-1]
    assert equal.shuffled(rows, 4) != mixed


def training_labels(rows) -> collections.Counter:
    return collections.Counter(row["label"] for row in rows)


def test_labels_are_shuffled_again_where_a_fold_would_have_one_class():
    rows = made_up_rows(pairs=4, frames=2, lost=0)
    settings = SETTINGS | {"k": 2}
    for seed in range(8):
        mixed, found = equal.make(rows, ["shuffled-grouped"], seed=seed, **settings)
        assert training(mixed, found["shuffled-grouped"]).total() > 0


def test_a_protocol_that_cannot_deal_the_rows_says_so():
    with pytest.raises(assignment.SplitError, match="grouped split: 4 groups cannot fill"):
        equal.make(made_up_rows(pairs=4), ["equal-grouped"], seed=1, **SETTINGS | {"k": 9})


@pytest.mark.parametrize(
    ("changed", "k", "lacking"),
    [
        ({}, 3, {}),
        ({"official": ""}, 3, {"equal-official": "has a part (train, val, test) in its column"}),
        ({"official": "train"}, 3, {"equal-official": "no video has the part test"}),
        (
            {},
            20,
            dict.fromkeys(("equal-grouped", "shuffled-grouped"), "16 groups cannot fill a test"),
        ),
    ],
    ids=["all", "no lists", "no test", "few groups"],
)
def test_what_a_sheet_lacks_for_a_split_is_told(changed, k, lacking):
    found = protocols.leakage([row | changed for row in made_up_rows(frames=4)], k)
    assert list(found) == NAMES
    assert {name for name, reason in found.items() if reason} == set(lacking)
    for name, reason in lacking.items():
        assert reason in found[name]


def folds_of(groups: tuple[int, int], sizes: dict[str, int]) -> tuple[Table, Table]:
    """Two folds of so many groups, of so many rows of each class; and their split."""
    placed = [
        (label, f"g{fold}{number}", fold)
        for fold in (0, 1)
        for number in range(groups[fold])
        for label, size in sizes.items()
        for _ in range(size)
    ]
    rows = [{"label": label, "group_id": group} for label, group, _ in placed]
    split = [{"part": "train", "fold": fold, "reason": ""} for *_, fold in placed]
    return tables.of(rows), tables.of(split)


@pytest.mark.parametrize("seed", range(3))
def test_whole_units_go_from_the_largest_fold_first_so_folds_become_even(seed):
    rows, split = folds_of((10, 6), {"fake": 3, "real": 2})
    found = equal.cut(rows, split, {"fake": 24, "real": 16}, "group_id", seed)
    left = {fold: {row["group_id"] for row, cut in zip(rows, found, strict=True)
                   if cut["fold"] == fold} for fold in (0, 1)}  # fmt: skip
    assert {fold: len(groups) for fold, groups in left.items()} == {0: 4, 1: 4}
    assert training(rows, found) == {"fake": 24, "real": 16}


def test_no_whole_unit_goes_where_only_one_class_is_too_much():
    rows, split = folds_of((4, 4), {"fake": 3, "real": 2})
    found = equal.cut(rows, split, {"fake": 12, "real": 16}, "group_id", 0)
    assert training(rows, found) == {"fake": 12, "real": 16}


def test_no_fold_loses_its_last_unit_of_a_class():
    """Its fakes are of one unit, which would be what is too much: single rows go instead."""
    rows, split = folds_of((3, 3), {"fake": 10})
    labels = ["fake" if row["group_id"].endswith("0") else "real" for row in rows]
    rows = rows.with_columns(label=labels)
    found = equal.cut(rows, split, {"fake": 10, "real": 40}, "group_id", 0)
    kept = {(cut["fold"], row["label"]) for row, cut in zip(rows, found, strict=True)}
    assert {(0, "fake"), (0, "real"), (1, "fake"), (1, "real")} <= kept
    assert training(rows, found) == {"fake": 10, "real": 40}
