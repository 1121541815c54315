"""Tests of compiled trees: every split against brute force, forests against scikit-learn's."""

import hashlib
import itertools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from deepfake.features.matrix import InMemoryMatrix
from deepfake.models import cuts, forest, trees
from deepfake.models.job_size import Size
from deepfake.models.specs import forest as specs_forest
from tests.unit import synthetic

PLAIN = synthetic.GRIDS["forest"][0]
EVERY = PLAIN | {"max_features": 1.0, "n_estimators": 3}


def impurity(real: float, fake: float, entropy: bool):
    """Of a node by the weights of its classes, times its weight; exact for gini."""
    if not entropy:
        return Fraction(real * fake, real + fake)
    shares = np.array([real, fake]) / (real + fake)
    return -(real + fake) * sum(share * np.log(share) for share in shares if share)


def decrease(values, real, fake, cut: int, entropy: bool):
    left = values <= cut
    sides = [(int(real[side].sum()), int(fake[side].sum())) for side in (left, ~left)]
    whole = impurity(int(real.sum()), int(fake.sum()), entropy)
    return whole - sum(impurity(*side, entropy) for side in sides)


def cuts_of(values: np.ndarray, least: int) -> list[int]:
    """Where a feature may be cut: the last value that goes left."""
    return [
        int(cut)
        for cut in np.unique(values)[:-1]
        if min((values <= cut).sum(), (values > cut).sum()) >= least
    ]


def assert_best(
    pixels, real, fake, tried, feature, threshold, least, entropy, in_order=True
) -> None:
    """A split is the best of all cuts of the features tried, the first of equal ones."""
    found = [
        (decrease(pixels[:, f], real, fake, cut, entropy), f, cut)
        for f in tried
        for cut in cuts_of(pixels[:, f], least)
    ]
    if feature < 0:
        assert not found
        return
    values = pixels[:, feature]
    last = int(values[values <= threshold].max())
    assert threshold == (last + int(values[values > threshold].min())) // 2
    best = max(size for size, _, _ in found)
    chosen = decrease(values, real, fake, last, entropy)
    if entropy:
        assert chosen == pytest.approx(best, rel=1e-9, abs=1e-9)
    else:
        assert chosen == best
    if in_order and not entropy:
        assert (feature, last) == next((f, cut) for size, f, cut in found if size == best)


def room():
    return (
        np.zeros((cuts.WIDTH, 256), np.int64), np.empty(16, np.int64), np.empty(256, np.int64),
        np.empty(256),
        np.empty(cuts.FEW, np.int32), np.empty(cuts.FEW, np.int32), cuts.xlogx(1000),
    )  # fmt: skip


def frozen(pixels: np.ndarray) -> np.ndarray:
    """Columns as the kernels take them."""
    columns = np.ascontiguousarray(pixels.T)
    columns.flags.writeable = False
    return columns


@pytest.mark.parametrize("n", [2, 3, 31, 32, 33, 120])
@pytest.mark.parametrize("least", [1, 4])
@pytest.mark.parametrize("entropy", [False, True])
def test_a_split_is_the_best_of_the_features_tried(n, least, entropy):
    generator = np.random.default_rng(n)
    buffers = room()
    splits = 0
    for levels, tried in itertools.product((2, 9, 256), (1, 3, 4, 11)):
        pixels = generator.integers(0, levels, (n, 40)).astype(np.uint8)
        pixels[:, ::3] = 5
        isfake = generator.permutation(np.arange(n) % 2 == 0)
        times = generator.integers(1, 5, n)
        cells = (times << np.where(isfake, cuts.FIELD, 0)) + (1 << 2 * cuts.FIELD)
        features = np.arange(40, dtype=np.int32)
        feature, threshold, seen = cuts.split(
            frozen(pixels), np.arange(n, dtype=np.uint32), cells, features,
            np.array([n], np.uint64), tried, least, entropy, buffers,
        )  # fmt: skip
        assert sorted(features) == list(range(40))
        front = features[:seen]
        real, fake = (np.where(isfake == is_, times, 0) for is_ in (False, True))
        assert_best(pixels, real, fake, front, feature, threshold, least, entropy)
        varied = [len(np.unique(pixels[:, f])) > 1 for f in front]
        if feature >= 0:
            splits += 1
        if seen < tried:  # ended early: both sides are pure
            left = pixels[:, feature] <= threshold
            assert len({*isfake[left]}) == len({*isfake[~left]}) == 1
        if seen > tried:  # only while all were constant
            assert varied[-1]
            assert not any(varied[:-1])
    assert splits or n < 2 * least


def grown(pixels, fake, candidate=EVERY, numbers=range(3), seed=0, threads=1) -> list[forest.Tree]:
    columns, rows = InMemoryMatrix(pixels).mapped()
    return list(forest.grow(candidate, columns, rows, fake, numbers, seed, threads))


def nodes(tree: forest.Tree, pixels: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Node, depth and rows that come to it."""
    feature, threshold, left, right, _ = tree
    waiting = [(0, 0, np.arange(len(pixels)))]
    while waiting:
        node, depth, rows = waiting.pop()
        yield node, depth, rows
        if feature[node] >= 0:
            goes_left = pixels[rows, feature[node]] <= threshold[node]
            waiting.append((int(right[node]), depth + 1, rows[~goes_left]))
            waiting.append((int(left[node]), depth + 1, rows[goes_left]))


SETTINGS = {
    "plain": {},
    "entropy": {"criterion": "entropy"},
    "leaves": {"min_samples_leaf": 4},
    "splits": {"min_samples_split": 20},
    "depth": {"max_depth": 3},
    "balanced": {"class_weight": "balanced"},
    "share": {"max_samples": 0.4},
    "count": {"max_samples": 25},
}


def test_a_tree_holds_its_own_nodes_alone():
    """Not a part of arrays for as many nodes as it could have had."""
    generator = np.random.default_rng(0)
    fake = np.arange(200) % 2 == 0
    pixels = generator.integers(0, 100, (200, 20), np.uint8)
    pixels[fake] += 100  # each tree has three nodes
    for tree in grown(pixels, fake):
        assert [len(array) for array in tree] == [3] * len(forest.NODES)
        assert all(array.base is None for array in tree)


def test_no_more_rows_are_drawn_for_a_tree_than_there_are():
    pixels, fake = synthetic.faces(90, 30)
    more, every = (grown(pixels, fake, EVERY | {"max_samples": n}) for n in (1000, None))
    for one, other in zip(more, every, strict=True):
        assert all(map(np.array_equal, one, other))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_node_of_a_tree_is_what_its_settings_say(name):
    candidate = EVERY | SETTINGS[name]
    pixels, _ = synthetic.faces(90, 30)
    fake = np.arange(90) % 3 == 0
    entropy, least = candidate["criterion"] == "entropy", candidate["min_samples_leaf"]
    drawn = {"share": 36, "count": 25}.get(name, 90)
    for number, tree in enumerate(grown(pixels, fake, candidate, seed=8)):
        state = trees.generator(np.uint64(8), np.uint64(number))
        times = trees.bootstrap(fake, drawn, bool(candidate["class_weight"]), state)
        assert times.sum() == drawn
        inside = np.flatnonzero(times)
        real, fakes = (np.where(fake == is_, times, 0) for is_ in (False, True))
        found = list(nodes(tree, pixels[inside]))
        assert [node for node, _, _ in found] == list(range(len(tree[0])))  # left before right
        for node, depth, some in found:
            rows = inside[some]
            share = fakes[rows].sum() / (real[rows].sum() + fakes[rows].sum())
            assert tree[4][node] == pytest.approx(share, rel=1e-12)
            ends = (
                share in (0, 1)
                or depth == candidate["max_depth"]
                or len(rows) < max(candidate["min_samples_split"], 2 * least)
            )
            if ends:
                assert tree[0][node] == -1
            else:
                tried = range(30)
                part = pixels[rows], real[rows], fakes[rows], tried, tree[0][node], tree[1][node]
                assert_best(*part, least, entropy, in_order=False)


@pytest.fixture(scope="module")
def digits():
    """Real pictures: is a hand-written digit above four? Half of them are for training."""
    pictures, digit = load_digits(return_X_y=True)
    return pictures.astype(np.uint8)[:900], digit[:900] > 4


@pytest.mark.parametrize(
    "changed",
    [*SETTINGS.values(), {"max_features": 1}, {"max_features": 1.0}, {"max_features": "log2"}],
    ids=str,
)
def test_over_seeds_forests_agree_with_scikit_learns_within_their_spread(digits, changed):
    """In the accuracy on rows not seen, and in the number of nodes."""
    pixels, fake = digits
    candidate = PLAIN | {"n_estimators": 5} | changed
    train, asked = slice(0, 300), slice(300, 900)
    if candidate["class_weight"]:
        fake = fake & (np.arange(900) % 3 == 0)
    ours, theirs = [], []
    columns, rows = InMemoryMatrix(pixels).mapped()
    for seed in range(20):
        some = list(forest.grow(candidate, columns, rows[train], fake[train], range(5), seed))
        said = sum(forest.votes(columns, rows[asked], some)) / 5 > 0.5
        ours.append(((said == fake[asked]).mean(), sum(len(tree[0]) for tree in some)))
        direct = RandomForestClassifier(**candidate, random_state=seed)
        direct.fit(pixels[train], fake[train])
        count = sum(tree.tree_.node_count for tree in direct.estimators_)
        theirs.append((direct.score(pixels[asked], fake[asked]), count))
    ours, theirs = np.array(ours), np.array(theirs)
    error = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / 20)
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) <= 3 * error).all()
    assert len(np.unique(ours[:, 0])) > 3


@pytest.mark.parametrize("near", [65, 200, 5000])
def test_trees_are_the_same_where_bytes_of_a_branch_are_copied(digits, near, monkeypatch):
    pixels, fake = digits
    fake = fake ^ (np.arange(900) % 7 == 0)  # so that branches are deep
    matrix, train = InMemoryMatrix(pixels), np.flatnonzero(np.arange(900) % 5 > 0)
    columns, rows = matrix.mapped()
    assert forest.table_of(matrix.at(train)).shape == (0, pixels.shape[1])  # too few rows to pay
    monkeypatch.setattr(forest, "MANY", 10)
    monkeypatch.setattr(forest, "NEAR", near)
    table = forest.table_of(matrix.at(train))
    assert (table == pixels[train]).all()
    usual, copied = (
        forest.pack(forest.grow(EVERY, columns, rows[train], fake[train], range(4), 3, 2, some))
        for some in (None, table)
    )
    for name, array in usual.items():
        assert np.array_equal(array, copied[name]), name
    other = np.ascontiguousarray(255 - table)  # what is copied is what is read
    wrong = forest.pack(
        forest.grow(EVERY, columns, rows[train], fake[train], range(4), 3, 2, other)
    )
    assert not np.array_equal(wrong["threshold"], usual["threshold"])
    monkeypatch.setattr(forest, "SHORT", pixels.shape[1] - 1)
    assert not len(forest.table_of(matrix))  # too long to pay


def test_a_job_requests_the_rows_that_are_held_twice():
    assert (specs_forest.MANY, specs_forest.SHORT) == (forest.MANY, forest.SHORT)
    memory = specs_forest.SPEC.formulas["search"].memory
    few, many = (Size(rows=200_001, features=20, training=n) for n in (100_000, 100_001))
    assert memory(many) - memory(few) >= 20 * 100_001


def test_thresholds_judge_new_rows_as_scikit_learns_midpoints_do():
    """Every tree of one split on the same values, for all bytes."""
    pixels = np.array([[10], [10], [15], [15]], np.uint8).repeat(8, axis=0)
    fake = pixels[:, 0] == 15
    direct = RandomForestClassifier(n_estimators=3, random_state=0).fit(pixels, fake)
    asked = np.arange(256, dtype=np.uint8)[:, None]
    columns, rows = InMemoryMatrix(asked).mapped()
    said = sum(forest.votes(columns, rows, grown(pixels, fake))) / 3
    assert (said == direct.predict_proba(asked)[:, 1]).all()


def test_rows_drawn_twice_count_once_where_rows_are_counted(digits):
    """As in scikit-learn: with leaves of half the distinct rows and more there is no split."""
    pixels, fake = digits
    times = trees.bootstrap(fake[:300], 300, False, trees.generator(np.uint64(0), np.uint64(0)))
    distinct = int((times > 0).sum())
    for least, splits in ((distinct // 2 + 1, False), (distinct // 20, True)):
        candidate = EVERY | {"min_samples_leaf": least}
        (tree,) = grown(pixels[:300], fake[:300], candidate, range(1))
        assert (len(tree[0]) > 1) == splits


def test_constant_columns_and_equal_rows_of_both_labels_end_a_branch():
    pixels = np.full((40, 6), 9, np.uint8)
    pixels[:20, 2] = 7
    fake = np.arange(40) % 2 == 0
    for tree in grown(pixels, fake):
        feature, threshold, left, right, share = tree
        assert feature.tolist() == [2, -1, -1]
        assert threshold[0] == 8
        assert (left[0], right[0]) == (1, 2)
        assert ((share > 0) & (share < 1)).all()
    for tree in grown(pixels[20:], fake[20:]):
        assert tree[0].tolist() == [-1]


@pytest.mark.parametrize("asked", [1, 5, 50, 1.0])
def test_more_features_asked_than_vary_still_find_the_one_that_does(asked):
    pixels = np.full((30, 50), 3, np.uint8)
    pixels[:, 33] = np.arange(30)
    fake = np.arange(30) >= 12
    for tree in grown(pixels, fake, EVERY | {"max_features": asked}):
        assert tree[0].tolist() == [33, -1, -1]


def test_one_row_a_class_is_a_split_or_a_leaf():
    pixels = np.array([[1, 200], [1, 100]], np.uint8)
    found = grown(pixels, np.array([True, False]), numbers=range(12))
    assert {len(tree[0]) for tree in found} == {1, 3}
    for tree in found:
        if len(tree[0]) == 3:
            assert (tree[0][0], tree[1][0]) == (1, 150)
            assert tree[4].tolist() == [0.5, 0.0, 1.0]


def test_balanced_rows_are_drawn_from_both_classes_alike():
    fake = np.arange(4000) % 10 == 0
    for balanced, share in ((False, 0.1), (True, 0.5)):
        times = trees.bootstrap(
            fake, len(fake), balanced, trees.generator(np.uint64(1), np.uint64(2))
        )
        assert times.sum() == 4000
        assert times[fake].sum() / 4000 == pytest.approx(share, abs=0.03)
        drawn = times[fake] if balanced else times  # Poisson: mean and variance are equal
        assert drawn.var() == pytest.approx(drawn.mean(), rel=0.2)


@pytest.mark.parametrize("label", [False, True])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_rows_of_one_class_are_one_leaf(label, class_weight):
    pixels, _ = synthetic.faces(20, 30)
    candidate = EVERY | {"class_weight": class_weight}
    for tree in grown(pixels, np.full(20, label), candidate):
        assert tree[0].tolist() == [-1]
        assert tree[4].tolist() == [float(label)]


def digest(some: list[forest.Tree]) -> str:
    return hashlib.sha256(b"".join(a.tobytes() for tree in some for a in tree)).hexdigest()[:16]


def test_trees_are_the_same_bytes_on_any_threads_and_in_any_pieces():
    pixels, fake = synthetic.faces(90, 1200)
    whole = grown(pixels, fake, PLAIN, range(7), seed=3)
    assert digest(whole) == digest(grown(pixels, fake, PLAIN, range(7), seed=3, threads=3))
    pieces = [grown(pixels, fake, PLAIN, n, seed=3) for n in (range(5, 7), range(5))]
    assert digest(whole) == digest(pieces[1] + pieces[0])
    assert len({digest([tree]) for tree in whole}) == 7
    assert digest(whole) != digest(grown(pixels, fake, PLAIN, range(7), seed=4))


def test_gini_trees_are_the_same_bytes_on_every_machine():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 500), np.uint8)
    fake = pixels[:, :9].sum(axis=1) > 9 * 127
    assert digest(grown(pixels, fake, PLAIN, range(4), seed=1)) == "4c973064dbd23e9f"
