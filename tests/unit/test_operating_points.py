"""Thresholds of a verdict's two sides, from out-of-fold scores of groups."""

import itertools

import numpy as np
import pytest

from deepfake.evaluation import operating_points

BOUNDS = {"max_false_alarms": 0.05, "max_missed": 0.10}


def scored(groups: int, apart: float = 3.0, seed: int = 0, videos: int = 2):
    """Labels, scores and groups: each group holds real and fake videos."""
    generator = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), 2 * videos)
    fake = np.tile(np.repeat([False, True], videos), groups)
    return fake, generator.normal(apart * fake, 1), [f"g{number:03}" for number in group]


@pytest.mark.parametrize(
    ("bound", "strict", "groups"),
    [(0.05, False, 18), (0.10, False, 8), (0.05, True, 59), (0.10, True, 29), (0.5, False, 1)],
)
def test_without_an_error_a_bound_takes_so_many_groups(bound, strict, groups):
    assert operating_points.needed(bound, strict) == groups
    reached = operating_points.upper if strict else operating_points.rate
    assert reached(0, groups) <= bound + 1e-9
    assert groups == 1 or reached(0, groups - 1) > bound


def test_a_side_answers_from_so_many_groups_on():
    for groups, answers in ((7, (False, False)), (8, (False, True)), (18, (True, True))):
        found = operating_points.choose(*scored(groups, apart=20), **BOUNDS)
        assert tuple(found[side]["at"] is not None for side in ("fake", "no_trace")) == answers
    few = operating_points.choose(*scored(7, apart=20), **BOUNDS)["fake"]
    assert (few["why"], few["groups"], few["needs"]) == (operating_points.TOO_FEW, 7, 18)
    assert few["rate"] is few["errors"] is None


def by_hand(fake, values, groups, cut: float, side: str) -> tuple[float, int]:
    """Errors and groups of a side at a cut, counted one group after another."""
    errors, count = 0.0, 0
    for group in sorted(set(groups)):
        mine = [
            value >= cut if side == "fake" else value < cut
            for value, label, name in zip(values, fake, groups, strict=True)
            if name == group and label == (side == "no_trace")
        ]
        if mine:
            errors, count = errors + sum(mine) / len(mine), count + 1
    return errors, count


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("strict", [False, True])
def test_the_thresholds_are_the_outermost_that_hold_the_bounds(seed, strict):
    fake, values, groups = scored(80, apart=2.5, seed=seed, videos=1 + seed % 3)
    found = operating_points.choose(fake, values, groups, **BOUNDS, strict=strict)
    reached = operating_points.upper if strict else operating_points.rate
    steps = np.unique(values)
    for side, bound, other in (("fake", 0.05, -1), ("no_trace", 0.10, 1)):
        point = found[side]
        errors, count = by_hand(fake, values, groups, point["at"], side)
        assert (point["errors"], point["groups"]) == (pytest.approx(errors), count)
        assert reached(errors, count) <= bound
        assert point["rate"] == pytest.approx((errors + 1) / (count + 2))
        # one step nearer to the other class, and the bound is broken
        near = np.searchsorted(steps, point["at"]) + (other if side == "fake" else 0)
        cut = steps[near] - 1e-12 if side == "fake" else steps[near] + 1e-12
        assert reached(*by_hand(fake, values, groups, cut, side)) > bound


def test_a_side_without_a_threshold_says_whether_groups_or_separation_is_missing():
    fake, values, groups = scored(40, apart=0)
    values = np.where(fake, -1.0, 1.0)  # every real video is above every fake one
    found = operating_points.choose(fake, values, groups, **BOUNDS)
    assert {found[side]["why"] for side in operating_points.SIDES} == {
        operating_points.NOT_SEPARATED
    }


def test_where_both_bounds_hold_one_threshold_serves_both_sides():
    fake, values, groups = scored(40, apart=30)
    for middle, at in ((None, None), (14.0, 14.0)):
        found = operating_points.choose(fake, values, groups, **BOUNDS, middle=middle)
        assert found["fake"]["at"] == found["no_trace"]["at"]
        assert at in (None, found["fake"]["at"])
        assert found["fake"]["errors"] == found["no_trace"]["errors"] == 0
        assert found["fake"]["found"] == found["no_trace"]["found"] == 1
    far = operating_points.choose(fake, values, groups, **BOUNDS, middle=1e9)
    assert values[~fake].max() < far["fake"]["at"] < values[fake].max()


def test_a_class_that_is_missing_answers_nothing():
    fake, values, groups = scored(40)
    real = [not one for one in fake]
    found = operating_points.choose(
        fake[real], values[real], list(itertools.compress(groups, real)), **BOUNDS
    )
    assert found["fake"]["at"] is found["no_trace"]["at"] is None
    assert operating_points.choose([], [], [], **BOUNDS)["fake"]["why"] == operating_points.TOO_FEW


def test_a_score_is_named_by_the_two_thresholds():
    points = {"fake": {"at": 1.0}, "no_trace": {"at": -1.0}}
    named = [operating_points.verdict(score, points) for score in (-1.5, -1.0, 0.9, 1.0)]
    assert named == ["no_trace", "undecided", "undecided", "fake"]
    points = {"fake": {"at": None}, "no_trace": {"at": None}}
    assert {operating_points.verdict(score, points) for score in (-9, 9)} == {"undecided"}


def test_promised_rates_hold_on_new_groups():
    """Over many trainings, the mean rate of errors on new groups is within each bound."""
    alarms, missed = [], []
    for seed in range(200):
        found = operating_points.choose(*scored(40, apart=3, seed=seed), **BOUNDS)
        fake, values, _ = scored(300, apart=3, seed=10_000 + seed)
        alarms.append((values[~fake] >= found["fake"]["at"]).mean())
        missed.append((values[fake] < found["no_trace"]["at"]).mean())
    assert np.mean(alarms) <= 0.05
    assert np.mean(missed) <= 0.10
