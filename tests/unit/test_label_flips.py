"""Tests of what models score when labels say nothing."""

import numpy as np
import pytest

from deepfake.features.matrix import InMemoryMatrix
from deepfake.models import gram, label_flips
from deepfake.models import registry as models
from deepfake.models.registry import Training


def groups_of(number: int, each: int) -> np.ndarray:
    return np.repeat(np.arange(number), each)


def test_a_group_of_both_classes_is_exchanged_whole_in_half_of_the_draws():
    group_of, fake = groups_of(6, 4), np.arange(24) % 2 == 0
    generator = np.random.default_rng(0)
    drawn = np.array(
        [label_flips.exchanged(fake, group_of, group_of < 2, generator) for _ in range(400)]
    )
    changed = (drawn != fake).reshape(400, 6, 4)
    assert (changed.all(axis=2) | ~changed.any(axis=2)).all()
    share = changed.all(axis=2).mean(axis=0)
    assert (abs(share - 0.5) < 0.1).all()
    pairs = np.corrcoef(changed.all(axis=2).T)
    assert abs(pairs[~np.eye(6, dtype=bool)]).max() < 0.2  # each by itself


def test_groups_of_one_class_permute_their_labels_in_the_training_and_in_the_test_apart():
    group_of = groups_of(10, 3)
    fake = np.isin(group_of, [0, 1, 2, 6])  # 3 of 6 in the training, 1 of 4 in the test
    tested = group_of >= 6
    generator = np.random.default_rng(1)
    drawn = np.array([label_flips.exchanged(fake, group_of, tested, generator) for _ in range(300)])
    by_group = drawn.reshape(300, 10, 3)
    assert (by_group == by_group[:, :, :1]).all()
    assert (by_group[:, :6, 0].sum(axis=1) == 3).all()
    assert (by_group[:, 6:, 0].sum(axis=1) == 1).all()
    assert abs(by_group[:, :6, 0].mean() - 0.5) < 0.01
    assert (abs(by_group[:, 6:, 0].mean(axis=0) - 0.25) < 0.1).all()


@pytest.fixture(scope="module")
def small():
    """Eight groups of two real and two fake videos; the fakes are brighter by far."""
    generator = np.random.default_rng(0)
    group_of = groups_of(8, 8)
    video = np.arange(64) // 2
    fake = video % 2 == 0
    pixels = generator.integers(90, 110, (64, 30)) + 60 * fake[:, None]
    training = Training(InMemoryMatrix(pixels.astype(np.uint8)), fake)
    tested = group_of >= 4
    training.grams = {
        "standard": gram.compute(training.pixels, "standard", np.flatnonzero(~tested))
    }
    return training, tested, [f"v{n:02}" for n in video], [f"g{n}" for n in group_of]


RIDGE = {"alpha": 1.0, "scaling": "standard"}


def test_the_null_of_a_model_that_tells_all_apart_is_around_chance(small):
    training, tested, videos, groups = small
    train, test = np.flatnonzero(~tested), np.flatnonzero(tested)
    (true,) = models.score("ridge", [RIDGE], training, train, test)
    assert (true[training.fake[test]].min()) > true[~training.fake[test]].max()
    found = label_flips.aucs("ridge", RIDGE, training, tested, videos, groups, seed=3, draws=60)
    assert found.shape == (60,)
    assert np.nanmean(found) == pytest.approx(0.5, abs=0.12)
    told = label_flips.compared(found, 1.0)
    assert told["null_mean"] == pytest.approx(np.nanmean(found))
    assert told["null_95"] == pytest.approx(np.nanquantile(found, 0.95))
    assert told["as_good"] == pytest.approx((1 + (found >= 1).sum()) / (1 + told["draws"]))


def test_draws_are_the_same_for_the_same_seed_only_and_labels_are_put_back(small):
    training, tested, videos, groups = small
    before = training.fake.copy()
    runs = [label_flips.aucs("ridge", RIDGE, training, tested, videos, groups, seed=s, draws=6)
            for s in (1, 1, 2)]  # fmt: skip
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    assert (training.fake == before).all()


def test_nothing_is_told_where_no_draw_has_both_classes():
    assert label_flips.compared(np.full(4, np.nan), 0.7)["note"].startswith("not computed")


def test_the_table_has_the_null_beside_the_test_and_says_what_was_not_computed():
    score = {"value": 0.9, "low": None, "high": None}
    record = {
        "protocol": "grouped", "features": {"name": "lbp"}, "model": "svm", "leaky": True,
        "videos": {"rows": 8, "groups": 2, "metrics": {"roc_auc": score}},
    }  # fmt: skip
    known = {"null_mean": 0.51, "null_95": 0.88, "as_good": 0.02, "draws": 200, "note": ""}
    rows = [
        label_flips.row(record, known),
        label_flips.row(record | {"model": "forest"}, {"note": label_flips.NO_GRAM}),
    ]
    untrained = {"protocol": "grouped", "measure": "sharpness of the face", "videos": 8,
                 "groups": 2, "roc_auc": "0.820"}  # fmt: skip
    lines = [line.split() for line in label_flips.text(rows, [untrained]).splitlines()]
    assert lines[1][-5:] == ["0.900", "0.510", "0.880", "0.020", "LEAKY"]
    assert "forest" in lines[2]
    assert "LEAKY; not computed: this model has no Gram matrix" in " ".join(lines[2])
    assert lines[3][-1] == "0.820"
    assert set(rows[0]) <= set(label_flips.COLUMNS)
