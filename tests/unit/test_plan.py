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
