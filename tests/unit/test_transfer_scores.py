"""Tests of a model's scores over all that was left out: pooled within parts, and the worst."""

import numpy as np
import pytest

from deepfake.evaluation import answers, metrics, scoring, transfer
from tests.unit import synthetic

HOW = {"level": 0.95}


def part(seed: int, fakes: int = 10, reals: int = 12, skill: float = 1.0, name: str = ""):
    """The record and the scored videos of a part; real videos are in every part."""
    noise = np.random.default_rng(seed).normal(size=fakes + reals)
    videos = [
        {"label": label, "video_id": f"{label}{name if label == 'fake' else ''}{number}"}
        | {"group_id": f"g{number}", "score": noise[place] + skill * (label == "fake")}
        for place, (label, number) in enumerate(
            [*(("fake", n) for n in range(fakes)), *(("real", n) for n in range(reals))]
        )
    ]  # fmt: skip
    points = synthetic.points(1.0, -0.2)
    record = {"videos": scoring.evaluate(videos, 0.5, **HOW)}
    record["answers"] = answers.judge(videos, points, **HOW)
    return record, videos


def pooled(*parts) -> dict:
    return transfer.pooled([record for record, _ in parts], [videos for _, videos in parts], **HOW)


def test_one_part_is_what_its_evaluation_says():
    record, videos = part(1)
    found = pooled((record, videos))
    for name in ("accuracy", "balanced_accuracy", "roc_auc"):
        assert found["videos"]["metrics"][name] == pytest.approx(record["videos"]["metrics"][name])
    for name in ("rows", "fake", "real", "groups", "majority_baseline", "confusion"):
        assert found["videos"][name] == record["videos"][name]
    assert found["answers"] == {n: record["answers"][n] for n in answers.SHARES}


def test_a_fake_is_ranked_against_real_videos_of_its_own_part_alone():
    parts = [part(1, fakes=8, name="a"), part(2, fakes=4, name="b")]
    found = pooled(*parts)["videos"]
    won = [
        (one["score"] > other["score"]) + 0.5 * (one["score"] == other["score"])
        for _, videos in parts
        for one in videos if one["label"] == "fake"
        for other in videos if other["label"] == "real"
    ]  # fmt: skip
    assert found["metrics"]["roc_auc"]["value"] == pytest.approx(np.mean(won))
    assert (found["fake"], found["real"], found["groups"]) == (12, 24, 12)


def test_models_scores_need_no_common_scale():
    (record, videos), other = part(3, name="a"), part(4, name="b")
    larger = [video | {"score": 1000 + 50 * video["score"]} for video in videos]
    points = synthetic.points(1050.0, 990.0)
    moved = {"videos": scoring.evaluate(larger, 1025.0, **HOW)}
    moved["answers"] = answers.judge(larger, points, **HOW)
    before, after = pooled((record, videos), other), pooled((moved, larger), other)
    for name, score in before["videos"]["metrics"].items():
        assert after["videos"]["metrics"][name] == pytest.approx(score)
    for name in answers.SHARES:
        assert after["answers"][name] == pytest.approx(before["answers"][name])


def test_the_same_videos_in_several_parts_are_no_more_groups():
    """Three times the same part is as sure as once."""
    one = part(5)
    once, thrice = pooled(one)["videos"]["metrics"], pooled(one, one, one)["videos"]["metrics"]
    for name in ("accuracy", "roc_auc"):
        assert thrice[name] == pytest.approx(once[name])


def test_shares_are_of_each_parts_own_operating_points():
    ours, others = part(6, name="a"), part(7, name="b")
    silent = {**others[0], "answers": answers.judge(others[1], synthetic.points(None, None), **HOW)}
    found = pooled(ours, (silent, others[1]))["answers"]
    for name in ("answered", "found", "false_alarms"):
        assert found[name]["value"] == pytest.approx(ours[0]["answers"][name]["value"] / 2)


def test_too_few_groups_have_no_interval():
    few = part(8, fakes=3, reals=3, name="a")
    metric = pooled(few, few)["videos"]["metrics"]["roc_auc"]
    assert metric["low"] is metric["high"] is None
    assert metrics.MIN_GROUPS > 3


def test_a_part_of_too_few_groups_leaves_all_parts_without_an_interval():
    """Two parts of three groups have six together, but nothing says how each of them varies."""
    one, (record, videos) = part(8, fakes=3, reals=3, name="a"), part(9, fakes=3, reals=3, name="b")
    others = [video | {"group_id": f"other {video['group_id']}"} for video in videos]
    found = pooled(one, (record, others))["videos"]
    assert found["groups"] == metrics.MIN_GROUPS
    assert found["metrics"]["roc_auc"]["low"] is None


def test_a_perfect_score_is_no_surer_than_its_videos():
    perfect = [part(9, skill=100.0, name=name)[1] for name in "ab"]
    records = [part(9, skill=100.0, name=name)[0] for name in "ab"]
    found = transfer.pooled(records, perfect, **HOW)["videos"]["metrics"]["roc_auc"]
    assert found["value"] == 1
    assert 0.5 < found["low"] < 0.999


def test_the_worst_is_the_part_of_the_lowest_roc_auc_and_the_first_of_equals():
    records = [part(seed, skill=skill)[0] for seed, skill in ((1, 3.0), (2, -3.0), (2, -3.0))]
    assert transfer.worst(records) == 1
