"""Tests of splits: the original's exact counts, and who is on which side under each protocol."""

import collections

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from deepfake.core import tables
from deepfake.dataset import sheet
from deepfake.splits import assignment, dealing, leak_audit, parts, protocols, sides
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
    split = assignment.make(rows, "frame", **ORIGINAL | {"every": every, "test_size": test_size})
    assert counts(rows, split, "test") == test
    train = counts(rows, split, "train")
    assert (train[0] + test[0], train[1] + test[1]) == used
    unused = counts(rows, split, "unused")
    assert (unused[0] + used[0], unused[1] + used[1]) == (6984, 7000)
    assert all(cut["fold"] == "" for cut in split if cut["part"] != "train")
    assert all(tuple(cut) == assignment.COLUMNS for cut in split)
    for number, (row, cut) in enumerate(zip(rows, split, strict=True)):
        assert (cut["row"], cut["video_id"]) == (number, row["video_id"])
        assert cut["frame"] == row["frame"]


@pytest.mark.parametrize("shuffle", [False, True])
def test_frame_folds_are_those_of_scikit_learn(shuffle):
    from sklearn.model_selection import train_test_split

    rows = sorted(original_rows(120, 150), key=lambda row: row["label"])  # fakes first
    split = assignment.make(rows, "frame", **ORIGINAL | {"shuffle": shuffle, "k": 4})
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
    found = [assignment.make(rows, protocol, **settings, seed=seed) for seed in (1, 1, 2)]
    assert found[0] == found[1]
    assert [cut["part"] for cut in found[0]] != [cut["part"] for cut in found[2]]


@pytest.mark.parametrize("seed", range(30))
def test_no_group_is_ever_on_two_sides(seed):
    generator = np.random.default_rng(seed)
    groups, k = int(generator.integers(12, 60)), int(generator.integers(2, 6))
    test_size = float(generator.uniform(0.15, 0.4))
    rows = synthetic.rows(groups, seed, frames=7, methods=("swap", "reenact"))
    split = assignment.make(
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
    found = leak_audit.audit(rows, split, "grouped")
    assert not found["leaky"]
    assert not found["leaky_folds"]
    assert found["parts"]["test"]["rows"] == fakes + reals


def test_folds_are_about_even_and_keep_the_shares_of_labels_and_methods():
    rows = synthetic.rows(200, 3, methods=("swap", "reenact"))
    split = assignment.make(rows, "grouped", **ORIGINAL | {"k": 4})
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
        split = assignment.make(rare, "grouped", **ORIGINAL | {"k": 3, "test_size": 0.3})
        folds = collections.Counter(cut["fold"] for cut in split if cut["part"] == "train")
        assert max(folds.values()) < 2.5 * min(folds.values())


def test_the_order_of_the_rows_does_not_change_where_groups_go():
    rows = synthetic.rows(30)
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    found = [
        cut_groups(order, assignment.make(order, "grouped", **ORIGINAL))
        for order in (rows, shuffled)
    ]
    assert found[0] == found[1]


def test_rows_are_thinned_within_each_class_whatever_lies_between():
    rows = synthetic.rows(30)
    split = assignment.make(rows, "grouped", **ORIGINAL | {"every": 3, "k": 2})
    for label in ("fake", "real"):
        mine = [cut for row, cut in zip(rows, split, strict=True) if row["label"] == label]
        used = [cut["part"] != "unused" for cut in mine]
        assert used == [i % 3 == 0 for i in range(len(mine))]


@pytest.mark.parametrize("groups", [3, 4, 5])
def test_too_few_groups_say_how_many_folds_would_work(groups):
    rows = synthetic.rows(groups)
    for protocol, units, more in (
        ("grouped", "group_id", "people"),
        ("video", "video_id", "videos"),
    ):
        mine = [row | {"video_id": row["group_id"]} for row in rows]
        name = units.removesuffix("_id")
        message = (
            f"{protocol} split: {groups} {name}s cannot fill a test set and 5 folds; "
            f"set split.folds.k to {groups - 1} or less, or add more {more}"
        )
        with pytest.raises(assignment.SplitError, match=f"^{message}$"):
            assignment.make(mine, protocol, **ORIGINAL)
    split = assignment.make(rows, "grouped", **ORIGINAL | {"k": groups - 1, "test_size": 0.1})
    assert not leak_audit.audit(rows, split, "grouped")["leaky"]


def test_two_groups_need_more_people():
    with pytest.raises(assignment.SplitError, match="2 groups are too few; add more people"):
        assignment.make(synthetic.rows(2), "grouped", **ORIGINAL)


@pytest.mark.parametrize("protocol", assignment.PROTOCOLS)
def test_one_class_is_refused(protocol):
    rows = [row for row in synthetic.rows(20) if row["label"] == "fake"]
    with pytest.raises(assignment.SplitError, match="every face is fake; need both classes"):
        assignment.make(rows, protocol, **ORIGINAL)
    with pytest.raises(assignment.SplitError, match="need both classes"):
        assignment.make([], protocol, **ORIGINAL)


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
    with pytest.raises(assignment.SplitError, match="1 groups are too few"):
        assignment.make(rows, "grouped", **ORIGINAL)
    split = assignment.make(rows, "identity", **ORIGINAL | {"k": 3, "seed": seed})
    people = places(rows, split, ("target_id", "source_id"))
    assert all(len(parts) == 1 for parts in people.values())
    assert len(people) == 30
    mixing = 0
    for row, cut in zip(rows, split, strict=True):
        if cut["part"] == "unused":
            mixing += 1
            assert cut["reason"] == "mixes people of both sides"
            assert row["label"] == "fake"
            assert people[row["target_id"]] != people[row["source_id"]]
    assert assignment.unused(split) == [
        {"reason": "mixes people of both sides", "rows": mixing, "videos": mixing // 2}
    ]
    reals = [c["part"] for r, c in zip(rows, split, strict=True) if r["label"] == "real"]
    assert 0.1 <= reals.count("test") / len(reals) <= 0.3
    found = leak_audit.audit(rows, split, "identity")
    assert found["test"]["people"] == found["test"]["clips"] == 0
    assert not found["leaky"]
    assert found["leaky_folds"] == bool(found["folds"]["people"])


def test_an_identity_split_of_pairs_drops_nothing():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40)
    split = assignment.make(rows, "identity", **ORIGINAL)
    assert assignment.unused(split) == []
    found = leak_audit.audit(rows, split, "identity")
    assert not found["leaky"]
    assert not found["leaky_folds"]
    assert found["parts"]["test"]["rows"] == pytest.approx(0.2 * len(rows), rel=0.1)


def test_a_face_whose_own_clips_are_not_there_is_on_one_side_too():
    rows = [row for row in swaps(RING, 30) if row["target_id"] not in ("p03", "p17")]
    split = assignment.make(rows, "identity", **ORIGINAL | {"k": 3})
    people = places(rows, split, ("target_id", "source_id"))
    assert all(len(parts) == 1 for parts in people.values())


def test_large_units_are_dealt_first():
    """Small ones first would leave the large one where it does not fit."""
    sizes = [1] * 10 + [6, 4]
    rows = [{"label": "real", "method": ""} for size in sizes for _ in range(size)]
    keys = np.repeat([f"{number:02}" for number in range(len(sizes))], sizes)
    parts = dealing.deal(tables.of(rows), keys, [0.5, 0.5], None)
    assert np.bincount(parts).tolist() == [10, 10]
    assert parts[keys == "10"][0] != parts[keys == "11"][0]


@pytest.mark.parametrize("unknown", ["", "clip_id", "target_id"])
@pytest.mark.parametrize("seed", [1, 2, 4, 5])
def test_rows_mix_whose_donor_is_of_the_other_side(seed, unknown, monkeypatch):
    """A donor whose own clips are not there is of the side with most of the fakes that wear it."""
    monkeypatch.setattr(sides, "DEALS", 3)
    pairs = [(n, (n + 7 * k + seed) % 30) for n in range(20) for k in range(1 + n % 3)]
    rows = [row for row in swaps(pairs, 30) if row["label"] == "fake"]
    units = np.array([row["target_id"] for row in rows])
    rows = tables.of([row | {unknown: ""} for row in rows])  # one of the two names is enough
    side, mixes = sides._cut_with_least_loss(rows, units, [0.6, 0.4], np.random.default_rng(seed))
    homes = dict(zip(units.tolist(), side.tolist(), strict=True))
    worn: dict[str, list[int]] = {}
    for row, mine in zip(rows, side.tolist(), strict=True):
        worn.setdefault(row["source_id"], []).append(mine)
    absent = [mine for donor, mine in worn.items() if donor not in homes]
    assert any(sum(mine) * 2 == len(mine) for mine in absent)  # a tie is of the training
    for row, mine, mixed in zip(rows, side, mixes, strict=True):
        mine_worn = worn[row["source_id"]]
        home = homes.get(row["source_id"], int(2 * sum(mine_worn) > len(mine_worn)))
        assert mixed == (home != mine)
    monkeypatch.setattr(sides, "DEALS", 1)
    first = sides._cut_with_least_loss(rows, units, [0.6, 0.4], np.random.default_rng(seed))
    assert mixes.sum() <= first[1].sum()


def test_a_video_split_deals_whole_videos_whoever_is_in_them():
    rows = swaps(RING, 30)
    split = assignment.make(rows, "video", **ORIGINAL)
    assert all(len(parts) == 1 for parts in places(rows, split, ("video_id",)).values())
    assert {2} == {len(p) for p in places(rows, split, ("group_id",)).values()}
    assert counts(rows, split, "test") == (36, 12)
    assert leak_audit.audit(rows, split, "video")["leaky"]


def test_the_official_split_is_the_datasets_own():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40)
    for row in rows:
        number = int(row["target_id"][1:])
        row["official"] = "test" if number < 10 else "val" if number < 16 else "train"
        row["official"] = "" if number >= 36 else row["official"]
    split = assignment.make(rows, "official", **ORIGINAL | {"k": 3})
    parts = {"test": "test", "val": "train", "train": "train", "": "unused"}
    assert [cut["part"] for cut in split] == [parts[row["official"]] for row in rows]
    assert assignment.unused(split) == [
        {"reason": "not in the dataset's lists", "rows": 16, "videos": 8}
    ]
    folds = cut_groups(rows, split)
    assert all(len(place) == 1 for place in folds.values())
    assert not leak_audit.audit(rows, split, "official")["leaky_folds"]


def test_an_official_split_that_shares_people_is_leaky():
    rows = swaps([(n, n ^ 1) for n in range(20)], 20)
    for number, row in enumerate(rows):
        row["official"] = "test" if number % 4 == 0 else "train"
    found = leak_audit.audit(
        rows, assignment.make(rows, "official", **ORIGINAL | {"k": 2}), "official"
    )
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
    with pytest.raises(assignment.SplitError, match=message):
        assignment.make(rows, "official", **ORIGINAL)


def test_a_cross_split_trains_on_some_methods_and_tests_on_others():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40, methods=("a", "b", "c", "d"))
    cross = {"by": "method", "train": ["a", "b"], "test": ["c"]}
    split = assignment.make(rows, "cross", **ORIGINAL | {"k": 3}, cross=cross)
    methods = collections.defaultdict(set)
    for row, cut in zip(rows, split, strict=True):
        methods[cut["part"]].add(row["method"])
    assert methods["train"] == {"a", "b", ""}
    assert methods["test"] == {"c", ""}
    found = leak_audit.audit(rows, split, "cross")
    assert not found["leaky"]
    assert not found["leaky_folds"]
    assert {left["reason"]: left["videos"] for left in found["unused"]} == {
        "its method is on neither side": 40,
        "its method belongs to one side and its people to the other": 8 * 2 + 32,
    }
    assert counts(rows, split, "test") == (8 * 2, 8 * 2)
    assert all(cut["part"] != "unused" for r, cut in zip(rows, split, strict=True)
               if r["label"] == "real")  # fmt: skip


def test_every_protocol_is_told_and_cross_names_its_sides():
    cross = {"by": "method", "train": ["a", "{b}"], "test": ["c"]}
    assert set(protocols.ABOUT) == set(assignment.PROTOCOLS)
    assert "different methods: training a, {b}, test c." in protocols.describe("cross", cross)
    assert all(
        "{" not in protocols.describe(name) for name in assignment.PROTOCOLS if name != "cross"
    )


def test_a_cross_split_of_datasets_takes_each_whole():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40)
    for row in rows:
        row["dataset"] = "one" if row["target_id"] < "p20" else "two"
    cross = {"by": "dataset", "train": ["one"], "test": ["two"]}
    split = assignment.make(rows, "cross", **ORIGINAL | {"k": 3}, cross=cross)
    assert [cut["part"] for cut in split] == [
        "train" if row["dataset"] == "one" else "test" for row in rows
    ]


def test_a_cross_split_of_datasets_with_the_same_people_keeps_each_on_one_side():
    rows = swaps([(n, n ^ 1) for n in range(40)], 40, methods=("a", "b"))
    for row in rows:
        row["dataset"] = "two" if row["method"] == "b" or row["target_id"] > "p35" else "one"
    cross = {"by": "dataset", "train": ["one"], "test": ["two"]}
    split = assignment.make(rows, "cross", **ORIGINAL | {"k": 3}, cross=cross)
    assert not leak_audit.audit(rows, split, "cross")["leaky"]
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
    with pytest.raises(assignment.SplitError, match=message):
        assignment.make(
            rows, "cross", **ORIGINAL, cross={"by": by, "train": ["a"], "test": [known, value]}
        )


def test_a_fold_without_one_class_is_refused():
    rows = [row for row in synthetic.rows(20) if row["label"] == "real" or row["group_id"] < "g003"]
    with pytest.raises(assignment.SplitError, match="has no fake face"):
        assignment.make(rows, "grouped", **ORIGINAL)


def test_too_few_rows_for_the_folds_are_refused():
    with pytest.raises(assignment.SplitError, match="frame split of 8 rows"):
        assignment.make(original_rows(4, 4), "frame", **ORIGINAL)


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (["grouped", "frame"], ["grouped"]),
        (["video", "official", "frame", "cross"], ["official", "cross"]),
        (["frame", "video"], ["frame", "video"]),
    ],
)
def test_protocols_that_mix_people_take_part_only_where_there_is_no_other(names, apart) -> None:
    assert protocols.person_disjoint(names) == apart


def test_rows_of_a_part_carry_their_line_of_the_split():
    rows = [{"row": number, "video_id": f"v{number}"} for number in range(4)]
    split = [
        {"row": str(n), "part": part, "fold": part[:2]}
        for n, part in enumerate(["train", "test", "unused", "test"])
    ]
    found = parts.rows_of(rows, split, "test")
    assert list(found) == [
        {"row": number, "video_id": f"v{number}", "part": "test", "fold": "te"} for number in (1, 3)
    ]
    assert len(parts.rows_of(rows, split, "train", "test")) == 3


@pytest.mark.parametrize("numbers", [(0, 1), (0, 2, 1), (0, 1, 2, 3)])
def test_a_split_of_other_rows_is_refused(numbers):
    rows = [{"row": str(number)} for number in range(3)]
    split = [{"row": number, "part": "test"} for number in numbers]
    with pytest.raises(ValueError, match="the split has"):
        parts.rows_of(rows, split, "test")


@pytest.mark.parametrize(
    ("method", "test_size", "left"), [("", 0.8, 2), ("one of its own", 0.2, 6)]
)
def test_a_test_share_that_leaves_too_little_or_all_is_refused(method, test_size, left):
    rows = [row | {"method": method and row["group_id"]} for row in even_groups(6)]
    message = f"a test share of {test_size:g} leaves {left} of 6 groups to 3 folds"
    with pytest.raises(assignment.SplitError, match=message):
        assignment.make(rows, "grouped", **ORIGINAL | {"k": 3, "test_size": test_size})


def even_groups(groups: int, **more: str) -> list[dict]:
    """Rows of groups that are alike: a real and a fake video each."""
    return [
        {"video_id": f"{label} {number:02}", "frame": "0", "label": label, "method": "",
         "group_id": f"g{number:02}"} | more
        for number in range(groups)
        for label in ("fake", "real")
    ]  # fmt: skip


@pytest.mark.parametrize("protocol", ["grouped", "official"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_folds_of_equal_groups_are_in_the_order_of_the_names_unless_shuffled(protocol, shuffle):
    rows = even_groups(40, official="train")
    for row in rows[:10]:
        row["official"] = "test"
    split = assignment.make(rows, protocol, **ORIGINAL | {"k": 3, "shuffle": shuffle})
    found = [cut["fold"] for cut in split if cut["part"] == "train"][::2]
    assert (found == [number % 3 for number in range(len(found))]) == (not shuffle)


def test_a_rare_method_is_spread_over_the_parts_before_a_common_one():
    """The second of its two videos goes to the part that has none, though that one is fuller."""
    units = [("common", 9, "a"), ("rare", 1, "a"), ("common", 10, "b"), ("common", 4, "c")]
    units.append(("rare", 1, "c"))
    rows = [{"label": "fake", "method": method} for method, count, _ in units for _ in range(count)]
    keys = np.array([key for _, count, key in units for _ in range(count)])
    part_of = dict(
        zip(keys, dealing.deal(tables.of(rows), keys, [0.5, 0.5], None).tolist(), strict=True)
    )
    assert part_of == {"a": 0, "b": 1, "c": 1}


def test_a_test_whose_faces_of_a_class_are_all_unused_is_refused():
    rows = even_groups(20, official="train")
    for number, row in enumerate(rows[:16]):
        row["official"] = "test" if row["label"] == "fake" else ""
        row["group_id"] = f"t{number}"
    with pytest.raises(assignment.SplitError, match="the test set has no real face"):
        assignment.make(rows, "official", **ORIGINAL | {"k": 3})


def test_an_identity_split_of_rows_without_names_goes_by_video():
    rows = [row | {"group_id": ""} for row in even_groups(20) for _ in range(3)]
    split = assignment.make(rows, "identity", **ORIGINAL | {"k": 3})
    found = places(rows, split, ("video_id",))
    assert len(found) == 40
    assert all(len(parts) == 1 for parts in found.values())


def test_what_the_package_names_as_its_own_is_there():
    assert all(hasattr(assignment, name) for name in assignment.__all__)


def test_a_paired_training_has_a_fake_only_beside_its_original():
    rows = synthetic.rows(12, seed=3)
    for row in rows:  # a clip is an original and its fake; some fakes are of clips elsewhere
        row["clip_id"] = row["video_id"].removesuffix("real").removesuffix("fake")
        if row["label"] == "fake" and row["group_id"] in ("g001", "g004"):
            row["clip_id"] = "" if row["group_id"] == "g001" else "lost"
    how = ORIGINAL | {"k": 3, "test_size": 0.3}
    plain = assignment.make(rows, "grouped", **how)
    paired = assignment.make(rows, "grouped", **how, paired=True)
    left_out = set()
    for row, before, after in zip(rows, plain, paired, strict=True):
        alone = row["label"] == "fake" and row["clip_id"] in ("", "lost")
        if before["part"] == "train" and alone:
            assert (after["part"], after["reason"]) == ("unused", assignment.UNPAIRED)
            left_out.add(row["video_id"])
        else:
            assert after == before
    (counted,) = assignment.unused(paired)
    assert counted["videos"] == len(left_out) > 0


def test_a_fake_whose_original_is_in_the_test_is_left_out_of_a_paired_training():
    rows = synthetic.rows(20, seed=5, frames=1)
    for row in rows:
        row["clip_id"] = row["video_id"].removesuffix("real").removesuffix("fake")
    split = assignment.make(rows, "video", **ORIGINAL | {"k": 2}, paired=True)
    training = {
        label: {
            row["clip_id"]
            for row, cut in zip(rows, split, strict=True)
            if cut["part"] == "train" and row["label"] == label
        }
        for label in ("fake", "real")
    }
    assert training["fake"]
    assert training["fake"] <= training["real"]
    assert {cut["reason"] for cut in split} == {"", assignment.UNPAIRED}
