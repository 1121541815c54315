"""Tests of intervals over groups: against formulas written out, and of what they hold to."""

import itertools

import numpy as np
import pytest
from scipy import stats

from deepfake.evaluation import intervals, metrics
from tests.unit import synthetic


def drawn(n: int = 60, seed: int = 0, digits: int = 1):
    """Labels, scores with ties, and uneven groups of both classes or of one."""
    generator = np.random.default_rng(seed)
    fake = generator.random(n) < 0.4
    fake[:4] = True, False, True, False
    values = np.round(fake + generator.normal(size=n), digits)
    return fake, values, np.sort(generator.integers(0, 9, n))


def logit(p):
    return np.log(p / (1 - p))


@pytest.mark.parametrize("digits", [0, 1, 6])
def test_the_linear_part_is_the_derivative_by_the_weight_of_each_row(digits):
    fake, values, _ = drawn(40, digits, digits)
    found = intervals.scores(fake, values, 0.5)
    plain = metrics.scores(fake, values, 0.5)
    moved = metrics.scores(fake, values, 0.5, 1 + 1e-6 * np.eye(40))
    assert set(found) == set(metrics.NAMES)
    for name in metrics.NAMES:
        assert found[name].value == pytest.approx(plain[name][0], abs=1e-12)
        if name != "equal_error_rate":  # its threshold moves with the rows
            influence = sum(mine for _, mine in found[name].parts)
            slope = (moved[name] - plain[name][0]) / 1e-6
            np.testing.assert_allclose(influence, slope, atol=1e-5, err_msg=name)


def test_the_linear_parts_of_precision_recall_and_f1_are_their_derivatives():
    fake, values, _ = drawn()
    said = values >= 0.5

    def direct(weights):
        right, wrong, missed = (
            weights @ rows for rows in (fake & said, ~fake & said, fake & ~said)
        )
        f1 = 2 * right / (2 * right + wrong + missed)
        return {"precision": right / (right + wrong), "recall": right / (right + missed), "f1": f1}

    found = intervals.of_class(fake, said)["fake"]
    plain, moved = direct(np.ones(len(fake))), direct(1 + 1e-6 * np.eye(len(fake)))
    for name, score in found.items():
        assert score.value == pytest.approx(plain[name])
        ((_, influence),) = score.parts
        np.testing.assert_allclose(influence, (moved[name] - plain[name]) / 1e-6, atol=1e-5)


def obuchowski(fake, values, groups) -> tuple[float, float]:
    """AUC and its variance, as Obuchowski (1997) writes them, by loops."""
    pairs = {
        (i, j): (values[i] > values[j]) + 0.5 * (values[i] == values[j])
        for i, j in itertools.product(np.flatnonzero(fake), np.flatnonzero(~fake))
    }
    m, n = fake.sum(), (~fake).sum()
    auc = sum(pairs.values()) / (m * n)
    sums = {}
    for group in set(groups):
        ill = [i for i in np.flatnonzero(fake) if groups[i] == group]
        well = [j for j in np.flatnonzero(~fake) if groups[j] == group]
        x = sum(sum(pairs[i, j] for j in np.flatnonzero(~fake)) / n - auc for i in ill)
        y = sum(sum(pairs[i, j] for i in np.flatnonzero(fake)) / m - auc for j in well)
        sums[group] = x, y, len(ill), len(well)
    i10 = sum(ill > 0 for *_, ill, _ in sums.values())
    i01 = sum(well > 0 for *_, well in sums.values())
    s10 = i10 / ((i10 - 1) * m) * sum(x**2 for x, *_ in sums.values())
    s01 = i01 / ((i01 - 1) * n) * sum(y**2 for _, y, *_ in sums.values())
    s11 = len(sums) / (len(sums) - 1) * sum(x * y for x, y, *_ in sums.values())
    return auc, s10 / m + s01 / n + 2 / (m * n) * s11


def freedom(groups) -> float:
    sizes = np.bincount(groups)
    return sizes.sum() ** 2 / (sizes**2).sum() - 1


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.99])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_auc_has_the_clustered_variance_on_the_logit_scale_at_every_level(level, seed):
    fake, values, groups = drawn(seed=seed)
    auc, variance = obuchowski(fake, values, groups)
    found = metrics.summary(fake, values, 0.5, groups, level=level)["metrics"]["roc_auc"]
    reach = stats.t.ppf((1 + level) / 2, freedom(groups)) * np.sqrt(variance) / (auc * (1 - auc))
    assert found["value"] == pytest.approx(auc)
    assert logit(found["low"]) == pytest.approx(logit(auc) - reach)
    assert logit(found["high"]) == pytest.approx(logit(auc) + reach)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_accuracy_has_the_variance_of_a_ratio_over_groups(level):
    fake, values, groups = drawn(seed=4)
    right = (values >= 0.5) == fake
    share, number = right.mean(), len(set(groups))
    sums = np.array([(right[groups == g] - share).sum() for g in set(groups)]) / len(fake)
    error = np.sqrt(number / (number - 1) * (sums**2).sum())
    reach = stats.t.ppf((1 + level) / 2, freedom(groups)) * error / (share * (1 - share))
    found = metrics.summary(fake, values, 0.5, groups, level=level)["metrics"]["accuracy"]
    assert logit(found["low"]) == pytest.approx(logit(share) - reach)
    assert logit(found["high"]) == pytest.approx(logit(share) + reach)


def test_even_groups_have_one_degree_of_freedom_less_than_groups_and_a_huge_one_leaves_few():
    fake, values, groups = synthetic.scores(8, 4, 0, 0.5)
    assert freedom(groups) == 7
    score = intervals.scores(fake, values, 0.5)["accuracy"]
    huge = np.where(np.arange(32) < 20, 0, groups)
    widths = [np.subtract(*intervals.limits(score, g, 0.95)) for g in (groups, huge)]
    assert abs(widths[1]) > abs(widths[0])


def test_a_perfect_score_of_few_videos_has_a_width():
    """12 fakes and 12 real ones of 6 groups, all ranked right: the demo's."""
    fake = np.arange(24) % 2 == 0
    found = metrics.summary(fake, fake * 1.0, 0.5, np.arange(24) // 4, level=0.95)["metrics"]
    assert found["roc_auc"]["value"] == 1
    assert found["roc_auc"]["low"] == pytest.approx(0.773, abs=1e-3)
    assert 0.99 < found["roc_auc"]["high"] < 1
    for name in metrics.NAMES:
        assert found[name]["low"] < found[name]["high"]
    reversed_ = metrics.summary(fake, fake * -1.0, 0.5, np.arange(24) // 4, level=0.95)["metrics"]
    assert reversed_["roc_auc"]["high"] == pytest.approx(1 - found["roc_auc"]["low"])


def test_a_thousand_frames_of_ten_videos_are_no_surer_of_a_perfect_score_than_ten():
    fake = np.arange(20) % 2 == 0
    videos = metrics.summary(fake, fake * 1.0, 0.5, np.arange(20) // 2, level=0.95)
    many = [np.repeat(cells, 50) for cells in (fake, fake * 1.0, np.arange(20) // 2)]
    frames = metrics.summary(
        many[0], many[1], 0.5, many[2], level=0.95, units=np.repeat(np.arange(20), 50)
    )
    for name in metrics.NAMES:
        for end in ("low", "high"):
            assert frames["metrics"][name][end] == pytest.approx(videos["metrics"][name][end])


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_a_difference_is_of_paired_linear_parts(level):
    fake, values, groups = drawn(120, 5)
    other = values + np.random.default_rng(1).normal(size=120)
    both = [intervals.scores(fake, v, 0.5)["balanced_accuracy"] for v in (values, other)]
    found = metrics.paired(fake, (values, 0.5), (other, 0.5), groups, level=level)
    number, sums = len(set(groups)), []
    for part in (0, 1):
        less = both[0].parts[part][1] - both[1].parts[part][1]
        sums.append(np.array([less[groups == g].sum() for g in sorted(set(groups))]))
    error = np.sqrt(number / (number - 1) * ((sums[0] + sums[1]) ** 2).sum())
    reach = stats.t.ppf((1 + level) / 2, freedom(groups)) * error
    less = both[0].value - both[1].value
    found = found["balanced_accuracy"]
    assert [found["value"], found["low"], found["high"]] == pytest.approx(
        [less, less - reach, less + reach]
    )


def test_a_part_in_one_group_has_no_limits():
    fake, values, groups = drawn()
    score = intervals.scores(fake, values, 0.5)["roc_auc"]
    alone = np.where(fake, 0, 1 + groups)
    assert intervals.limits(score, alone, 0.95) == intervals.NONE
    assert intervals.difference(score, score, alone, 0.95) == intervals.NONE
