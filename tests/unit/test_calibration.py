"""Probabilities from scores, and how they are judged."""

import numpy as np
import pytest

from deepfake.evaluation import calibration
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


def out_of_fold(score, videos: int = 60, frames: int = 7) -> list[dict]:
    """Frames of videos in three folds; `score` makes one of the video's label and a generator."""
    generator = np.random.default_rng(4)
    return [
        {"video_id": f"v{video:02}", "group_id": f"g{video:02}", "fold": str(video // 2 % 3),
         "label": "fake" if video % 2 else "real", "score": repr(score(video % 2, generator))}
        for video in range(videos)
        for _ in range(frames)
    ]  # fmt: skip


def with_outliers(share: float, how_far: float):
    """Scores of unit spread, a share of which is far off on either side."""

    def score(fake: int, generator) -> float:
        far = how_far * generator.choice([-1, 1]) if generator.random() < share else 0.0
        return float(fake + generator.normal() + far)

    return score


def uniform(fake: int, generator) -> float:
    """The mean of the two ends is the best that is known of where such scores lie."""
    return float(fake + generator.uniform(-2, 2))


@pytest.mark.parametrize(
    ("score", "frames", "trim"),
    [(with_outliers(0.3, 1000.0), 9, 0.5), (uniform, 20, 0.1)],
    ids=["many outliers", "none"],
)
def test_how_much_is_trimmed_is_chosen_on_the_folds(score, frames, trim):
    unseen = out_of_fold(score, frames=frames)
    found = calibration.fit_on_folds(unseen)
    assert found["trim"] == trim
    fake, means, groups = calibration.videos(unseen, trim)
    assert found == calibration.fit(fake, means) | {"trim": trim}
    assert groups == [f"g{video:02}" for video in range(60)]


def test_videos_of_few_frames_and_one_fold_are_trimmed_by_the_first_choice():
    unseen = out_of_fold(with_outliers(0.0, 0.0), frames=3)
    assert calibration.fit_on_folds(unseen)["trim"] == 0.25
    unseen = out_of_fold(with_outliers(0.3, 1000.0), frames=9)
    alone = [row for row in unseen if row["fold"] == "0"]
    assert calibration.fit_on_folds(alone)["trim"] == 0.25


@pytest.mark.parametrize("prior", [0.001, 0.5, 0.9])
@pytest.mark.parametrize("counts", [(30, 10), (3, 40), (8, 0)])
def test_a_model_that_knows_nothing_returns_the_prior(counts, prior):
    fake = np.repeat([True, False], counts)
    for values in (np.zeros(len(fake)), -fake.astype(float)):
        fitted = calibration.fit(fake, values)
        assert (fitted["videos"], fitted["fake"]) == (sum(counts), counts[0])
        assert calibration.probability(fitted, values, prior) == pytest.approx(prior, rel=1e-12)


def test_values_that_no_rising_slope_fits_return_the_prior_too():
    """They rank better than chance, but for one far video."""
    fake = np.array([True] * 10 + [False] * 30)
    fitted = calibration.fit(fake, np.array([1.0] * 9 + [-1000.0] + [0.0] * 30))
    assert (fitted["roc_auc"], fitted["slope"]) == (0.9, 0)
    assert calibration.probability(fitted, np.array([1.0]), 0.3) == pytest.approx(0.3, rel=1e-12)


def test_with_the_trainings_share_as_prior_nothing_moves():
    fake, values = ranked(50, 2, 10**6)
    fitted = calibration.fit(fake, values)
    share = (fitted["fake"] + 1) / (fitted["videos"] + 2)
    assert calibration.probability(fitted, values, share) == pytest.approx(
        calibration.probability(fitted, values)
    )


def test_the_brier_score_is_the_mean_squared_error_and_has_an_interval():
    generator = np.random.default_rng(0)
    chances = generator.random(400)
    fake = generator.random(400) < chances
    groups = np.arange(400) // 4
    found = calibration.assess(fake, chances, groups, level=0.9)
    assert found["brier"]["value"] == pytest.approx(np.mean((chances - fake) ** 2))
    assert found["brier"]["low"] < found["brier"]["value"] < found["brier"]["high"]
    assert found["brier"]["high"] < found["baseline"] == pytest.approx(0.25, abs=0.01)
    assert sum(part["rows"] for part in found["bins"]) == 400
    for part in found["bins"]:
        assert part["fake"] == pytest.approx(part["probability"], abs=0.2)
    few = calibration.assess(fake[:8], chances[:8], groups[:8], level=0.9)
    assert (few["brier"]["low"], len(few["bins"])) == (None, 1)


def test_the_interval_of_the_brier_score_is_that_of_groups():
    """Thirty groups of ten equal rows hold as much as thirty rows."""
    generator = np.random.default_rng(3)
    chances = np.repeat(generator.random(30), 10)
    fake = np.repeat(generator.random(30) < 0.5, 10)
    how = {"level": 0.95}
    width = {}
    for unit, groups in (("groups", np.repeat(np.arange(30), 10)), ("rows", np.arange(300))):
        found = calibration.assess(fake, chances, groups, **how)["brier"]
        width[unit] = found["high"] - found["low"]
    assert width["groups"] == pytest.approx(width["rows"] * np.sqrt(10), rel=0.25)
