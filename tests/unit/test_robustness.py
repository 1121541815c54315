"""Tests of what is said of perturbed clips: nothing is lost unseen or compared unfairly."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from deepfake.core import archive
from deepfake.evaluation import answers, robustness, scoring
from tests.unit import synthetic
from tests.unit.clips import SCRIPTS

HOW = {"level": 0.95}
CALIBRATION = {"slope": 1.0, "intercept": 0.0, "trim": 0.25}
RECORD = {"frames": {"threshold": 0.5}, "videos": {"threshold": 0.4}}
RECORD |= {"answers": {"points": synthetic.points()}}
SHIFT = "scale", 0.5


def rows_of_test(groups: int = 8) -> list[dict]:
    """Two frames of one real and one fake video a group, as rows of the matrix."""
    found = []
    for group in range(groups):
        for label in ("fake", "real"):
            for frame in ("0", "10"):
                row = {"row": str(len(found)), "video_id": f"{label} {group}", "frame": frame}
                found.append(row | {"face": "0", "label": label, "group_id": f"g{group}"})
    return found


@pytest.fixture(scope="module")
def test_rows() -> list[dict]:
    return rows_of_test()


def values_of(rows, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=len(rows))
    return noise + np.array([row["label"] == "fake" for row in rows])


def before_of(rows, values) -> dict:
    return {
        "frames": scoring.frame_table(rows, values, 0.5),
        "videos": scoring.video_table(rows, values, 0.4, CALIBRATION),
    }


def records_of(rows, perturbation=SHIFT, status="kept") -> list[dict]:
    kind, strength = perturbation
    return [
        {"perturbation": kind, "strength": str(strength), "status": status}
        | {name: row[name] for name in ("video_id", "frame", "face")}
        | {"crop_row": str(number) if status == "kept" else ""}
        for number, row in enumerate(rows)
    ]


def score(records, values, test):
    """What `scored` makes of values of the kept records, those of no row among them."""
    (matched,) = robustness.matched([records], test)
    kept = [record for record in records if record["status"] == "kept"]
    (seen,) = robustness.matched([kept], test)
    in_test = {row["video_id"] for row in test}
    mine = [v for v, record in zip(values, kept, strict=True) if record["video_id"] in in_test]
    return robustness.scored(
        matched, [v for v, one in zip(mine, seen, strict=True) if one.row is not None]
    )


def judged(found, rows, values) -> dict:
    (one,) = robustness.compare(found, before_of(rows, values), RECORD, CALIBRATION, **HOW)
    return one


def test_scores_that_did_not_change_are_the_evaluations_own(test_rows):
    values = values_of(test_rows)
    found = score(records_of(test_rows), values, test_rows)
    one = judged(found, test_rows, values)
    assert (one["kind"], one["strength"]) == SHIFT
    before = before_of(test_rows, values)
    for unit in robustness.UNITS:
        limit = RECORD[unit]["threshold"]
        assert one[unit]["metrics"] == scoring.evaluate(before[unit], limit, **HOW)
        assert one[unit]["lost"] == 0
    assert one["frames"]["answers"] is None
    assert one["videos"]["answers"] == answers.judge(before["videos"], synthetic.points(), **HOW)
    for unit in robustness.UNITS:
        for less in one[unit]["difference"].values():
            assert less["value"] == 0
            assert less["low"] == -less["high"] < 0


def test_scores_of_dropped_faces_are_not_taken_for_those_of_the_next(test_rows):
    values = values_of(test_rows)
    records = records_of(test_rows[:4]) + records_of(test_rows[4:6], status="dropped")
    records += records_of(test_rows[6:])
    found = score(records, np.delete(values, [4, 5]), test_rows)
    assert [(row["row"], row["score"]) for row in found[SHIFT]] == [
        (row["row"], value)
        for row, value in zip(test_rows, values, strict=True)
        if row["row"] not in ("4", "5")
    ]


def test_lost_frames_and_videos_are_counted_and_take_no_part_in_the_difference(test_rows):
    values = values_of(test_rows)
    records = records_of(test_rows[:1], status="dropped") + records_of(test_rows[1:-2])
    records += records_of(test_rows[-2:], status="dropped")
    found = score(records, values[1:-2], test_rows)
    one = judged(found, test_rows, values)
    assert (one["frames"]["lost"], one["videos"]["lost"]) == (3, 1)
    assert one["frames"]["metrics"]["rows"] == len(test_rows) - 3
    # the one frame of the first video is not what its two were: videos differ, frames do not
    assert one["frames"]["difference"]["roc_auc"]["value"] == 0
    assert one["videos"]["metrics"]["fake"] == 8
    assert one["videos"]["metrics"]["real"] == 7


def test_faces_that_are_not_in_the_test_take_no_part(test_rows):
    """Of videos in training, and of frames in which the clip as it is shows no face."""
    values = values_of(test_rows)
    other = test_rows[0] | {"video_id": "of the training"}
    frame = test_rows[0] | {"frame": "20"}
    records = records_of([other]) + records_of(test_rows) + records_of([frame])
    found = score(records, [9.0, *values, 9.0], test_rows)
    assert [row["score"] for row in found[SHIFT]] == values.tolist()


def test_a_perturbation_under_which_no_face_is_found_stays_with_its_losses(test_rows):
    values = values_of(test_rows)
    records = records_of(test_rows, ("brightness", 20.0), "dropped") + records_of(test_rows)
    found = score(records, values, test_rows)
    assert list(found) == [("brightness", 20.0), SHIFT]
    dark, _ = robustness.compare(found, before_of(test_rows, values), RECORD, CALIBRATION, **HOW)
    nothing = {"metrics": None, "answers": None, "difference": {}}
    assert dark["frames"] == {"lost": len(test_rows)} | nothing
    assert dark["videos"]["lost"] == 16


def test_what_falls_is_told_with_its_interval(test_rows):
    values = values_of(test_rows)
    found = score(records_of(test_rows), values_of(test_rows, 1) * 0, test_rows)
    one = judged(found, test_rows, values)
    less = one["videos"]["difference"]["roc_auc"]
    assert less["value"] < -0.1
    assert less["low"] <= less["value"] <= less["high"]


def test_below_six_groups_a_difference_has_no_interval():
    rows = rows_of_test(5)
    values = values_of(rows)
    one = judged(score(records_of(rows), -values, rows), rows, values)
    less = one["videos"]["difference"]["roc_auc"]
    assert less["value"] < 0
    assert less["low"] is less["high"] is None
    assert "5 groups: no interval" in one["videos"]["metrics"]["note"]


def test_one_class_that_is_left_has_no_ranking(test_rows):
    fakes = [row for row in test_rows if row["label"] == "fake"]
    values = values_of(test_rows)
    found = score(records_of(fakes), values_of(fakes), test_rows)
    one = judged(found, test_rows, values)
    assert one["videos"]["difference"]["roc_auc"] == {"value": None, "low": None, "high": None}
    assert "every row is fake" in one["videos"]["metrics"]["note"]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """robustness_scores.py with a model whose score is a face's first number."""
    spec = importlib.util.spec_from_file_location("scores", SCRIPTS / "robustness_scores.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "AT_ONCE", 5)
    monkeypatch.setattr(module, "READ", 2)
    monkeypatch.setattr(
        module.models, "decide", lambda _, faces: faces.take(slice(None))[:, 0].astype(float)
    )
    return module


def numbered(path: Path, first: int, count: int) -> str:
    """Vectors of a batch, whose first numbers are `first`, `first` + 1, ..."""
    with archive.Stack(path, (3,)) as stack:
        for number in range(count):
            stack.add(np.full(3, first + number, np.uint8))
    return str(path)


def test_a_score_is_that_of_its_own_face_in_whatever_order_the_table_is(script, tmp_path):
    files = [numbered(tmp_path / "a.npy", 0, 9), numbered(tmp_path / "b.npy", 100, 4)]
    orders = [[4, 8, 0, 1, 7, 6], [3, 0, 1]]
    records = [[robustness.Matched(SHIFT, {}, crop) for crop in order] for order in orders]
    records[0].insert(2, robustness.Matched(SHIFT))  # no face is to be scored
    scores = script._scores(None, records, files)
    assert scores.tolist() == [4, 8, 0, 1, 7, 6, 103, 100, 101]
    assert script._scores(None, [[robustness.Matched(SHIFT)], []], files).shape == (0,)


def test_a_face_that_a_batch_has_not_is_an_error_that_names_it(script, tmp_path):
    files = [numbered(tmp_path / "a.npy", 0, 3)]
    with pytest.raises(ValueError, match=r"a\.npy: has no row 3, .*remove both and run again"):
        script._scores(None, [[robustness.Matched(SHIFT, {}, 3)]], files)
