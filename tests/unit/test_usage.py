"""What jobs requested and used, in a line."""

import json

from deepfake.workflow import config, extra_jobs, plan, usage


def test_core_hours_are_those_of_all_jobs_and_of_a_thousand_videos(tmp_path):
    for rule, seconds in (("frames", 360.0), ("faces", 3240.0)):
        (tmp_path / rule).mkdir()
        record = {"s": 1.0, "cpu_time": seconds, "threads": 2, "resources": {"runtime": 90}}
        (tmp_path / rule / "b1.jsonl").write_text(json.dumps(record) + "\n")
    line = usage.core_hours([tmp_path], 40)
    told = "1 core hours were used of 6 that its jobs requested, which is 25 for 1,000 videos"
    assert line == told
    (tmp_path / "frames" / "b1.jsonl").unlink()
    (tmp_path / "faces" / "b1.jsonl").write_text(json.dumps({"s": 1.0, "cpu_time": 36.0}))
    line = usage.core_hours([tmp_path], 40)
    assert line == "0.01 core hours were used, which is 0.25 for 1,000 videos"


def test_what_is_requested_to_classify_grows_with_the_batches():
    settings = config.load({"sweep": {"forest": {}}}, "settings")

    def hours(batches: int) -> float:
        videos = [
            {"path": f"{n}.mp4", "video_id": f"{n}.mp4", "batch": f"b{n % batches}", "label": "",
             "group_id": str(n)}
            for n in range(12)
        ]  # fmt: skip
        made = plan.Plan(settings, videos, faces=8)
        line = extra_jobs.to_classify(made, 12)
        assert f"12 videos to classify in {batches} batches" in line
        return float(line.split("at most ")[1].split()[0])

    assert 0 < hours(1) < hours(4)
