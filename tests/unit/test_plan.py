"""Tests of what a plan warns of before anything runs."""

import pytest

from deepfake import config
from deepfake.plan import LONG_CLIP, MANY_JOBS, Plan


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


def test_clips_that_are_decoded_whole_are_planned_as_long_ones():
    batch = {"batch": "b0"}
    start, whole, sparse = (
        plan(100, 50, frames={"every": every, "span": span})
        for every, span in ((30, "start"), (30, "whole"), (10_000, "whole"))
    )
    assert start.size(batch).decoded == 210
    assert whole.size(batch).decoded == LONG_CLIP
    assert sparse.size(batch).decoded == 70_000
    assert whole.minutes("frames", batch) > start.minutes("frames", batch)
    assert whole.mem_mb("faces", batch) == start.mem_mb("faces", batch)


def test_every_face_that_is_kept_needs_its_memory():
    rows = [{"video_id": "v", "path": "v.mp4", "label": "", "batch": "b"}]
    one, eight = (Plan(config.load({"sweep": {"forest": {}}}, "x"), rows, faces=n) for n in (1, 8))
    for rule in ("faces", "classify_batch"):
        more = eight.mem_mb(rule, {"batch": "b"}) - one.mem_mb(rule, {"batch": "b"})
        assert more >= 7 * 7 * 320 * 320 * 3 // 2**20


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


def test_a_network_is_trained_on_pixels_alone():
    grids = {"mesonet": {}, "logistic": {}, "average": {}}
    made = plan(10, 5, sweep=grids, features=["pixels", "residuals"])
    assert made.models("pixels") == ["logistic", "mesonet", "average"]
    assert made.models("residuals") == ["logistic"]  # nothing else to average it with
    assert made.problems() == []
    (told,) = plan(10, 5, sweep=grids, features=["residuals"]).problems()
    assert told.startswith("sweep.mesonet: a network sees pictures")
