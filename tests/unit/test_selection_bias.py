"""Tests of the score of the best of many: what the choice gains is taken off."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from deepfake.evaluation import selection_bias
from deepfake.models.catalogue import RANKS

HOW = {"score": "roc_auc", "count": 20, "seed": 4, "level": 0.95}


def made(groups: int = 8, frames: int = 2, seed: int = 0) -> selection_bias.Pool:
    """Groups of a fake and two real videos, on three folds."""
    group_of = np.repeat(np.arange(groups), 3 * frames)
    video_of = np.repeat(np.arange(3 * groups), frames)
    copied = np.zeros(len(video_of), bool)
    return selection_bias.Pool(video_of % 3 == 0, copied, group_of % 3, group_of, video_of)


def searched(known, candidates, seed, skill=0.0, model="svm", features="pixels", length=9):
    noise = np.random.default_rng(seed).normal(size=(candidates, len(known.fake)))
    values = noise + skill * known.fake
    return selection_bias.Searched(known, features, length, model, RANKS[model], 0.0, values)


def corrected(known, models) -> dict:
    """With the candidates that a run would have chosen."""
    numbers = []
    for one in models:
        means = [
            np.mean([auc(known.fake[known.fold == fold], values[known.fold == fold])
                     for fold in range(3)])
            for values in one.values
        ]  # fmt: skip
        numbers.append(int(np.argmax(np.where(np.isnan(means), -np.inf, np.round(means, 12)))))
    return selection_bias.corrected(models, numbers, **HOW)


def drawn_rows(known, times, rows) -> np.ndarray:
    """Positions of rows, as often as their group was drawn."""
    return np.repeat(rows, times[known.group_of[rows]].astype(int))


def auc(fake, values) -> float:
    return roc_auc_score(fake, values) if 0 < fake.sum() < len(fake) else np.nan


def by_video(known, values, times) -> float:
    videos = np.unique(known.video_of)
    first = np.array([np.flatnonzero(known.video_of == v)[0] for v in videos])
    means = np.array([values[known.video_of == v].mean() for v in videos])
    often = times[known.group_of[first]].astype(int)
    return auc(np.repeat(known.fake[first], often), np.repeat(means, often))


def direct(known, models, count, seed) -> float:
    """The same by loops over rows that stand there as often as they were drawn."""
    groups = known.group_of.max() + 1
    draws = np.random.default_rng(seed).multinomial(groups, [1 / groups] * groups, size=count)
    left = []
    for times in draws:
        offered = []
        for one in models:
            means = []
            for values in one.values:
                folds = [
                    auc(known.fake[rows], values[rows])
                    for fold in range(3)
                    for rows in [drawn_rows(known, times, np.flatnonzero(known.fold == fold))]
                ]
                means.append(np.nanmean(folds) if np.isfinite(folds).any() else -np.inf)
            best = one.values[int(np.argmax(np.round(means, 12)))]
            offered.append((round(by_video(known, best, times), 3), best))
        best = max(offered, key=lambda one: one[0])[1]
        left.append(by_video(known, best, times == 0))
    return float(np.nanmean(left))


def test_the_choice_is_made_again_on_groups_that_are_drawn_and_scored_on_those_left_out():
    known = made()
    models = [searched(known, 4, 1, 0.5), searched(known, 3, 2, 0.5, "forest", "pixels")]
    found = corrected(known, models)
    assert found["all"]["roc_auc"]["value"] == pytest.approx(direct(known, models, 20, 4))
    for one in models:
        mine = found["models"][f"pixels {one.model}"]
        assert mine["roc_auc"]["value"] == pytest.approx(direct(known, [one], 20, 4))
        assert (mine["model"], mine["candidates"]) == (one.model, len(one.values))
    assert found["all"]["candidates"] == 7
    assert (found["all"]["fake"], found["all"]["real"], found["all"]["groups"]) == (8, 16, 8)
    ends = found["all"]["roc_auc"]
    assert ends["low"] < ends["value"] < ends["high"]


def test_with_nothing_to_learn_the_best_of_many_looks_good_and_its_correction_does_not():
    """24 videos, 27 candidates: the maximum is far above chance."""
    chosen, left = [], []
    for seed in range(12):
        known = made()
        found = corrected(known, [searched(known, 27, seed)])["all"]
        chosen.append(found["chosen"])
        left.append(found["roc_auc"]["value"])
    assert np.mean(chosen) > 0.62
    assert np.mean(left) == pytest.approx(0.5, abs=0.06)


def test_equal_models_go_to_the_simpler_as_in_a_run():
    known = made()
    large, small = (searched(known, 2, 1, 2.0, features=f, length=n) for f, n in
                    (("pixels", 900), ("lbp", 20)))  # fmt: skip
    found = corrected(known, [large, small])["all"]
    assert found["features"] == "lbp"


def test_few_groups_have_no_interval_and_one_class_no_score():
    known = made(groups=5)
    found = corrected(known, [searched(known, 2, 0, 1.0)])["all"]
    assert found["roc_auc"]["value"] is not None
    assert found["roc_auc"]["low"] is None
    real = dataclasses.replace(known, fake=known.fake & False)
    found = corrected(real, [searched(real, 2, 0)])["all"]
    assert found["roc_auc"] == {"value": None, "low": None, "high": None}
    assert (found["chosen"], found["draws"]) == (None, 0)


def test_few_draws_are_held_at_once_and_say_the_same(monkeypatch):
    known = made()
    models = [searched(known, 3, 0, 1.0)]
    whole = corrected(known, models)
    monkeypatch.setattr(selection_bias, "CHUNK", 5 * len(known.fake))
    assert corrected(known, models) == whole


def test_scores_of_search_jobs_are_put_in_their_rows():
    rows = [{"video_id": f"v{n}", "label": ("fake", "real")[n % 2], "group_id": f"g{n // 2}"}
            for n in range(6)]  # fmt: skip
    split = [
        {"row": n, "part": "test" if n == 0 else "train", "fold": str(n % 2)} for n in range(6)
    ]
    known = selection_bias.pool(rows, split, selection_bias.groups(rows, split))
    assert known.fake.tolist() == [False, True, False, True, False]
    assert known.fold.tolist() == [1, 0, 1, 0, 1]
    parts = [[{"candidate": "0", "fold": "0"}, {"candidate": "1", "fold": "0"}],
             [{"candidate": "0", "fold": "1"}, {"candidate": "1", "fold": "1"}]]  # fmt: skip
    values = [np.array([[1.0, 2], [3, 4]]), np.array([[5.0, 6, 7], [8, 9, 10]])]
    found = selection_bias.gathered(known, parts, values)
    assert found.tolist() == [[5, 1, 6, 2, 7], [8, 3, 9, 4, 10]]
    with pytest.raises(ValueError, match="lack a score of some candidate"):
        selection_bias.gathered(known, parts[:1], values[:1])


def test_a_choice_that_is_not_the_runs_is_refused():
    known = made()
    with pytest.raises(ValueError, match=r"chose candidates \[9\], and this job chooses"):
        selection_bias.corrected([searched(known, 3, 0)], [9], **HOW)
