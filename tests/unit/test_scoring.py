"""Tests of the scores of frames and videos, and of the tables that show them."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

from deepfake.core import codehash
from deepfake.evaluation import answers, scoring, summary
from tests.unit import synthetic

HOW = {"level": 0.9}
CALIBRATION = {"slope": 2.0, "intercept": -1.0, "trim": 0.0}


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return synthetic.rows(10, seed=4)


@pytest.fixture(scope="module")
def values(rows) -> np.ndarray:
    hint = np.array([row["label"] == "fake" for row in rows])
    return hint + np.random.default_rng(1).normal(size=len(rows))


def test_a_frame_keeps_its_row_and_gets_its_score(rows, values):
    table = scoring.frame_table(rows, values, 0.5)
    for row, value, found in zip(rows, values, table, strict=True):
        said = "fake" if value >= 0.5 else "real"
        assert found == row | {"score": value, "predicted": said}
        assert set(scoring.FRAME_COLUMNS) <= set(found)


def test_a_score_at_the_threshold_says_fake(rows):
    table = scoring.frame_table(rows[:2], np.array([0.5, np.nextafter(0.5, 0)]), 0.5)
    assert [row["predicted"] for row in table] == ["fake", "real"]


def test_a_videos_score_is_the_mean_of_its_frames_in_any_order(rows, values):
    table = scoring.video_table(rows, values, 0.5, CALIBRATION)
    assert [row["video_id"] for row in table] == sorted({row["video_id"] for row in rows})
    for found in table:
        mine = [i for i, row in enumerate(rows) if row["video_id"] == found["video_id"]]
        mean = values[mine].mean()
        assert found["frames"] == len(mine)
        assert found["score"] == pytest.approx(mean)
        assert found["probability"] == pytest.approx(1 / (1 + np.exp(1 - 2 * mean)))
        assert found["predicted"] == ("fake" if mean >= 0.5 else "real")
        assert found["label"] == rows[mine[0]]["label"]
        assert found["group_id"] == rows[mine[0]]["group_id"]
        assert set(scoring.VIDEO_COLUMNS) <= set(found)
    order = np.random.default_rng(2).permutation(len(rows))
    again = scoring.video_table([rows[i] for i in order], values[order], 0.5, CALIBRATION)
    for one, other in zip(table, again, strict=True):
        assert one["score"] == pytest.approx(other["score"], rel=1e-12)
        assert one["frames"] == other["frames"]


def test_a_videos_score_is_trimmed_as_its_calibration_says(rows, values):
    """No single frame turns it, however far its score is."""
    calibrated = CALIBRATION | {"trim": 0.25}
    table = scoring.video_table(rows, values, 0.5, calibrated)
    for found in table:
        mine = [i for i, row in enumerate(rows) if row["video_id"] == found["video_id"]]
        assert found["score"] == pytest.approx(np.median(values[mine]))  # of two or three
        if len(mine) < 3:
            continue
        for far in (-1e6, 1e6):
            moved = values.copy()
            moved[mine[0]] = far
            again = scoring.video_table(rows, moved, 0.5, calibrated)
            (score,) = (r["score"] for r in again if r["video_id"] == found["video_id"])
            rest = values[mine[1:]]
            assert rest.min() <= score <= rest.max()


def test_a_table_is_judged_by_its_labels_scores_and_groups(rows, values):
    table = scoring.frame_table(rows, values, 0.5)
    judged = scoring.evaluate(table, 0.5, **HOW)
    right = np.mean([row["label"] == row["predicted"] for row in table])
    assert judged["metrics"]["accuracy"]["value"] == pytest.approx(right)
    assert judged["groups"] == 10
    assert judged["metrics"]["roc_auc"]["low"] is not None
    assert judged["threshold"] == 0.5


@pytest.mark.parametrize(
    "counts",
    [(15, 4, 3, 18), (0, 7, 0, 9), (7, 0, 9, 0), (5, 3, 0, 0), (0, 0, 2, 3), (12_345, 678, 90, 9)],
)
def test_the_originals_form_is_that_of_scikit_learn_with_fake_first(counts):
    """Also where one class is missing, or is never predicted."""
    cells = zip(("fake", "fake", "real", "real"), ("fake", "real") * 2, counts, strict=True)
    table = [{"label": was, "predicted": told} for was, told, count in cells for _ in range(count)]
    labels, said = ([int(row[name] == "real") for row in table] for name in ("label", "predicted"))
    how = {"labels": [0, 1], "target_names": ["fake", "real"], "digits": 4, "zero_division": 0}
    assert scoring.original_text(table, "svm, grouped") == (
        "svm, grouped\n\nconfusion matrix (rows actual, columns predicted; fake, real)\n"
        f"{confusion_matrix(labels, said, labels=[0, 1])}\n\n"
        f"accuracy {accuracy_score(labels, said):.4f}\n\n"
        f"{classification_report(labels, said, **how)}"
    )


def test_the_originals_form_can_be_written_where_no_row_is_right():
    """There scikit-learn writes counts as `1.0`."""
    text = scoring.original_text([{"label": "fake", "predicted": "real"}], "wrong")
    fake, real = (text.index(f"{name} ") for name in ("        fake", "        real"))
    assert text[fake:real].split() == ["fake", "0.0000", "0.0000", "0.0000", "1"]
    assert "accuracy 0.0000" in text


def test_an_evaluation_does_not_need_scikit_learn():
    """Its import would take longer than most evaluations."""
    assert "scikit-learn" not in codehash.dependencies("evaluate")[1]


@pytest.fixture(scope="module")
def records(rows, values) -> list[dict]:
    """Evaluations: a sound one, a leaky one, one without intervals, one of a single class."""
    frames = scoring.frame_table(rows, values, 0.5)
    videos = videos_table = scoring.video_table(rows, values, 0.5, CALIBRATION)
    few = [row for row in frames if row["group_id"] < "g004"]
    fakes = [row for row in frames if row["label"] == "fake"]
    judged = {
        name: scoring.evaluate(table, 0.5, **HOW)
        for name, table in (("frames", frames), ("videos", videos), ("few", few), ("fakes", fakes))
    }

    def record(protocol: str, model: str, leaky: bool, frames: str, videos: str) -> dict:
        units = {"frames": judged[frames], "videos": judged[videos]}
        seen = {"name": "pixels", "version": 1, "length": 300}
        folds = {"leaky": leaky, "roc_auc": {"value": 0.7, "low": None, "high": None}}
        made = {"protocol": protocol, "model": model, "leaky": leaky, "features": seen}
        made |= {"folds": folds, "contains_training_images": False} | units
        of_videos = {"videos": videos_table, "fakes": fakes}[videos]
        return made | {"answers": answers.judge(of_videos, synthetic.points(), **HOW)}

    return [
        record("grouped", "svm", False, "frames", "videos"),
        record("frame", "forest", True, "frames", "videos"),
        record("grouped", "logistic", False, "few", "fakes"),
    ]


def test_the_summary_has_a_row_for_frames_and_one_for_videos(records):
    rows = summary.table(records)
    assert [(row["protocol"], row["model"], row["unit"]) for row in rows] == [
        ("grouped", "svm", "frames"), ("grouped", "svm", "videos"),
        ("frame", "forest", "frames"), ("frame", "forest", "videos"),
        ("grouped", "logistic", "frames"), ("grouped", "logistic", "videos"),
    ]  # fmt: skip
    assert all(set(row) == set(summary.COLUMNS) for row in rows)
    auc = records[0]["videos"]["metrics"]["roc_auc"]
    assert [rows[1][f"roc_auc{end}"] for end in ("", "_low", "_high")] == [
        auc["value"], auc["low"], auc["high"],
    ]  # fmt: skip
    assert [row["leaky"] for row in rows] == ["no", "no", "yes", "yes", "no", "no"]


def test_the_text_stamps_every_leaky_row_and_says_what_it_means(records):
    lines = summary.text(summary.table(records), 0.9, "the model's own").splitlines()
    assert lines[0].split() == [
        "split", "features", "model", "unit", "test", "baseline", "accuracy", "balanced_accuracy",
        "roc_auc",
    ]  # fmt: skip
    for line in lines[1:7]:
        assert ("LEAKY" in line) == line.startswith("frame ")
    assert any(line.startswith("LEAKY: people, clips or frames") for line in lines[7:])
    assert any("90% interval" in line for line in lines[7:])


def test_the_text_of_sound_scores_does_not_speak_of_leaks(records):
    assert "LEAKY" not in summary.text(summary.table(records[:1]), 0.9, "the model's own")


def test_the_text_shows_intervals_where_there_are_some_and_notes_where_not(records):
    rows = summary.table(records)
    lines = summary.text(rows, 0.9, "the model's own").splitlines()
    accuracy, low, high = (rows[0][f"accuracy{end}"] for end in ("", "_low", "_high"))
    assert f"{accuracy:.3f} [{low:.2f}, {high:.2f}]" in lines[1]
    assert f"{rows[0]['baseline']:.3f}" in lines[1]
    assert f"{rows[0]['fake']} fake, {rows[0]['real']} real" in lines[1]
    assert "4 groups: no interval" in lines[5]
    assert "[" not in lines[5]
    assert "undefined" in lines[6]
    assert "every row is fake: no ranking metric" in lines[6]
    assert lines[0].index("roc_auc") == lines[1].index(f"{rows[0]['roc_auc']:.3f} [")


def test_videos_are_judged_by_method_with_the_real_ones_of_its_dataset():
    def video(name, label, dataset, method, score):
        return {"video_id": name, "label": label, "dataset": dataset, "method": method,
                "compression": "c23", "group_id": name, "score": score}  # fmt: skip

    videos = [
        video("a", "real", "one", "", 0.0), video("b", "fake", "one", "swap", 1.0),
        video("c", "fake", "one", "mask", -1.0), video("d", "real", "two", "", 0.0),
        video("e", "fake", "two", "swap", 1.0),
    ]  # fmt: skip
    found = {(one["by"], one["of"]): one for one in scoring.slices(videos, 0.5, **HOW)}
    assert list(found) == [
        ("dataset", "one"), ("dataset", "two"), ("method", "mask"), ("method", "swap"),
    ]  # fmt: skip
    assert (found["method", "swap"]["fake"], found["method", "swap"]["real"]) == (2, 2)
    assert (found["method", "mask"]["fake"], found["method", "mask"]["real"]) == (1, 1)
    assert found["method", "swap"]["metrics"]["roc_auc"]["value"] == 1
    assert found["method", "mask"]["metrics"]["roc_auc"]["value"] == 0


def test_probabilities_are_judged_by_the_labels_and_groups_of_their_videos(rows, values):
    table = scoring.video_table(rows, values, 0.5, CALIBRATION)
    found = scoring.probabilities(table, **HOW)["brier"]
    errors = [(row["probability"] - (row["label"] == "fake")) ** 2 for row in table]
    assert found["value"] == pytest.approx(np.mean(errors))
    assert found["low"] < found["value"] < found["high"]
    few = [row | {"group_id": row["group_id"][:2]} for row in table]
    assert scoring.probabilities(few, **HOW)["brier"]["low"] is None
