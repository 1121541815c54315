"""Training copies: which are drawn, how they are cut, and what each stage does with them."""

import collections

import numpy as np
import pytest

from deepfake.evaluation import calibration, decision, search_table, selection_bias, shortcuts
from deepfake.features import row_order
from deepfake.preprocessing import copies, faces
from deepfake.preprocessing.decoding import encoded
from deepfake.preprocessing.frames import Clip
from deepfake.preprocessing.perturbations import registry
from deepfake.splits import assignment, equal, leak_audit
from deepfake.workflow import checks, config, plan, resources

WANTED = [("crf", 28), ("crf", 40), ("scale", 0.5), ("scale", 0.75)]
CROP = {"size": 16, "margin": 0.0, "resize": "bicubic", "jpeg_quality": None}


def load(copies=None, **settings) -> config.Config:
    training = {"training": {"copies": copies}} if copies else {}
    return config.load({"sweep": {"svm": {}}, **training, **settings}, "run.yaml")


def test_draws_do_not_depend_on_other_clips_and_follow_seed_and_strengths():
    names = [f"clip{number}" for number in range(400)]
    drawn = {name: registry.drawn(WANTED, name, 1, 42) for name in names}
    counts = collections.Counter(one for (one,) in drawn.values())
    assert min(counts[one] for one in WANTED) > 70  # of 100 each, on average
    assert drawn["clip7"] == registry.drawn(WANTED, "clip7", 1, 42)
    assert any(registry.drawn(WANTED, name, 1, 7) != drawn[name] for name in names)
    more = {name: registry.drawn([*WANTED, ("crf", 36)], name, 1, 42) for name in names}
    moved = {name for name in names if more[name] != drawn[name]}
    assert {one for name in moved for one in more[name]} == {("crf", 36)}
    assert 0 < len(moved) < 150


def test_several_copies_of_a_face_are_of_different_strengths_in_the_order_of_the_keys():
    for clip in ("a", "b", "c"):
        drawn = registry.drawn(WANTED, clip, 3, 0)
        assert drawn == [one for one in WANTED if one in drawn]
        assert len(set(drawn)) == 3
    assert registry.drawn(WANTED, "a", 4, 0) == WANTED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"crf": [28, 28]}, "training.copies: a strength is named twice"),
        ({"crf": [28], "per_face": 2}, "per_face is 2, but 1 strengths are named"),
        ({"crf": [99]}, r"training.copies.crf\[0\]: "),
        ({"mirror": True}, "mirror"),  # a mirrored face is elsewhere in the frame
    ],
)
def test_copies_that_cannot_be_made_are_refused(given, said):
    with pytest.raises(config.ConfigError, match=said):
        load(given)


def test_the_original_experiment_is_not_repeated_with_copies():
    with pytest.raises(config.ConfigError, match=r"report\.published repeats runs without"):
        load({"crf": [28]}, report={"published": "original"}, split={"protocols": ["frame"]})
    assert load().training.copies.count == 0


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def record(**more) -> dict[str, str]:
    box = {"x": "20", "y": "10", "width": "24", "height": "32"}
    points = "26,20 38,20 32,26 28,34 36,34"
    found = {"video_id": "v", "frame": "3", "face": "0", "found": "1", "fps": "25.0"}
    return found | box | {"confidence": "0.99", "points": points, **more}


def clip_of(image: np.ndarray) -> Clip:
    return Clip(frames={3: encoded(image[..., ::-1], "png", 95)})


def test_a_copy_is_cut_where_the_face_was_found():
    image = picture()
    ((row, pixels, _),) = copies.cut([record()], ("brightness", 1.0), clip_of(image), **CROP)
    assert (row["copy"], row["status"]) == ("brightness 1", "kept")
    np.testing.assert_array_equal(pixels, faces.crop(image, (20, 10, 24, 32), **CROP))


def test_a_copy_of_a_scaled_clip_is_cut_with_the_scaled_box():
    half = registry.ALL["scale"].frame(picture(), 0.5)
    ((row, pixels, _),) = copies.cut([record()], ("scale", 0.5), clip_of(half), **CROP)
    assert [row[side] for side in ("x", "y", "width", "height")] == [10, 5, 12, 16]
    assert row["points"].split()[0] == "13,10"
    np.testing.assert_array_equal(pixels, faces.crop(half, (10, 5, 12, 16), **CROP))


def test_a_face_whose_copy_cannot_be_made_keeps_its_reason():
    small = registry.ALL["scale"].frame(picture(), 0.05)
    broken = Clip(reason="the encoder failed")
    tiny = record(width="24", height="32")
    for requested, clip, reason in (
        (("crf", 40), broken, "the encoder failed"),
        (("crf", 40), Clip(frames={}), copies.MISSING),
        (("scale", 0.05), clip_of(small), "face smaller than 2 pixels"),
    ):
        ((row, pixels, surroundings),) = copies.cut([tiny], requested, clip, **CROP)
        assert (row["status"], row["reason"]) == ("dropped", reason)
        assert (pixels, surroundings) == (None, None)


def some_rows(groups: int = 6, frames: int = 2, copy: str = "crf 40") -> list[dict]:
    """Faces of a real and a fake video a group, then a copy of each."""
    found = [
        {
            "video_id": f"{label}{group}", "frame": str(frame), "face": "0", "copy": "",
            "label": label, "method": "swap" if label == "fake" else "", "group_id": f"g{group}",
            "clip_id": f"g{group}", "target_id": "", "source_id": "", "digest": "", "phash": "",
        }
        for group in range(groups) for label in ("real", "fake") for frame in range(frames)
    ]  # fmt: skip
    return found + [row | {"copy": copy} for row in found]


HOW = {"test_size": 0.34, "k": 2, "shuffle": True, "every": 1, "seed": 0}


@pytest.mark.parametrize("protocol", ["grouped", "video", "frame"])
def test_a_copy_goes_with_its_face_and_never_into_a_test(protocol):
    rows = some_rows()
    half = len(rows) // 2
    split = assignment.make(rows, protocol, **HOW)
    assert [cut["row"] for cut in split] == list(range(len(rows)))
    assert split[:half] == assignment.make(rows[:half], protocol, **HOW)
    for face, copy in zip(split[:half], split[half:], strict=True):
        if face["part"] == "train":
            assert (copy["part"], copy["fold"]) == ("train", face["fold"])
        else:
            assert (copy["part"], copy["reason"]) == ("unused", assignment.COPY)


def test_the_audit_compares_faces_and_counts_the_copies_of_the_training():
    rows = some_rows()
    split = assignment.make(rows, "grouped", **HOW)
    half = len(rows) // 2
    found = leak_audit.audit(rows, split, "grouped")
    without = leak_audit.audit(rows[:half], split[:half], "grouped")
    assert found == without | {"training_copies": found["parts"]["train"]["rows"]}
    assert not found["leaky"]
    assert not found["unused"]


def test_copies_take_no_part_in_the_leakage_ablation():
    rows, names = some_rows(), ["equal-frame", "equal-grouped", "shuffled-frame"]
    half, how = len(rows) // 2, {name: HOW[name] for name in HOW if name != "seed"}
    _, splits = equal.make(rows, names, 0, **how)
    _, without = equal.make(rows[:half], names, 0, **how)
    for name in names:
        assert splits[name][:half] == without[name]
        assert {cut["part"] for cut in splits[name][half:]} == {"unused"}


def test_rows_of_copies_follow_all_faces_and_are_ordered_by_strength(tmp_path):
    from deepfake.core import tables
    from deepfake.preprocessing import face_record

    face = {"frame": 0, "face": 0, "status": "kept", "crop_row": 0}
    made = [face | {"video_id": name, "crop_row": n} for n, name in enumerate(("b", "a"))]
    again = [
        made[n % 2] | {"copy": name, "crop_row": n}
        for n, name in enumerate(("scale 0.5", "crf 40", "crf 9", "crf 28"))
    ]
    again.append(face | {"video_id": "a", "copy": "crf 9", "status": "dropped", "reason": "gone"})
    tables.write(made, tmp_path / "faces.tsv", face_record.COLUMNS)
    tables.write(again, tmp_path / "copies.tsv", ("copy", *face_record.COLUMNS))
    videos = {name: {"label": "real", "group_id": name} for name in "ab"}
    rows, records = row_order.collect([tmp_path / "faces.tsv"], videos, [tmp_path / "copies.tsv"])
    assert [(row["video_id"], row["copy"]) for row in rows] == [
        ("a", ""), ("b", ""), ("a", "crf 28"), ("a", "crf 40"), ("b", "crf 9"), ("b", "scale 0.5"),
    ]  # fmt: skip
    sources = row_order.sources([(tmp_path / "faces.tsv", "f")], [(tmp_path / "copies.tsv", "c")])
    assert sources == [("f", 1), ("f", 0), ("c", 3), ("c", 1), ("c", 2), ("c", 0)]
    (lost,) = [one for one in records if one["status"] == "dropped"]
    assert (lost["copy"], lost["reason"]) == ("crf 9", "gone")


def written(rows: list[dict]) -> list[dict[str, str]]:
    """Rows as a table gives them back."""
    return [{name: str(value) for name, value in row.items()} for row in rows]


def test_candidates_are_chosen_by_the_mean_of_faces_and_copies():
    fake = np.array([True, False, True, False] * 2)
    copied = np.arange(8) >= 4
    right, wrong = np.array([1.0, 0, 1, 0]), np.array([0.0, 1, 0, 1])
    middle = np.array([1.0, 0.5, 0.5, 0])  # 0.875
    values = {0: np.r_[right, wrong], 1: np.r_[middle, middle]}
    rows = search_table.table(values, fake, 0, 0.5, copies=copied)
    assert [(row["roc_auc"], row["copies_roc_auc"]) for row in rows] == [(1, 0), (0.875, 0.875)]
    best, means = search_table.best(written(rows), "roc_auc")
    assert (best, means["copies_roc_auc"]) == (1, 0.875)
    without = search_table.table({n: v[:4] for n, v in values.items()}, fake[:4], 0, 0.5)
    assert search_table.shown(without, search_table.OF_COPIES) == ()
    assert search_table.best(written(without), "roc_auc")[0] == 0


def held_out() -> list[dict]:
    rows = some_rows(groups=12)
    generator = np.random.default_rng(3)
    split = [row | {"row": str(n), "fold": str(int(row["group_id"][1:]) % 2)}
             for n, row in enumerate(rows)]  # fmt: skip
    return [
        row | {"score": str((row["label"] == "fake") * (1 if row["copy"] else 3)
                            + generator.normal(0, 0.3) - 2 * bool(row["copy"]))}
        for row in split
    ]  # fmt: skip


def test_copies_of_a_video_are_a_video_of_their_own_for_thresholds():
    rows = held_out()
    _, values, groups = calibration.videos(rows, 0.0)
    assert (len(values), len(set(groups))) == (48, 12)
    evaluation = {"threshold": "equal_error"}
    verdict = {"max_false_alarms": 0.25, "max_missed": 0.25, "strict": False}
    both = decision.from_folds(rows, 0.0, evaluation, verdict)
    faces_only = decision.from_folds([r for r in rows if not r["copy"]], 0.0, evaluation, verdict)
    assert "out_of_fold_copies" not in faces_only
    assert both["calibration"]["videos"] == 48
    assert both["out_of_fold"]["rows"] == both["out_of_fold_copies"]["rows"] == 24
    # fakes among the copies score below real faces: the threshold of "no trace" follows them
    assert both["verdict"]["no_trace"]["at"] is None or (
        both["verdict"]["no_trace"]["at"] < faces_only["verdict"]["no_trace"]["at"]
    )


def test_the_correction_of_selection_chooses_as_the_run_does():
    rows = held_out()
    split = [{"row": row["row"], "part": "train", "fold": row["fold"]} for row in rows]
    pool = selection_bias.pool(rows, split, selection_bias.groups(rows, split))
    values = np.array([float(row["score"]) for row in rows])
    copied = np.array([bool(row["copy"]) for row in rows])
    good_on_faces = np.where(copied, -values, values)
    both = np.stack([good_on_faces, values])
    searched = selection_bias.Searched(pool, "lbp", 1, "svm", 0, 0.0, both)
    found = selection_bias.corrected(
        [searched], [1], score="roc_auc", count=50, seed=0, level=0.95,
    )  # fmt: skip
    assert found["models"]["lbp svm"]["candidates"] == 2
    assert (found["all"]["fake"], found["all"]["real"]) == (12, 12)  # videos, not their copies
    with pytest.raises(ValueError, match="the run chose candidates"):
        selection_bias.corrected(
            [searched], [0], score="roc_auc", count=50, seed=0, level=0.95,
        )  # fmt: skip


def test_untrained_measures_are_of_faces_only():
    rows = some_rows()
    records = [row | {"status": "kept", "sharpness": "9" if row["copy"] else "1", "noise": "0"}
               for row in rows]  # fmt: skip
    found = shortcuts.of_videos(rows, records, assignment.make(rows, "grouped", **HOW))
    assert {mean for mean, _ in found["train"]["sharpness"].values()} == {1.0}


def test_plan_and_requests_count_the_copies():
    videos = [{"video_id": f"v{n}", "label": "fake", "batch": "b0", "path": f"{n}", "group_id": "g"}
              for n in range(10)]  # fmt: skip
    one, other = load(features=["lbp"]), load({"crf": [28, 40], "per_face": 2}, features=["lbp"])
    plans = [plan.Plan(settings, videos) for settings in (one, other)]
    rules = [collections.Counter(rule for rule, _ in made.jobs()) for made in plans]
    assert rules[1] - rules[0] == {"copies": 1, "copy_features": 1}
    search = {"features": "lbp", "protocol": "grouped", "model": "svm", "chunk": "c000"}
    sizes = [made.size(search) for made in plans]
    assert sizes[1].training == 3 * sizes[0].training
    assert sizes[1].tested == sizes[0].tested
    batches = [made.size({"batch": "b0"}) for made in plans]
    assert batches[0].rows == batches[1].rows
    assert resources.mem_mb("copies", batches[1]) >= 2000


def test_the_limit_of_a_gram_matrix_counts_copies():
    videos = [{"video_id": f"v{n}", "label": ("real", "fake")[n % 2], "batch": f"b{n % 5}",
               "path": f"{n}", "group_id": f"g{n}", "method": ""} for n in range(100)]  # fmt: skip
    search = {"max_gram_rows": 600}
    assert not [line for line in checks.problems(load(search=search), videos) if "Gram" in line
                or "max_gram_rows" in line]  # fmt: skip
    (line,) = (
        line
        for line in checks.problems(load({"crf": [40]}, search=search), videos)
        if "max_gram_rows" in line
    )
    assert "1120 training rows" in line
    assert "or training.copies" in line
