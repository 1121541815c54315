"""Tests of why a run is refused before anything of it runs, and what it is warned of."""

import pytest

from deepfake.dataset.sheet import Video
from deepfake.workflow import budget, checks, config
from deepfake.workflow.checks import MANY_JOBS
from deepfake.workflow.plan import Plan


def run(videos: int, per_job: int, **settings) -> tuple[config.Config, list[Video]]:
    rows = [
        {"video_id": f"v{n}", "path": f"v{n}.mp4", "label": "real", "batch": f"b{n // per_job}"}
        for n in range(videos)
    ]
    return config.load({"sweep": {"forest": {}}} | settings, "x"), rows


def refused(*sizes: int, **settings) -> list[str]:
    return checks.problems(*run(*sizes, **settings))


def test_a_usual_plan_warns_of_nothing():
    assert checks.warnings([Plan(*run(2000, 50))]) == []


@pytest.mark.parametrize(
    ("made", "turn"),
    [
        (run(MANY_JOBS // 2, 1), "--videos-per-job"),
        (
            run(
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
    plan = Plan(*made)
    (told,) = checks.warnings([plan])
    assert f"{sum(1 for _ in plan.jobs())} jobs" in told
    assert turn in told
    assert checks.problems(*made) == []  # it may run


def test_models_that_hold_all_columns_are_refused_where_a_set_has_too_many():
    """Their covariances of pixels would have 307,200 rows."""
    grids = {"lda": {}, "qda": {}, "knn": {}, "mahalanobis": {}, "ridge": {}, "elasticnet": {}}
    (told,) = refused(10, 5, sweep=grids)
    assert told == (
        "sweep.lda: LDA, QDA, KNN and MAHALANOBIS take feature sets of up to 5,000 columns; "
        "pixels have 307,200: leave pixels out of features, or lda and qda and knn and mahalanobis "
        "out of the sweep"
    )
    assert refused(10, 5, sweep=grids, features=["residuals", "all"]) == []
    assert refused(10, 5, sweep=grids, features=["all", "pixels"]) == [told]
    assert refused(10, 5, sweep={"ridge": {}, "elasticnet": {}}) == []
    assert refused(10, 5, sweep=grids, faces={"size": 40}) == []


def test_a_network_that_has_nothing_to_see_is_refused():
    grids = {"mesonet": {}, "logistic": {}, "average": {}}
    assert refused(10, 5, sweep=grids, features=["pixels", "residuals"]) == []
    (told,) = refused(10, 5, sweep=grids, features=["residuals"])
    assert told.startswith("sweep.mesonet: a network needs images")


def test_a_plan_says_what_its_jobs_request_at_their_first_attempt_a_line_a_plan():
    small, wide = Plan(*run(10, 5)), Plan(*run(10, 5, faces={"size": 640}))
    jobs = list(wide.jobs())
    hours = sum(wide.threads(*job) * wide.minutes(*job) for job in jobs) / 60
    most = max(wide.mem_mb(*job) for job in jobs)
    first, second = budget.described([("", small), ("wide", wide)]).splitlines()
    assert first.startswith(f"{sum(1 for _ in small.jobs())} jobs from nothing request ")
    assert second.startswith(f"wide: {len(jobs)} jobs from nothing request {hours:,.1f} core hours")
    assert second.endswith(f"at most {most:,} MB a job")


def test_a_plan_that_requests_more_core_hours_than_the_limit_is_refused_with_the_largest_rules():
    total = budget.requested(Plan(*run(10, 5)))
    assert refused(10, 5) == refused(10, 5, search={"core_hours": total.core_hours}) == []
    (told,) = refused(10, 5, search={"core_hours": 0.5})
    assert f"{total.jobs} jobs request {total.core_hours:,.1f} core hours" in told
    assert "more than search.core_hours (0.5)" in told
    (rule, minutes), *_ = total.core_minutes.most_common()
    assert f"the most: {rule} {minutes / 60:,.1f}, " in told
    assert minutes == max(total.core_minutes.values())
    assert told.endswith("or raise search.core_hours")
