"""Tests of what a plan warns of before anything runs."""

import pytest

from deepfake import config
from deepfake.plan import MANY_JOBS, Plan


def plan(videos: int, per_job: int, **settings) -> Plan:
    rows = [
        {"video_id": f"v{n}", "path": f"v{n}.mp4", "label": "real", "batch": f"b{n // per_job}"}
        for n in range(videos)
    ]
    return Plan(config.load({"sweep": {"forest": {}}} | settings, "x"), rows)


def test_a_usual_plan_warns_of_nothing():
    assert plan(2000, 50).warnings() == []


@pytest.mark.parametrize(
    ("made", "turn"),
    [
        (plan(MANY_JOBS // 2, 1), "--videos-per-job"),
        (
            plan(
                *(10, 5),
                sweep={"svm": {"C": list(range(1, 300))}},
                search={"candidates_per_job": 1},
                split={"folds": {"k": 10}},
            ),
            "search.candidates_per_job",
        ),
    ],
    ids=["one video a job", "one candidate a job"],
)
def test_a_plan_of_many_jobs_says_how_many_and_which_key_to_turn(made, turn):
    (told,) = made.warnings()
    assert f"{sum(1 for _ in made.jobs())} jobs" in told
    assert turn in told
    assert made.problems() == []  # it may run


def test_models_that_hold_all_columns_are_refused_where_a_set_has_too_many():
    """Their covariances of pixels would have 307,200 rows."""
    grids = {"lda": {}, "qda": {}, "knn": {}, "ridge": {}, "elasticnet": {}}
    (told,) = plan(10, 5, sweep=grids).problems()
    assert told == (
        "sweep.lda: LDA, QDA and KNN take feature sets of up to 5,000 columns; pixels have "
        "307,200: leave pixels out of features, or lda and qda and knn out of the sweep"
    )
    assert plan(10, 5, sweep=grids, features=["residuals", "all"]).problems() == []
    assert plan(10, 5, sweep=grids, features=["all", "pixels"]).problems() == [told]
    assert plan(10, 5, sweep={"ridge": {}, "elasticnet": {}}).problems() == []
    assert plan(10, 5, sweep=grids, faces={"size": 40}).problems() == []
