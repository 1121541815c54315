"""Tests of splits: the original's exact counts, groups that stay together, and the audit."""

import collections

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from deepfake import splits
from tests.unit import synthetic

ORIGINAL = {"test_size": 0.2, "k": 5, "shuffle": False, "every": 1, "seed": 42}


def original_rows(fakes: int = 6984, reals: int = 7000) -> list[dict]:
    """Frames of the original experiment, in any order of its classes' rows: here reals first."""
    return [
        {
            "video_id": f"{label}{i // 7}",
            "frame": i % 7,
            "label": label,
            "group_id": "",
            "method": "",
        }
        for label, count in (("real", reals), ("fake", fakes))
        for i in range(count)
    ]


def counts(rows: list[dict], split: list[dict], part: str) -> tuple[int, int]:
    """Fakes and reals of a part."""
    found = collections.Counter(
        row["label"] for row, cut in zip(rows, split, strict=True) if cut["part"] == part
    )
    return found["fake"], found["real"]


def cut_groups(rows: list[dict], split: list[dict]) -> dict[str, set]:
    """Places (part and fold) of each group."""
    places = collections.defaultdict(set)
    for row, cut in zip(rows, split, strict=True):
        places[row["group_id"]].add((cut["part"], cut["fold"]))
    return places


@pytest.mark.parametrize(
    ("every", "test_size", "used", "test"),
    [
        (1, 0.2, (6984, 7000), (1415, 1382)),
        (1, 0.25, (6984, 7000), (1756, 1740)),
        (7, 0.2, (998, 1000), (207, 193)),
        (4, 0.2, (1746, 1750), (389, 311)),
    ],
)
def test_the_frame_split_has_the_counts_of_the_original(every, test_size, used, test):
    rows = original_rows()
    split = splits.make(rows, "frame", **ORIGINAL | {"every": every, "test_size": test_size})
    assert counts(rows, split, "test") == test
    train = counts(rows, split, "train")
    assert (train[0] + test[0], train[1] + test[1]) == used
    unused = counts(rows, split, "unused")
    assert (unused[0] + used[0], unused[1] + used[1]) == (6984, 7000)
    assert all(cut["fold"] == "" for cut in split if cut["part"] != "train")


@pytest.mark.parametrize("shuffle", [False, True])
def test_frame_folds_are_those_of_scikit_learn(shuffle):
    from sklearn.model_selection import train_test_split

    rows = sorted(original_rows(120, 150), key=lambda row: row["label"])  # fakes first
    split = splits.make(rows, "frame", **ORIGINAL | {"shuffle": shuffle, "k": 4})
    train, test = train_test_split(np.arange(270), test_size=0.2, random_state=42)
    labels = np.array([rows[i]["label"] for i in train])
    cutter = StratifiedKFold(4, shuffle=shuffle, random_state=42 if shuffle else None)
    for fold, (_, held_out) in enumerate(cutter.split(train, labels)):
        assert {split[i]["fold"] for i in train[held_out]} == {fold}
    assert {split[i]["part"] for i in test} == {"test"}


@pytest.mark.parametrize("protocol", splits.PROTOCOLS)
def test_a_seed_gives_one_split_and_another_seed_another(protocol):
    rows = synthetic.rows(40)
    settings = {"test_size": 0.25, "k": 3, "shuffle": True, "every": 1}
    found = [splits.make(rows, protocol, **settings, seed=seed) for seed in (1, 1, 2)]
    assert found[0] == found[1]
    assert [cut["part"] for cut in found[0]] != [cut["part"] for cut in found[2]]


@pytest.mark.parametrize("seed", range(30))
def test_no_group_is_ever_on_two_sides(seed):
    generator = np.random.default_rng(seed)
    groups, k = int(generator.integers(12, 60)), int(generator.integers(2, 6))
    test_size = float(generator.uniform(0.15, 0.4))
    rows = synthetic.rows(groups, seed, frames=7, methods=("swap", "reenact"))
    split = splits.make(
        rows, "grouped", test_size=test_size, k=k, shuffle=bool(seed % 2), every=1, seed=seed
    )
    places = cut_groups(rows, split)
    assert all(len(place) == 1 for place in places.values())
    largest = max(collections.Counter(row["group_id"] for row in rows).values()) / len(rows)
    fakes, reals = counts(rows, split, "test")
    assert abs((fakes + reals) / len(rows) - test_size) <= largest
    share = np.mean([row["label"] == "fake" for row in rows])
    assert abs(fakes / (fakes + reals) - share) < 0.15
    for fold in range(k):
        inside = {row["label"] for row, cut in zip(rows, split, strict=True) if cut["fold"] == fold}
        assert inside == {"fake", "real"}
    audit = splits.audit(rows, split)
    assert not audit["leaky"]
    assert audit["parts"]["test"]["rows"] == fakes + reals


def test_folds_are_about_even_and_keep_the_shares_of_labels_and_methods():
    rows = synthetic.rows(200, 3, methods=("swap", "reenact"))
    split = splits.make(rows, "grouped", **ORIGINAL | {"k": 4})
    everywhere = collections.Counter((row["label"], row["method"]) for row in rows)
    for place in (0, 1, 2, 3, "test"):
        inside = collections.Counter(
            (row["label"], row["method"])
            for row, cut in zip(rows, split, strict=True)
            if place == ("test" if cut["part"] == "test" else cut["fold"])
        )
        assert inside.total() == pytest.approx(0.2 * len(rows), rel=0.1)
        for stratum, count in everywhere.items():
            assert inside[stratum] == pytest.approx(0.2 * count, rel=0.25)


def test_a_method_whose_only_group_went_to_the_test_leaves_the_folds_even():
    rows = synthetic.rows(12, 1)
    for group in sorted({row["group_id"] for row in rows}):
        rare = [
            row | {"method": "rare"} if (row["label"], row["group_id"]) == ("fake", group) else row
            for row in rows
        ]
        split = splits.make(rare, "grouped", **ORIGINAL | {"k": 3, "test_size": 0.3})
        folds = collections.Counter(cut["fold"] for cut in split if cut["part"] == "train")
        assert max(folds.values()) < 2.5 * min(folds.values())


def test_the_order_of_the_rows_does_not_change_where_groups_go():
    rows = synthetic.rows(30)
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    found = [
        cut_groups(order, splits.make(order, "grouped", **ORIGINAL)) for order in (rows, shuffled)
    ]
    assert found[0] == found[1]


def test_rows_are_thinned_within_each_class_whatever_lies_between():
    rows = synthetic.rows(30)
    split = splits.make(rows, "grouped", **ORIGINAL | {"every": 3, "k": 2})
    for label in ("fake", "real"):
        mine = [cut for row, cut in zip(rows, split, strict=True) if row["label"] == label]
        used = [cut["part"] != "unused" for cut in mine]
        assert used == [i % 3 == 0 for i in range(len(mine))]


@pytest.mark.parametrize("groups", [3, 4, 5])
def test_too_few_groups_say_how_many_folds_would_work(groups):
    rows = synthetic.rows(groups)
    with pytest.raises(splits.SplitError, match=f"{groups} groups.*k to {groups - 1} or less"):
        splits.make(rows, "grouped", **ORIGINAL)
    split = splits.make(rows, "grouped", **ORIGINAL | {"k": groups - 1, "test_size": 0.1})
    assert not splits.audit(rows, split)["leaky"]


def test_two_groups_need_more_people():
    with pytest.raises(splits.SplitError, match="2 groups are too few; bring more people"):
        splits.make(synthetic.rows(2), "grouped", **ORIGINAL)


@pytest.mark.parametrize("protocol", splits.PROTOCOLS)
def test_one_class_is_refused(protocol):
    rows = [row for row in synthetic.rows(20) if row["label"] == "fake"]
    with pytest.raises(splits.SplitError, match="every face is fake; need both classes"):
        splits.make(rows, protocol, **ORIGINAL)
    with pytest.raises(splits.SplitError, match="need both classes"):
        splits.make([], protocol, **ORIGINAL)


def test_a_fold_without_one_class_is_refused():
    rows = [row for row in synthetic.rows(20) if row["label"] == "real" or row["group_id"] < "g003"]
    with pytest.raises(splits.SplitError, match="has no fake face"):
        splits.make(rows, "grouped", **ORIGINAL)


def test_too_few_rows_for_the_folds_are_refused():
    with pytest.raises(splits.SplitError, match="frame split of 8 rows"):
        splits.make(original_rows(4, 4), "frame", **ORIGINAL)


@pytest.mark.parametrize(
    ("column", "kind"), [("video_id", "videos"), ("clip_id", "clips"), ("group_id", "groups")]
)
@pytest.mark.parametrize("where", ["test", "folds"])
def test_the_audit_finds_what_two_sides_share(column, kind, where):
    rows = [row | {"clip_id": row["video_id"]} for row in synthetic.rows(20)]
    split = splits.make(rows, "grouped", **ORIGINAL | {"k": 3})
    assert not splits.audit(rows, split)["leaky"]
    sides = {"test": ("", 0), "folds": (2, 1)}[where]
    first, second = (next(i for i, cut in enumerate(split) if cut["fold"] == s) for s in sides)
    rows[first] = rows[first] | {column: rows[second][column]}
    audit = splits.audit(rows, split)
    assert audit["leaky"]
    assert audit[where][kind] == 1
    assert (audit[where]["rows_with_sibling"] > 0) == (column == "video_id")


def test_the_audit_of_a_frame_split_says_that_nearly_every_row_has_a_sibling():
    rows = original_rows(350, 350)
    audit = splits.audit(
        [row | {"clip_id": row["video_id"]} for row in rows], splits.make(rows, "frame", **ORIGINAL)
    )
    assert audit["leaky"]
    assert audit["test"]["rows_with_sibling"] > 0.99


def test_unknown_clips_are_not_taken_for_shared_ones():
    rows = [row | {"clip_id": ""} for row in synthetic.rows(20)]
    split = splits.make(rows, "grouped", **ORIGINAL)
    assert splits.audit(rows, split)["test"]["clips"] == 0


def test_people_on_two_sides_are_a_leak_whatever_the_groups_say():
    found = synthetic.rows(12)
    split = splits.make(found, "grouped", **ORIGINAL | {"k": 3})
    train = next(r for r, s in zip(found, split, strict=True) if s["part"] == "train")
    test = next(r for r, s in zip(found, split, strict=True) if s["part"] == "test")
    assert not splits.audit(found, split)["leaky"]
    train["target_id"], test["source_id"] = "set:anna", "set:anna"
    audit = splits.audit(found, split)
    assert audit["test"]["people"] == 1
    assert audit["leaky"]


def test_fakes_of_unknown_people_are_counted():
    found = synthetic.rows(12)
    fakes = {row["video_id"] for row in found if row["label"] == "fake"}
    split = splits.make(found, "grouped", **ORIGINAL | {"k": 3})
    assert splits.audit(found, split)["unlinked_fakes"] == len(fakes)
    for row in found:
        row["target_id"] = row["video_id"]
    assert splits.audit(found, split)["unlinked_fakes"] == 0
