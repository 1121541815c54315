"""Tests of the jobs of a run and their sizes, before anything runs."""

from deepfake import config
from deepfake.plan import LONG_CLIP, Plan


def plan(videos: int, per_job: int, **settings) -> Plan:
    rows = [
        {"video_id": f"v{n}", "path": f"v{n}.mp4", "label": "real", "batch": f"b{n // per_job}"}
        for n in range(videos)
    ]
    return Plan(config.load({"sweep": {"forest": {}}} | settings, "x"), rows)


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


def test_a_network_is_trained_on_pixels_alone():
    grids = {"mesonet": {}, "logistic": {}, "average": {}}
    made = plan(10, 5, sweep=grids, features=["pixels", "residuals"])
    assert made.models("pixels") == ["logistic", "mesonet", "average"]
    assert made.models("residuals") == ["logistic"]  # nothing else to average it with
