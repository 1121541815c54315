"""Probabilities from scores, and how they are judged."""

import numpy as np
import pytest

from deepfake import calibration, metrics
from tests.unit.test_metrics import ranked


def test_calibration_finds_the_probabilities_that_made_the_labels():
    generator = np.random.default_rng(0)
    values = generator.normal(size=20_000) * 3 + 10
    chances = 1 / (1 + np.exp(-(0.8 * values - 7)))
    fitted = calibration.fit(generator.random(20_000) < chances, values)
    assert fitted["slope"] == pytest.approx(0.8, rel=0.05)
    assert fitted["intercept"] == pytest.approx(-7, rel=0.05)
    assert fitted["videos"] == 20_000
    assert np.abs(calibration.probability(fitted, values) - chances).max() < 0.05


def test_one_far_video_does_not_turn_the_slope_round():
    fake = np.array([True] * 10 + [False] * 10)
    values = np.array([1.0] * 9 + [-1000.0] + [0.0] * 10)
    fitted = calibration.fit(fake, values)
    assert fitted["roc_auc"] == 0.9
    assert fitted["slope"] == 0
    assert calibration.probability(fitted, np.array([1.0])) == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("factor", [-1, 0, 1e-12, 1e9])
def test_the_slope_of_a_calibration_is_never_negative(factor):
    for seed in range(20):
        fake, values = ranked(14, seed, 2)
        fitted = calibration.fit(fake, values * factor)
        assert fitted["slope"] >= 0
        assert np.isfinite([fitted["slope"], fitted["intercept"]]).all()
        if fitted["roc_auc"] <= 0.5:
            assert fitted["slope"] == 0


def test_values_no_better_than_chance_give_the_base_rate():
    fake = np.array([True] * 30 + [False] * 10)
    for values in (-fake.astype(float), np.zeros(40), np.tile([1.0, 2.0], 20)):
        fitted = calibration.fit(fake, values)
        assert fitted["slope"] == 0
        assert calibration.probability(fitted, np.array([-100, 0, 100])) == pytest.approx(
            [31 / 42] * 3
        )


@pytest.mark.parametrize("only", [True, False])
def test_one_class_alone_is_calibrated_to_its_smoothed_rate(only):
    fitted = calibration.fit(np.full(8, only), np.arange(8.0))
    assert fitted["roc_auc"] is None
    assert fitted["slope"] == 0
    assert calibration.probability(fitted, np.array([3.0])) == pytest.approx(0.9 if only else 0.1)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_perfectly_separated_values_give_finite_and_modest_probabilities(scale):
    fake = np.array([False] * 8 + [True] * 8)
    values = np.where(fake, 1.0, -1.0) * scale
    fitted = calibration.fit(fake, values)
    assert np.isfinite([fitted["slope"], fitted["intercept"]]).all()
    assert calibration.probability(fitted, values[fake])[0] == pytest.approx(9 / 10, abs=1e-3)
    assert calibration.probability(fitted, values[~fake])[0] == pytest.approx(1 / 10, abs=1e-3)


@pytest.mark.filterwarnings("error")
def test_probabilities_grow_with_the_score_and_stay_between_zero_and_one():
    fake, values = ranked(50, 2, 10**6)
    fitted = calibration.fit(fake, values)
    assert fitted["slope"] > 0
    near = calibration.probability(fitted, np.linspace(-5, 5, 101))
    assert (np.diff(near) > 0).all()
    far = calibration.probability(fitted, np.array([-1e300, -1e6, 0, 1e6, 1e300]))
    assert (np.diff(far) >= 0).all()
    assert ((far > 0) & (far < 1)).all()


def test_the_brier_score_is_the_mean_squared_error_and_has_an_interval():
    generator = np.random.default_rng(0)
    chances = generator.random(400)
    fake = generator.random(400) < chances
    groups = np.arange(400) // 4
    found = calibration.judge(fake, chances, groups, level=0.9, count=200, seed=1)
    assert found["brier"]["value"] == pytest.approx(np.mean((chances - fake) ** 2))
    assert found["brier"]["low"] < found["brier"]["value"] < found["brier"]["high"]
    assert found["brier"]["high"] < found["baseline"] == pytest.approx(0.25, abs=0.01)
    assert sum(part["rows"] for part in found["bins"]) == 400
    for part in found["bins"]:
        assert part["fake"] == pytest.approx(part["probability"], abs=0.2)
    few = calibration.judge(fake[:8], chances[:8], groups[:8], level=0.9, count=200, seed=1)
    assert (few["brier"]["low"], len(few["bins"])) == (None, 1)


def test_the_interval_of_the_brier_score_does_not_need_all_resamples_at_once(monkeypatch):
    generator = np.random.default_rng(0)
    chances, groups = generator.random(60), np.arange(60) // 4
    held = []
    whole = metrics.resamples
    monkeypatch.setattr(metrics, "CHUNK", 600)
    monkeypatch.setattr(
        metrics, "resamples", lambda *how: held.append(whole(*how)) or held[-1]
    )  # fmt: skip
    calibration.judge(chances > 0.5, chances, groups, level=0.9, count=100, seed=1)
    assert sum(len(weights) for weights in held) == 100
    assert max(weights.size for weights in held) <= 600
