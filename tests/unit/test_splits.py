"""Tests of splits: the original's exact counts, and who is on which side under each protocol."""

import collections

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from deepfake import audit, protocols, sheet, splits
from tests.unit import synthetic

BY_SHARE = ("grouped", "identity", "video", "frame")  # the others' sides are not the seed's
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


@pytest.mark.parametrize("protocol", BY_SHARE)
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
    found = audit.audit(rows, split, "grouped")
    assert not found["leaky"]
    assert not found["leaky_folds"]
    assert found["parts"]["test"]["rows"] == fakes + reals


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
    assert not audit.audit(rows, split, "grouped")["leaky"]


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


def places(rows: list[dict], split: list[dict], columns: tuple) -> dict[str, set]:
    """Parts in which each name of these columns is used."""
    found = collections.defaultdict(set)
    for row, cut in zip(rows, split, strict=True):
        if cut["part"] != "unused":
            for column in columns:
                if row[column]:
                    found[row[column]].add(cut["part"])
    return found


def swaps(pairs: list[tuple[int, int]], people: int, methods: tuple = ("swap",)) -> list[dict]:
    """Rows of two frames a video: a real clip of each person, a fake for each (body, face)."""
    clips = [(f"p{n:02}", "", "") for n in range(people)]
    clips += [(f"p{a:02}", f"p{b:02}", method) for a, b in pairs for method in methods]
    rows = []
    for target, source, method in clips:
        row = {"video_id": f"{target}_{source}_{method}", "label": "fake" if source else "real"}
        row |= {"clip_id": target, "target_id": target, "source_id": source, "method": method}
        rows += [row | {"frame": str(frame), "dataset": "made-up"} for frame in range(2)]
    sheet.assign_groups(rows)
    return rows


RING = [(n, (n + step) % 30) for n in range(30) for step in (1, 2, 5)]  # one group of all


@pytest.mark.parametrize("seed", range(8))
def test_nobody_is_on_both_sides_of_an_identity_split_of_linked_people(seed):
    rows = swaps(RING, 30)
    assert len({row["group_id"] for row in rows}) == 1
    with pytest.raises(splits.SplitError, match="1 groups are too few"):
        splits.make(rows, "grouped", **ORIGINAL)
    split = splits.make(rows, "identity", **ORIGINAL | {"k": 3, "seed": seed})
    people = places(rows, split, ("target_id", "source_id"))
    assert all(len(parts) == 1 for parts in people.values())
    assert len(people) == 30
    mixing = 0
    for row, cut in zip(rows, split, strict=True):
        if cut["part"] == "unused":
            mixing += 1
            assert cut["reason"] == "mixes a person of each side"
            assert row["label"] == "fake"
            assert people[row["target_id"]] != people[row["source_id"]]
    assert splits.unused(split) == [
        {"reason": "mixes a person of each side", "rows": mixing, "videos": mixing // 2}
    ]
    reals = [c["part"] for r, c in zip(rows, split, strict=True) if r["label"] == "real"]
    assert 0.1 <= reals.count("test") / len(reals) <= 0.3
    found = audit.audit(rows, split, "identity")
    assert found["test"]["people"] == found["test"]["clips"] == 0
    assert not found["leaky"]
    assert found["leaky_folds"] == bool(found["folds"]["people"])


def test_an_identity_split_of_pairs_drops_nothing():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40)
    split = splits.make(rows, "identity", **ORIGINAL)
    assert splits.unused(split) == []
    found = audit.audit(rows, split, "identity")
    assert not found["leaky"]
    assert not found["leaky_folds"]
    assert found["parts"]["test"]["rows"] == pytest.approx(0.2 * len(rows), rel=0.1)


def test_a_face_whose_own_clips_are_not_there_is_on_one_side_too():
    rows = [row for row in swaps(RING, 30) if row["target_id"] not in ("p03", "p17")]
    split = splits.make(rows, "identity", **ORIGINAL | {"k": 3})
    people = places(rows, split, ("target_id", "source_id"))
    assert all(len(parts) == 1 for parts in people.values())


def test_a_video_split_deals_whole_videos_whoever_is_in_them():
    rows = swaps(RING, 30)
    split = splits.make(rows, "video", **ORIGINAL)
    assert all(len(parts) == 1 for parts in places(rows, split, ("video_id",)).values())
    assert {2} == {len(p) for p in places(rows, split, ("group_id",)).values()}
    assert counts(rows, split, "test") == (36, 12)
    assert audit.audit(rows, split, "video")["leaky"]


def test_the_official_split_is_the_datasets_own():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40)
    for row in rows:
        number = int(row["target_id"][1:])
        row["official"] = "test" if number < 10 else "val" if number < 16 else "train"
        row["official"] = "" if number >= 36 else row["official"]
    split = splits.make(rows, "official", **ORIGINAL | {"k": 3})
    parts = {"test": "test", "val": "train", "train": "train", "": "unused"}
    assert [cut["part"] for cut in split] == [parts[row["official"]] for row in rows]
    assert splits.unused(split) == [
        {"reason": "the dataset's lists do not name it", "rows": 16, "videos": 8}
    ]
    folds = cut_groups(rows, split)
    assert all(len(place) == 1 for place in folds.values())
    assert not audit.audit(rows, split, "official")["leaky_folds"]


def test_an_official_split_that_shares_people_is_leaky():
    rows = swaps([(n, n ^ 1) for n in range(20)], 20)
    for number, row in enumerate(rows):
        row["official"] = "test" if number % 4 == 0 else "train"
    found = audit.audit(rows, splits.make(rows, "official", **ORIGINAL | {"k": 2}), "official")
    assert found["leaky"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("",), "official split: no video of the sheet has a part"),
        (("train", "val"), "no face has the part test"),
        (("test", ""), "no face has the part train or val"),
    ],
)
def test_an_official_split_that_no_list_makes_is_refused(parts, message):
    rows = swaps([(n, n ^ 1) for n in range(20)], 20)
    rows = [row | {"official": parts[n % len(parts)]} for n, row in enumerate(rows)]
    with pytest.raises(splits.SplitError, match=message):
        splits.make(rows, "official", **ORIGINAL)


def test_a_cross_split_trains_on_some_methods_and_tests_on_others():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40, methods=("a", "b", "c", "d"))
    cross = {"by": "method", "train": ["a", "b"], "test": ["c"]}
    split = splits.make(rows, "cross", **ORIGINAL | {"k": 3}, cross=cross)
    methods = collections.defaultdict(set)
    for row, cut in zip(rows, split, strict=True):
        methods[cut["part"]].add(row["method"])
    assert methods["train"] == {"a", "b", ""}
    assert methods["test"] == {"c", ""}
    found = audit.audit(rows, split, "cross")
    assert not found["leaky"]
    assert not found["leaky_folds"]
    assert {left["reason"]: left["videos"] for left in found["unused"]} == {
        "its method is on neither side": 40,
        "its method is of one side and its people are on the other": 8 * 2 + 32,
    }
    assert counts(rows, split, "test") == (8 * 2, 8 * 2)
    assert all(cut["part"] != "unused" for r, cut in zip(rows, split, strict=True)
               if r["label"] == "real")  # fmt: skip


def test_every_protocol_is_told_and_cross_names_its_sides():
    cross = {"by": "method", "train": ["a", "{b}"], "test": ["c"]}
    assert set(protocols.ABOUT) == set(splits.PROTOCOLS)
    assert "different methods: training a, {b}, test c." in protocols.told("cross", cross)
    assert all("{" not in protocols.told(name) for name in splits.PROTOCOLS if name != "cross")


def test_a_cross_split_of_datasets_takes_each_whole():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40)
    for row in rows:
        row["dataset"] = "one" if row["target_id"] < "p20" else "two"
    cross = {"by": "dataset", "train": ["one"], "test": ["two"]}
    split = splits.make(rows, "cross", **ORIGINAL | {"k": 3}, cross=cross)
    assert [cut["part"] for cut in split] == [
        "train" if row["dataset"] == "one" else "test" for row in rows
    ]


def test_a_cross_split_of_datasets_with_the_same_people_keeps_each_on_one_side():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40, methods=("a", "b"))
    for row in rows:
        row["dataset"] = "two" if row["method"] == "b" or row["target_id"] > "p35" else "one"
    cross = {"by": "dataset", "train": ["one"], "test": ["two"]}
    split = splits.make(rows, "cross", **ORIGINAL | {"k": 3}, cross=cross)
    assert not audit.audit(rows, split, "cross")["leaky"]
    used = {(row["dataset"], cut["part"]) for row, cut in zip(rows, split, strict=True)}
    assert {("one", "train"), ("two", "test")} <= used
    assert not {("one", "test"), ("two", "train")} & used


@pytest.mark.parametrize(
    ("by", "value", "message"),
    [
        ("method", "bb", r"split.cross.test\[1\]: 'bb' is no method .* did you mean b\?"),
        ("dataset", "other", "'other' is no dataset of the sheet; known are made-up"),
        ("compression", "c23", "'c23' is no compression of the sheet; its column .* is empty"),
    ],
)
def test_a_side_that_is_not_in_the_sheet_is_refused(by, value, message):
    rows = swaps([(n, n ^ 1) for n in range(20)], 20, methods=("a", "b"))
    known = rows[0].get(by) or "b"
    with pytest.raises(splits.SplitError, match=message):
        splits.make(
            rows, "cross", **ORIGINAL, cross={"by": by, "train": ["a"], "test": [known, value]}
        )


def test_a_fold_without_one_class_is_refused():
    rows = [row for row in synthetic.rows(20) if row["label"] == "real" or row["group_id"] < "g003"]
    with pytest.raises(splits.SplitError, match="has no fake face"):
        splits.make(rows, "grouped", **ORIGINAL)


def test_too_few_rows_for_the_folds_are_refused():
    with pytest.raises(splits.SplitError, match="frame split of 8 rows"):
        splits.make(original_rows(4, 4), "frame", **ORIGINAL)


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (["grouped", "frame"], ["grouped"]),
        (["video", "official", "frame", "cross"], ["official", "cross"]),
        (["frame", "video"], ["frame", "video"]),
    ],
)
def test_protocols_that_mix_people_take_part_only_where_there_is_no_other(names, apart) -> None:
    assert protocols.apart(names) == apart
