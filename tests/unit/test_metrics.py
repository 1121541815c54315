"""Tests of scores against scikit-learn, of their intervals, and of probabilities."""

import itertools
import json

import numpy as np
import pytest
from sklearn import metrics as known

from deepfake.evaluation import metrics
from tests.unit import synthetic

HOW = {"level": 0.9}


def ranked(n: int, seed: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores, with many ties where there are few steps."""
    generator = np.random.default_rng(seed)
    fake = generator.random(n) < 0.4
    fake[:2] = True, False
    values = np.round(fake + generator.normal(size=n), 6)
    return fake, np.round(values * steps) / steps


CASES = [(2, 0, 1), (5, 1, 1), (60, 2, 1), (60, 3, 10**6), (301, 4, 3)]


@pytest.mark.parametrize(("n", "seed", "steps"), CASES)
def test_scores_equal_scikit_learn_with_ties_and_weights(n, seed, steps):
    fake, values = ranked(n, seed, steps)
    weights = np.random.default_rng(seed).integers(0, 4, (5, n)).astype(float)
    weights[:, :2] += 1  # both classes are there
    weights[0] = 1
    found = metrics.scores(fake, values, 1.0, weights)
    for row, weight in enumerate(weights):
        said = values >= 1.0
        expected = {
            "accuracy": known.accuracy_score(fake, said, sample_weight=weight),
            "balanced_accuracy": known.balanced_accuracy_score(fake, said, sample_weight=weight),
            "roc_auc": known.roc_auc_score(fake, values, sample_weight=weight),
            "average_precision": known.average_precision_score(fake, values, sample_weight=weight),
        }
        for name, value in expected.items():
            assert found[name][row] == pytest.approx(value, abs=1e-12), name
    unweighted = metrics.scores(fake, values, 1.0)
    for name in metrics.NAMES:
        assert unweighted[name][0] == pytest.approx(found[name][0], abs=1e-12)


def equal_error(fake: np.ndarray, values: np.ndarray) -> float:
    """By walking over every threshold, and halving the step in which the rates cross."""
    thresholds = [np.inf, *sorted(set(values), reverse=True)]
    rates = [((values[~fake] >= t).mean(), (values[fake] < t).mean()) for t in thresholds]
    for (fpr, fnr), (next_fpr, next_fnr) in itertools.pairwise(rates):
        if next_fpr >= next_fnr:
            low, high = 0.0, 1.0
            for _ in range(60):
                middle = (low + high) / 2
                crossed = fpr + middle * (next_fpr - fpr) >= fnr + middle * (next_fnr - fnr)
                low, high = (low, middle) if crossed else (middle, high)
            return fpr + high * (next_fpr - fpr)
    raise AssertionError("the rates meet at the last threshold at the latest")


@pytest.mark.parametrize(("n", "seed", "steps"), CASES)
def test_equal_error_rate_is_where_both_errors_meet(n, seed, steps):
    fake, values = ranked(n, seed, steps)
    found = metrics.scores(fake, values, 0.0)["equal_error_rate"][0]
    assert found == pytest.approx(equal_error(fake, values), abs=1e-9)


def test_a_perfect_order_has_no_equal_error_and_a_reversed_one_nothing_else():
    fake = np.array([True, False, True, False])
    for values, error in ((fake * 1.0, 0.0), (~fake * 1.0, 1.0), (np.ones(4), 0.5)):
        assert metrics.scores(fake, values, 0.5)["equal_error_rate"][0] == pytest.approx(error)


def test_classes_and_confusion_equal_scikit_learn():
    fake, values = ranked(200, 7, 4)
    said = values >= 0.75
    summary = metrics.summary(fake, values, 0.75, np.arange(200), **HOW)
    expected = known.precision_recall_fscore_support(fake, said, labels=[True, False])
    for position, name in enumerate(("fake", "real")):
        found = summary["classes"][name]
        values_of = [found[key] for key in ("precision", "recall", "f1", "support")]
        assert values_of == pytest.approx([part[position] for part in expected])
    matrix = known.confusion_matrix(fake, said, labels=[True, False])
    assert summary["confusion"] == matrix.tolist()
    assert summary["confusion"][0][1] == (fake & ~said).sum()  # a fake that was called real
    assert summary["majority_baseline"] == max(fake.mean(), (~fake).mean())
    assert (summary["rows"], summary["fake"], summary["real"]) == (200, fake.sum(), (~fake).sum())


def test_a_class_that_is_never_said_has_no_precision():
    fake = np.array([True, False, True])
    summary = metrics.summary(fake, np.zeros(3), 0.5, [1, 2, 3], **HOW)
    assert summary["classes"]["fake"] == {"precision": None, "recall": 0, "f1": 0, "support": 2}


def test_fewer_than_six_groups_get_no_interval_and_a_sentence():
    for groups in (2, 5, 6):
        fake, values, group_of = synthetic.scores(groups, 10, 0, 0.5)
        summary = metrics.summary(fake, values, 0.5, group_of, **HOW)
        assert summary["groups"] == groups
        for found in summary["metrics"].values():
            if groups < 6:
                assert (found["low"], found["high"]) == (None, None)
                assert found["value"] is not None
            else:
                assert found["low"] <= found["high"]
        assert summary["note"] == (f"{groups} groups: no interval" if groups < 6 else "")
        json.dumps(summary, allow_nan=False)


@pytest.mark.parametrize("only", ["fake", "real"])
def test_one_class_has_no_ranking_metric_and_a_sentence(only):
    fake = np.full(12, only == "fake")
    summary = metrics.summary(fake, np.linspace(0, 1, 12), 0.5, np.arange(12), **HOW)
    for name, found in summary["metrics"].items():
        if name == "accuracy":
            assert found["value"] == 0.5
            assert found["low"] is not None
        else:
            assert found == {"value": None, "low": None, "high": None}
    assert summary["threshold"] == 0.5
    assert summary["note"] == f"every row is {only}: no ranking metric"
    json.dumps(summary, allow_nan=False)
    few = metrics.summary(fake, np.zeros(12), 0.5, np.arange(12) // 3, **HOW)
    assert few["note"] == f"4 groups: no interval; every row is {only}: no ranking metric"


def test_resampling_draws_whole_groups_and_as_many_as_there_are():
    groups = ["b", "a", "b", "c", "a", "b"]
    drawn = metrics.resamples(groups, 500, 0)
    assert (drawn[:, [0, 2]] == drawn[:, [2, 5]]).all()
    assert (drawn[:, 1] == drawn[:, 4]).all()
    assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert drawn.mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("alone", ["fake", "real"])
def test_a_class_of_a_single_group_gets_no_interval_and_a_sentence(alone):
    groups = np.repeat(np.arange(10), 4)
    fake = (groups == 3) == (alone == "fake")
    values = fake + np.random.default_rng(0).normal(size=40)
    summary = metrics.summary(fake, values, 0.5, groups, **HOW)
    assert summary["note"] == f"every {alone} row is of one group: no interval"
    for found in summary["metrics"].values():
        assert found["value"] is not None
        assert (found["low"], found["high"]) == (None, None)
    pair = metrics.paired(fake, (values, 0.5), (-values, 0.5), groups, **HOW)
    assert {found["low"] for found in pair.values()} == {None}
    twice = metrics.summary(fake | (groups == 4), values, 0.5, groups, **HOW)
    assert (twice["note"] == "") == (alone == "fake")


def test_precision_recall_and_f1_have_intervals_of_their_own():
    fake, values, groups = synthetic.scores(12, 8, 0, 0.5)
    found = metrics.summary(fake, values, 0.5, groups, **HOW)
    for label, mine in found["class_limits"].items():
        for name, (low, high) in mine.items():
            assert 0 < low < found["classes"][label][name] < high < 1
    few = metrics.summary(fake, values, 0.5, groups // 3, **HOW)
    assert few["class_limits"]["real"]["f1"] == [None, None]


def test_intervals_over_groups_cover_the_truth_where_rows_as_groups_do_not():
    truth = np.mean([metrics.scores(*synthetic.scores(4000, 2, 9, 0.0)[:2], 0.5)["roc_auc"][0]])
    covered = {"groups": 0, "rows": 0}
    trials = 120
    for seed in range(trials):
        fake, values, groups = synthetic.scores(25, 16, seed, 0.7)
        for unit, ids in (("groups", groups), ("rows", np.arange(len(fake)))):
            found = metrics.summary(fake, values, 0.5, ids, **HOW)["metrics"]["roc_auc"]
            covered[unit] += found["low"] <= truth <= found["high"]
    assert covered["groups"] / trials > 0.8
    assert covered["rows"] / trials < 0.6


def test_video_means_are_sorted_by_video():
    names, means = metrics.video_means(["b", "a", "b", "c"], np.array([1.0, 5.0, 2.0, -1.0]))
    assert names == ["a", "b", "c"]
    assert means.tolist() == [5.0, 1.5, -1.0]


@pytest.mark.parametrize("trim", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("count", [*range(1, 9), 40])
def test_a_trimmed_mean_leaves_out_as_many_at_both_ends(trim, count):
    values = np.random.default_rng(count).normal(size=count)
    left = max(count - 2 * max(1, int(trim * count)), 2 - count % 2)
    (middle,) = np.split(np.sort(values), [(count - left) // 2, (count + left) // 2])[1:2]
    assert len(middle) == left
    assert metrics.trimmed_mean(values, trim) == pytest.approx(middle.mean())
    assert metrics.trimmed_mean(values, 0) == pytest.approx(values.mean())
    if trim == 0.5:
        assert metrics.trimmed_mean(values, trim) == pytest.approx(np.median(values))


def test_models_are_compared_on_the_same_rows():
    fake, values = ranked(200, 5, 10**6)
    groups = np.arange(200) // 5
    same = metrics.paired(fake, (values, 0.5), (values, 0.5), groups, **HOW)
    assert same["roc_auc"]["value"] == 0
    assert same["roc_auc"]["low"] == -same["roc_auc"]["high"] < 0  # other rows may differ
    better = values + 0.3 * fake
    found = metrics.paired(fake, (better, 0.5), (values, 0.5), groups, **HOW)["roc_auc"]
    expected = known.roc_auc_score(fake, better) - known.roc_auc_score(fake, values)
    assert found["value"] == pytest.approx(expected)
    assert 0 < found["low"] < found["value"] < found["high"]
    # what both share cancels: narrower than either alone
    alone = metrics.summary(fake, values, 0.5, groups, **HOW)["metrics"]["roc_auc"]
    assert found["high"] - found["low"] < alone["high"] - alone["low"]
    few = metrics.paired(fake, (better, 0.5), (values, 0.5), np.arange(200) // 50, **HOW)
    assert few["roc_auc"]["low"] is None


def test_a_threshold_meets_its_aim_on_the_rows_it_was_chosen_on():
    fake, values = ranked(500, 6, 10**6)
    equal = metrics.threshold(fake, values)
    alarms, missed = (values[~fake] >= equal).mean(), (values[fake] < equal).mean()
    assert alarms == pytest.approx(missed, abs=0.01)
    assert metrics.threshold(np.ones(4, bool), np.arange(4.0)) is None


@pytest.mark.parametrize("only", [True, False])
def test_scores_of_one_class_are_undefined_where_they_need_both(only):
    found = metrics.scores(np.full(5, only), np.arange(5.0), 2.0)
    assert found.pop("accuracy") == [0.6 if only else 0.4]
    assert found.keys() < {*metrics.NAMES}
    assert np.isnan(list(found.values())).all()
