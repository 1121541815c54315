"""`training.copies`: each face of the training again, from a perturbed copy of its clip."""

import json
import os
import shutil

import numpy as np
import pytest

from deepfake.core import tables
from tests.workflow import forked
from tests.workflow.running import Run, scan

SETS = ("pixels", "lbp")
SETTINGS = {
    "faces": {"size": 32},
    "features": list(SETS),
    "split": {"protocols": ["grouped"], "test_size": 0.34, "folds": {"k": 2}},
    "sweep": {"logistic": {"C": [0.01, 1], "scaling": ["none"]}},
    "robustness": {"crf": [], "scale": [0.5], "brightness": [], "mirror": False},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory, demo_clips) -> Run:
    """Twelve clips, each face with a copy that changes nothing and one at half size."""
    run = Run(tmp_path_factory.mktemp("copies"))
    scan("folders", "demo", demo_clips, run.folder / "videos.tsv", videos_per_job=7)
    copies = {"scale": [0.5], "brightness": [1], "per_face": 2}
    run.write_settings(**SETTINGS, training={"copies": copies})
    done = run.snakemake("all", "robustness")
    assert done.returncode == 0, done.stdout
    return run


@pytest.fixture(scope="module")
def without(tmp_path_factory, run) -> Run:
    """The same run without copies, from the faces of that one."""
    other = Run(tmp_path_factory.mktemp("without") / "copy")
    shutil.copytree(run.folder, other.folder)
    other.write_settings(**SETTINGS)
    assert "faces" not in other.planned("all", "robustness")
    done = other.snakemake("all", "robustness")
    assert done.returncode == 0, done.stdout
    return other


def rows_of(run: Run) -> list[dict]:
    return tables.read(run.results / "rows.tsv")


def test_every_face_has_its_copies_and_faces_keep_their_rows(run, without):
    faces, rows = rows_of(without), rows_of(run)
    assert rows[: len(faces)] == faces
    assert len(rows) == 3 * len(faces)
    copies = {name: [] for name in ("brightness 1", "scale 0.5")}
    for row in rows[len(faces) :]:
        copies[row["copy"]].append((row["video_id"], row["frame"], row["face"]))
    keys = [(row["video_id"], row["frame"], row["face"]) for row in faces]
    assert list(copies.values()) == [keys, keys]


@pytest.mark.parametrize("name", SETS)
def test_a_copy_that_changes_nothing_is_the_face_in_every_feature_set(run, name):
    matrix, rows = np.load(run.results / name / "matrix.npy"), rows_of(run)
    count = len(rows) // 3
    same = [n for n, row in enumerate(rows) if row["copy"] == "brightness 1"]
    half = [n for n, row in enumerate(rows) if row["copy"] == "scale 0.5"]
    np.testing.assert_array_equal(matrix[same], matrix[:count])
    assert (matrix[half] != matrix[:count]).any(axis=1).all()


def test_copies_are_in_training_only_and_in_the_fold_of_their_face(run):
    rows, split = rows_of(run), tables.read(run.results / "splits" / "grouped.tsv")
    count = len(rows) // 3
    of_face = {
        (row["video_id"], row["frame"]): cut
        for row, cut in zip(rows[:count], split[:count], strict=True)
    }
    for row, cut in zip(rows[count:], split[count:], strict=True):
        face = of_face[row["video_id"], row["frame"]]
        expected = ("train", face["fold"]) if face["part"] == "train" else ("unused", "")
        assert (cut["part"], cut["fold"]) == expected


def test_the_search_has_both_scores_and_the_bundle_says_what_it_was_trained_on(run):
    place = run.results / "lbp" / "grouped"
    (first, *_) = tables.read(place / "search" / "logistic.tsv")
    assert 0 <= float(first["copies_roc_auc"]) <= 1
    bundle = json.loads((place / "models" / "logistic" / "bundle.json").read_text())
    trained = bundle["training"]
    assert trained["copies"] == dict.fromkeys(("brightness 1", "scale 0.5"), trained["rows"])
    assert bundle["calibration"]["videos"] == 3 * trained["videos"]
    widths = [float(row["width"]) for row in tables.read(run.results / "faces.tsv")
              if row["status"] == "kept"]  # fmt: skip
    assert bundle["domain"]["face_width"][0] < np.median(widths)


def test_models_without_copies_beside_them_are_those_of_a_run_without_copies(run, without):
    for name in SETS:
        for place in ("evaluation/logistic/frames.tsv", "robustness/logistic/frames.tsv"):
            plain, other = (
                tables.read(results / name / split / place)
                for results, split in (
                    (run.results, "plain-grouped"),
                    (without.results, "grouped"),
                )
            )
            assert len(plain) == len(other) > 0
            for one, two in zip(plain, other, strict=True):
                assert float(one.pop("score")) == pytest.approx(float(two.pop("score")), abs=1e-9)
                assert one == two
        of_both = (
            json.loads((folder / "models" / "logistic" / "bundle.json").read_text())
            for folder in (
                run.results / name / "plain-grouped", without.results / name / "grouped",
            )
        )  # fmt: skip
        plain, other = of_both
        assert plain["domain"] == other["domain"]
        assert plain["training"]["copies"] == {}


def test_the_page_sets_models_with_and_without_copies_side_by_side(run, without):
    page = (run.results / "robustness.html").read_text(encoding="utf-8")
    assert "logistic with copies" in page
    assert "logistic without copies" in page
    assert "with copies" not in (without.results / "robustness.html").read_text(encoding="utf-8")
    counts = {row["copies"] for row in tables.read(run.results / "robustness.tsv")}
    trained = json.loads((run.results / "lbp/grouped/models/logistic/bundle.json").read_text())[
        "training"
    ]["rows"]
    assert counts == {"0", str(2 * trained)}


def test_copies_made_again_on_one_core_are_the_same(run):
    before = {path: path.read_bytes() for path in (run.results / "copies").iterdir()}
    assert len(before) == 6
    done = run.snakemake(
        "--forcerun", "copies", "--until", "copies", cores=1, start=forked.run_again
    )
    assert done.returncode == 0, done.stdout
    assert {path: path.read_bytes() for path in before} == before


def test_a_changed_strength_makes_only_copies_again(run):
    settings = run.settings
    try:
        copies = {"scale": [0.5, 0.75], "brightness": [1], "per_face": 2}
        run.write_settings(**SETTINGS, training={"copies": copies})
        why = run.why()
    finally:
        run.settings = settings
        run.write_settings()
    assert any(line.startswith("key training.copies.scale: ") for line in why["copies"])
    assert not {"frames", "faces", "features"} & set(why)
    assert {"copy_features", "rows", "matrix", "split", "search", "fit"} <= set(why)


def test_a_clip_that_breaks_later_loses_its_copies_alone(tmp_path, demo_clips):
    """Its faces were cut before: they stay, and its copies keep the reason."""
    shutil.copytree(demo_clips, tmp_path / "clips")
    run = Run(tmp_path)
    scan("folders", "demo", tmp_path / "clips", run.folder / "videos.tsv", videos_per_job=12)
    run.write_settings(**SETTINGS | {"training": {"copies": {"crf": [40]}}})
    done = run.snakemake("--until", "faces")
    assert done.returncode == 0, done.stdout
    clip = tmp_path / "clips" / "real" / "s01.mp4"
    before = clip.stat()
    clip.write_bytes(clip.read_bytes()[:500])
    os.utime(clip, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = run.snakemake("--until", "rows")
    assert done.returncode == 0, done.stdout
    records = tables.read(run.results / "faces.tsv")
    of_clip = [row for row in records if row["video_id"].endswith("real/s01.mp4")]
    lost = [row for row in of_clip if row["copy"]]
    assert len(lost) == len(of_clip) / 2 == 3
    assert all(row["status"] == "dropped" and row["reason"] for row in lost)
    assert all(row["status"] == "kept" for row in records if row not in lost)
