"""What is called fake: one statistic and one threshold, in evaluations and in verdicts."""

from typing import get_args

import numpy as np
import pytest

from deepfake.evaluation import answers, calibration, decision, operating_points, scoring
from deepfake.inference import classify
from deepfake.workflow import config
from tests.unit import synthetic
from tests.unit.test_classify import bundle, frames, people

CALIBRATION = {"slope": 2.0, "intercept": -1.0, "trim": 0.25, "videos": 100, "fake": 50}


@pytest.fixture(scope="module")
def unseen() -> list[dict]:
    """An out-of-fold table whose fakes score higher."""
    generator = np.random.default_rng(1)
    return [
        row | {"score": repr(float((row["label"] == "fake") + generator.normal()))}
        for row in synthetic.rows(10, seed=4)
    ]


def test_thresholds_come_from_the_folds_or_from_the_model(unseen):
    found = decision.thresholds(unseen, 0.25, "model", 0.25)
    assert found == {"aim": "model", "frames": 0.25, "videos": 0.25}
    found = decision.thresholds(unseen, 0.25, "equal_error", 0.25)
    assert found["aim"] == "equal_error"
    values = np.array([float(row["score"]) for row in unseen])
    table = scoring.video_table(unseen, values, found["videos"], CALIBRATION)
    wrong = [row["label"] for row in table if row["label"] != row["predicted"]]
    assert abs(wrong.count("fake") - wrong.count("real")) <= 1
    one_class = [row for row in unseen if row["label"] == "fake"]
    assert decision.thresholds(one_class, 0.25, "equal_error", 0.25)["videos"] == 0.25


def test_the_operating_points_are_of_the_folds_videos(unseen):
    verdict = {"max_false_alarms": 0.25, "max_missed": 0.25, "strict": False}
    fake, means, groups = calibration.videos(unseen, 0.25)
    found = decision.points(fake, means, groups, 0.5, verdict)
    expected = operating_points.choose(fake, means, groups, middle=0.5, **verdict)
    assert found == expected | {"strict": False}
    assert found["fake"]["at"] is not None


def test_a_bundle_keeps_of_the_folds_what_its_verdicts_are_computed_with(unseen):
    verdict = {"max_false_alarms": 0.25, "max_missed": 0.25, "strict": False}
    unseen = [row | {"fold": str(int(row["group_id"][1:]) % 2)} for row in unseen]
    found = decision.from_folds(unseen, 0.25, {"threshold": "equal_error"}, verdict)
    trim = found["calibration"]["trim"]
    limits = decision.thresholds(unseen, 0.25, "equal_error", trim)
    fake, means, groups = calibration.videos(unseen, trim)
    assert found["calibration"] == calibration.fit_on_folds(unseen)
    assert found["thresholds"] == limits
    points = decision.points(fake, means, groups, limits["videos"], verdict)
    assert found["verdict"] == points | {"source": "folds"}
    assert found["out_of_fold"]["threshold"] == limits["videos"]
    assert found["out_of_fold"]["rows"] == len(fake)


def record(fake: float | None = 0.3, no_trace: float | None = -0.3, **changed) -> dict:
    made = bundle()
    made["calibration"] |= changed
    made["verdict"] = synthetic.points(fake, no_trace)
    return made


@pytest.mark.parametrize(("fake", "no_trace"), [(0.0, 0.0), (0.5, -0.2), (None, 0.1), (0.2, None)])
@pytest.mark.parametrize("frames_of", [1, 2, 3, 7])
def test_a_verdict_is_what_the_evaluation_says_of_the_same_scores(fake, no_trace, frames_of):
    model, generator = record(fake, no_trace), np.random.default_rng(frames_of)
    met = set()
    for mean in np.linspace(-1.5, 1.5, 61):
        scores = generator.normal(mean, 1, frames_of)
        rows = [{"video_id": "v", "label": "fake", "group_id": "g"}] * frames_of
        (told,) = scoring.video_table(rows, scores, 0.0, model["calibration"])
        found, _ = classify.verdict(people(f0=[*scores]), model, 0.5)
        assert found["score"] == told["score"]
        assert found["probability"] == round(told["probability"], 4)
        judged = answers.judge([told], model["verdict"], level=0.95)
        assert judged["found"]["value"] == (found["verdict"] == "fake")
        assert judged["missed"]["value"] == (found["verdict"] == "no_trace")
        met.add(found["verdict"])
    never = {"fake": fake, "no_trace": no_trace}
    assert met >= {side for side, at in never.items() if at is not None}
    assert ("undecided" in met) == (fake != no_trace)


def test_a_score_at_a_threshold_is_fake_and_just_below_it_is_not():
    limit = np.log(3)
    below = float(np.nextafter(limit, 0))
    for score, verdict in ((limit, "fake"), (below, "undecided")):
        found, _ = classify.verdict(frames(score), record(limit), 0.5)
        assert found["verdict"] == verdict
    assert found["codes"] == "within_no_operating_point"


def test_no_prior_moves_a_verdict():
    for score, verdict in ((0.4, "fake"), (0.0, "undecided"), (-0.4, "no_trace")):
        for prior in (0.001, 0.5, 0.999):
            found, _ = classify.verdict(frames(score), record(), prior)
            assert found["verdict"] == verdict


def test_a_side_that_cannot_answer_says_what_it_takes():
    found, _ = classify.verdict(frames(9.0), record(fake=None), 0.5)
    assert (found["verdict"], found["codes"]) == ("undecided", "within_no_operating_point")
    assert found["reason"] == (
        'no video is called "fake": an error rate within 0.05 takes 18 groups of people, and '
        "there are 6"
    )


def test_a_calibration_without_a_slope_decides_nothing():
    """Its probability is the prior alone, though the folds' ranking was better than chance."""
    model = record(slope=0.0)
    found, _ = classify.verdict(frames(3.0), model, 0.9)
    assert (found["verdict"], found["probability"]) == ("undecided", 0.9)
    assert "no better than chance" in found["reason"]


def test_the_score_of_one_face_is_its_own():
    for score in (-1e6, -0.1, 0.0, 1 / 3, 1e6):
        for slope in (0.0, 1e-9, 1.0, 1e9):
            assert decision.combined_score({"slope": slope}, [score], 1) == score


@pytest.mark.parametrize("slope", [0.5, 2.0])
@pytest.mark.parametrize("prior", [0.1, 0.5])
def test_the_probability_of_several_faces_is_bayes_rule_over_which_of_them_is_fake(slope, prior):
    """By adding up all cases: the video is real, or one face, each as likely, is fake."""
    scores = np.array([0.3, -1.2, 2.0])
    calibrated = {"slope": slope, "intercept": -0.4, "videos": 30, "fake": 12}
    base = (12 + 1) / (30 - 12 + 1)
    ratios = np.exp(slope * scores - 0.4) / base  # of fake to real, by Platt scaling
    real = (1 - prior) * 1.0
    fake = sum(prior / 3 * ratio for ratio in ratios)
    score = decision.combined_score(calibrated, list(scores), 3)
    found = calibration.probability(calibrated, np.array([score]), prior)
    assert found == pytest.approx(fake / (real + fake))


def test_more_faces_that_look_real_make_a_fake_less_likely_and_none_more():
    calibrated = {"slope": 1.0}
    found = [
        decision.combined_score(calibrated, [2.0] + [-3.0] * more, 1 + more) for more in range(8)
    ]
    assert (np.diff(found) < 0).all()
    assert found[7] == pytest.approx(np.log((np.exp(2) + 7 * np.exp(-3)) / 8))
    assert decision.combined_score(calibrated, [2.0] * 8, 8) == pytest.approx(2.0)
    assert decision.combined_score({"slope": 0.0}, [1.0, 2.0, 6.0], 3) == 3.0
    assert np.isfinite(decision.combined_score({"slope": 1e6}, [-1e6, 1e6], 2))


def test_the_odds_of_a_video_are_the_sum_of_its_faces_odds():
    rows = people(f0=[-1.0] * 3, f1=[2.0] * 3, f2=[0.5] * 3)
    found, each = classify.verdict(rows, bundle(), 0.3)
    odds = [one["probability"] / (1 - one["probability"]) for one in (found, *each)]
    assert odds[0] == pytest.approx(sum(odds[1:]), abs=2e-3)


@pytest.mark.parametrize(
    ("faces", "alarms", "found"), [(1, 0.115, 0.787), (2, 0.132, 0.718), (8, 0.151, 0.557)]
)
def test_more_faces_hardly_make_more_false_alarms(faces, alarms, found):
    """Real and fake faces two deviations apart. By the worst face 0.11, 0.22 and 0.62 were wrong.

    The expected shares are those of 400,000 videos, by the mean of the likelihood ratios.
    """
    generator, videos = np.random.default_rng(faces), 600
    model = record(float(np.log(1.5) / 2), slope=2.0)
    for expected, shift in ((alarms, 0.0), (found, 2.0)):
        called = 0
        for _ in range(videos):
            scores = generator.normal(-1, 1, faces)
            scores[0] += shift
            rows = people(**{f"f{face}": [score] * 3 for face, score in enumerate(scores)})
            called += classify.verdict(rows, model, 0.5)[0]["verdict"] == "fake"
        error = np.sqrt(expected * (1 - expected) / videos)
        assert called / videos == pytest.approx(expected, abs=3.5 * error)


def test_the_aims_of_a_bundle_are_those_of_the_configuration():
    assert get_args(config.Evaluation.model_fields["threshold"].annotation) == decision.AIMS
