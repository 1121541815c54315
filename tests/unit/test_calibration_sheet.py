"""A second sheet for thresholds and probabilities: what it must not share, and what comes of it."""

import numpy as np
import pytest

from deepfake.evaluation import decision
from deepfake.splits import calibration_sheet

EVALUATION = {"threshold": "equal_error"}
VERDICT = {"max_false_alarms": 0.1, "max_missed": 0.1, "strict": False, "calibrate_on": "x.tsv"}


def video(name: str, **more) -> dict[str, str]:
    known = {"video_id": name, "path": f"/{name}", "clip_id": "", "target_id": "", "source_id": ""}
    return known | {"group_id": f"group of {name}"} | more


@pytest.mark.parametrize(
    ("column", "mine", "other", "said"),
    [
        ("video_id", {}, {}, "its column video_id: 1 videos of the run's own sheet ('a')"),
        ("path", {"path": "/z"}, {"path": "/z"}, "its column path: 1 files"),
        ("clip_id", {"clip_id": "c"}, {"clip_id": "c"}, "its column clip_id: 1 clips"),
        ("target_id", {"target_id": "p"}, {"source_id": "p"}, "its column target_id: 1 people"),
        ("source_id", {"source_id": "p"}, {"target_id": "p"}, "its column source_id: 1 people"),
    ],
)
def test_what_the_two_sheets_share_is_named(column, mine, other, said):
    name = "a" if column == "video_id" else "b"
    lines = calibration_sheet.shared("more.tsv", [video(name, **mine)], [video("a", **other)])
    (line,) = [line for line in lines if f"column {column}:" in line]
    assert line.startswith(f"more.tsv: {said}")
    assert line.endswith("verdict.calibrate_on takes clips from elsewhere: remove them")


def test_sheets_without_names_in_common_are_fine_and_empty_names_are_no_name():
    assert calibration_sheet.shared("more.tsv", [video("b")], [video("a")]) == []


def test_of_many_shared_things_the_first_are_named():
    videos = [video(f"v{number}") for number in range(9)]
    line = calibration_sheet.shared("more.tsv", videos, videos)[0]
    assert "9 videos" in line
    assert "'v4', ..." in line
    assert "v5" not in line


def face(label: str, digest: str) -> dict[str, str]:
    return {"label": label, "digest": digest, "video_id": f"{label}/{digest}"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no face is kept"),
        ([face("real", "1")], "only real faces are kept"),
        ([face("real", "1"), face("fake", "7")], r"1 videos with faces .* \('fake/7'\)"),
    ],
)
def test_faces_that_cannot_serve_are_refused(rows, said):
    known = [face("fake", "7"), face("real", "")]
    with pytest.raises(calibration_sheet.CalibrationError, match=f"more.tsv: .*{said}"):
        calibration_sheet.check("more.tsv", rows, known)


def test_faces_without_a_digest_equal_none():
    rows = [face("real", ""), face("fake", "2")]
    calibration_sheet.check("more.tsv", rows, [face("real", "")])


def scored(groups: int, shift: float) -> tuple[list[dict], np.ndarray]:
    """Three faces of a real and a fake video a group; scores are moved by a shift."""
    rows = [
        {"video_id": f"{label}{group}", "group_id": f"g{group:02}", "label": label, "dataset": "d"}
        for group in range(groups) for label in ("real", "fake") for _ in range(3)
    ]  # fmt: skip
    noise = np.random.default_rng(0).normal(0, 0.2, len(rows))
    return rows, noise + shift + np.array([2.0 * (row["label"] == "fake") for row in rows])


def test_thresholds_and_probabilities_follow_the_sheet_and_not_the_folds():
    near, far = (decision.from_sheet(*scored(10, shift), 0.0, EVALUATION, VERDICT)
                 for shift in (0.0, 5.0))  # fmt: skip
    assert near["calibrated_on"] == {"datasets": ["d"], "groups": 10, "videos": 20, "fake": 10}
    assert near["verdict"]["source"] == "sheet"
    for side in ("fake", "no_trace"):
        assert far["verdict"][side]["at"] == pytest.approx(near["verdict"][side]["at"] + 5)
        assert near["verdict"][side]["groups"] == 10
    assert far["thresholds"]["videos"] == pytest.approx(near["thresholds"]["videos"] + 5)
    assert near["calibration"]["slope"] == pytest.approx(far["calibration"]["slope"], rel=1e-3)
    assert "out_of_fold" not in near


def test_few_groups_of_the_sheet_promise_as_little_as_few_folds():
    found = decision.from_sheet(*scored(4, 0.0), 0.0, EVALUATION, VERDICT)
    assert found["verdict"]["fake"]["at"] is None
    assert found["verdict"]["fake"]["needs"] == 8
