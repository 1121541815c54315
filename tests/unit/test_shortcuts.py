"""Tests of untrained numbers beside models: how they are measured, and what is said of them."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from deepfake.evaluation import metrics, shortcuts
from deepfake.preprocessing import image_quality


def frame(inner: float, outer: float) -> np.ndarray:
    """Grey noise of these deviations in a box at (20, 30) of 40 x 50, and around it."""
    noise = np.random.default_rng(0).normal(size=(120, 100)) * outer
    noise[30:80, 20:60] *= inner / outer
    return np.repeat(np.clip(128 + noise, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


BOX, AROUND = (20, 30, 40, 50), (10, 20, 60, 70)


@pytest.mark.parametrize(("inner", "outer"), [(8, 8), (16, 8), (4, 8)])
def test_noise_is_measured_in_doublings_of_its_variance(inner, outer):
    found = image_quality.noise(frame(inner, outer), BOX, AROUND)
    assert found == pytest.approx(2 * np.log2(inner / outer), abs=0.35)


def test_noise_outside_the_surroundings_does_not_count_and_without_a_ring_there_is_none():
    picture = frame(8, 8)
    changed = picture.copy()
    changed[95:] = 0
    assert image_quality.noise(changed, BOX, AROUND) == image_quality.noise(picture, BOX, AROUND)
    assert image_quality.noise(picture, BOX, BOX) == 0
    # a face at the border, whose box reaches out of the frame
    assert image_quality.noise(picture, (-10, -10, 60, 60), (0, 0, 55, 55)) != 0


def made(sign: float = -1.0):
    """Ten groups of a fake and a real video, two faces each, half of them for training."""
    generator = np.random.default_rng(3)
    rows, records, split = [], [], []
    for group in range(20):
        for label in ("fake", "real"):
            for face in ("0", "1"):
                row = {"video_id": f"{label} {group}", "frame": "0", "face": face}
                rows.append(row | {"label": label, "group_id": f"g{group}"})
                value = sign * (label == "fake") + generator.normal()
                records.append(row | {"status": "kept", "sharpness": str(value), "noise": "1.0"})
                split.append(
                    {"row": len(split), "part": "train" if group % 2 else "test", "fold": ""}
                )
    records.append(records[0] | {"face": "7", "status": "dropped", "sharpness": "", "noise": ""})
    return rows, records, split


def scored(rows, split, skill: float) -> tuple[dict, list[dict]]:
    """An evaluation record and its scored videos."""
    test = [row for row, cut in zip(rows, split, strict=True) if cut["part"] == "test"]
    videos = {row["video_id"]: row for row in test}
    noise = np.random.default_rng(5).normal(size=len(videos))
    table = [
        row | {"score": str(skill * (row["label"] == "fake") + n)}
        for (_, row), n in zip(sorted(videos.items()), noise, strict=True)
    ]
    record = {"protocol": "grouped", "model": "svm", "features": {"name": "lbp"}, "leaky": False}
    return record, table


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_direction_comes_from_the_training_and_the_score_from_the_test(sign):
    rows, records, split = made(sign)
    known = shortcuts.of_videos(rows, records, split)
    record, videos = scored(rows, split, 2.0)
    sharp, flat = shortcuts.table([record], [videos], {"grouped": known}, 0.95)
    assert sharp["fakes_have"] == ("less" if sign < 0 else "more")
    fake = np.array([row["label"] == "fake" for row in videos])
    means = sign * np.array(
        [
            np.mean([float(r["sharpness"]) for r in records
                     if r["video_id"] == row["video_id"] and r["status"] == "kept"])
            for row in videos
        ]
    )  # fmt: skip
    assert sharp["roc_auc"] == pytest.approx(roc_auc_score(fake, means))
    assert sharp["roc_auc_low"] < sharp["roc_auc"] < sharp["roc_auc_high"]
    assert sharp["training_roc_auc"] > 0.5
    values = np.array([float(row["score"]) for row in videos])
    groups = [row["group_id"] for row in videos]
    less = metrics.paired(fake, (values, 0), (means, 0), groups, level=0.95)["roc_auc"]
    assert [sharp[f"difference{end}"] for end in ("", "_low", "_high")] == [*less.values()]
    assert flat["roc_auc"] == 0.5  # the same of all


def test_a_wrong_direction_shows_as_a_score_below_chance():
    rows, records, split = made(-1.0)
    for record, cut in zip(records, split, strict=False):
        if cut["part"] == "test":
            record["sharpness"] = str(-float(record["sharpness"]))
    known = shortcuts.of_videos(rows, records, split)
    record, videos = scored(rows, split, 2.0)
    assert shortcuts.table([record], [videos], {"grouped": known}, 0.95)[0]["roc_auc"] < 0.5


@pytest.mark.parametrize(
    ("difference", "low", "said"),
    [
        (0.3, 0.1, ""),
        (0.3, -0.1, "This test cannot show whether it is better than the sharpness of"),
        (0.04, 0.01, "It is hardly better than the sharpness of the face alone"),
        (-0.2, None, "It is hardly better than the sharpness of the face alone"),
        (0.3, None, "This test cannot show whether it is better than the sharpness of"),
        (None, None, ""),
    ],
)
def test_a_model_that_barely_beats_a_number_says_so(difference, low, said):
    row = {"measure": "sharpness", "difference": difference, "difference_low": low}
    found = shortcuts.verdict(row)
    assert found.startswith(said)
    assert bool(found) == bool(said)
    text = {key: "" if value is None else str(value) for key, value in row.items()}
    assert shortcuts.verdict(text) == found  # as a table has it


def test_the_summary_has_a_line_for_each_number_the_best_of_the_training_first():
    rows, records, split = made()
    record, videos = scored(rows, split, 0.1)
    known = {"grouped": shortcuts.of_videos(rows, records, split)}
    table = shortcuts.table([record], [videos], known, 0.95)
    lines = shortcuts.lines(table[::-1], record)
    assert lines[0].startswith("on the test, sharpness alone, untrained: 0.")
    assert lines[1].startswith("on the test, noise alone, untrained: 0.500 [")
    assert lines[2].startswith("It is hardly better than the sharpness of the face alone")
    assert shortcuts.lines(table, record | {"model": "forest"}) == []
