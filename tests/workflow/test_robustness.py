"""`snakemake robustness`: the clips of the test perturbed, judged by the run's own models."""

import json
import shutil

import numpy as np
import pytest

from deepfake.core import archive, tables
from deepfake.evaluation import ledger
from deepfake.preprocessing import face_record
from tests.equality import assert_same_results
from tests.workflow import forked
from tests.workflow.running import Run, scan

SETS = ("pixels", "lbp")
NOTHING = ("scale", "1.0"), ("brightness", "1.0")  # perturbations that change nothing


@pytest.fixture(scope="module")
def run(tmp_path_factory, demo_clips) -> Run:
    """Twelve clips; their test as it is, twice, and encoded again badly."""
    run = Run(tmp_path_factory.mktemp("robustness"))
    scan("folders", "demo", demo_clips, run.folder / "videos.tsv", videos_per_job=7)
    run.write_settings(
        faces={"size": 32},
        features=list(SETS),
        split={"protocols": ["grouped", "frame"], "test_size": 0.34, "folds": {"k": 2}},
        sweep={"logistic": {"C": [1], "scaling": ["none"]}},
        robustness={"crf": [51], "scale": [1], "brightness": [1], "mirror": False},
    )
    done = run.snakemake("all", "robustness")
    assert done.returncode == 0, done.stdout
    assert "Robustness to perturbed clips: results/test/robustness" in done.stdout
    return run


def faces_of(run: Run, folder: str, perturbation: tuple[str, str] | None = None) -> dict:
    """Pixels, native crop and facts of every face in a folder of batches, by video and frame."""
    found = {}
    for table in sorted((run.results / folder).glob("*.tsv")):
        pixels = np.load(table.with_suffix(".npy"))
        crops = dict(archive.members(table.with_suffix(".tar")))
        for row in tables.read(table):
            if (row.pop("perturbation", ""), row.pop("strength", "")) == (perturbation or ("", "")):
                number = row.pop("crop_row")
                row.pop("digest"), row.pop("phash")  # only of what the leak audit compares
                face = pixels[int(number)].tobytes(), crops[face_record.crop_name(number)]
                found[row["video_id"], row["frame"]] = row, face
    return found


def rows_of_test(run: Run) -> list[dict]:
    """Rows of the grouped split's test."""
    rows = tables.read(run.results / "rows.tsv")
    split = tables.read(run.results / "splits" / "grouped.tsv")
    return [row for row, cut in zip(rows, split, strict=True) if cut["part"] == "test"]


def test_only_videos_of_the_test_are_perturbed_and_only_where_people_are_held_apart(run):
    videos = {row["video_id"] for row in rows_of_test(run)}
    assert len(videos) == 4
    for perturbation in (*NOTHING, ("crf", "51.0")):
        found = faces_of(run, "perturbed", perturbation)
        assert {video for video, _ in found} == videos
    rows = tables.read(run.results / "robustness.tsv")
    assert {(row["protocol"], row["features"]) for row in rows} == {
        ("grouped", features) for features in SETS
    }
    assert not list(run.results.glob("*/frame/robustness"))


@pytest.mark.parametrize("perturbation", NOTHING)
def test_a_perturbation_that_changes_nothing_gives_the_runs_own_faces(run, perturbation):
    ours = faces_of(run, "faces")
    found = faces_of(run, "perturbed", perturbation)
    assert found
    assert found == {name: ours[name] for name in found}


@pytest.mark.parametrize("features", SETS)
def test_what_changes_no_face_changes_no_score_and_bad_quality_does(run, features):
    folder = run.results / features / "grouped"
    before = scores(folder / "evaluation/logistic/frames.tsv", None)
    for perturbation in NOTHING:
        now = scores(folder / "robustness/logistic/frames.tsv", perturbation)
        assert now.keys() == before.keys()
        for name, score in now.items():
            assert score == pytest.approx(before[name], rel=1e-9, abs=1e-9)
    encoded = scores(folder / "robustness/logistic/frames.tsv", ("crf", "51.0"))
    assert encoded
    assert min(abs(score - before[name]) for name, score in encoded.items()) > 1e-6


def scores(path, perturbation: tuple[str, str] | None) -> dict[tuple[str, str], float]:
    """Score of each video and frame of a table, under one perturbation."""
    return {
        (row["video_id"], row["frame"]): float(row["score"])
        for row in tables.read(path)
        if perturbation is None or (row["perturbation"], row["strength"]) == perturbation
    }


@pytest.mark.parametrize("features", SETS)
def test_what_changes_no_face_is_no_less(run, features):
    path = run.results / features / "grouped/robustness/logistic/metrics.json"
    record = json.loads(path.read_text())
    encoded, *same = record["perturbations"]
    assert (encoded["kind"], encoded["strength"]) == ("crf", 51)
    assert [(one["kind"], one["strength"]) for one in same] == [("scale", 1), ("brightness", 1)]
    for one in same:
        for unit in ("frames", "videos"):
            assert one[unit]["lost"] == 0
            assert one[unit]["metrics"]["confusion"] == record[unit]["confusion"]
            for less in one[unit]["difference"].values():
                assert less == {"value": pytest.approx(0), "low": None, "high": None}


def test_scoring_perturbed_clips_stays_in_the_ledger_and_is_no_use_of_the_test_itself(run):
    entries = ledger.read(run.folder / "results" / "ledger.tsv")
    tests = {}
    for row in entries:
        tests.setdefault(row["protocol"], []).append(row["test"])
    assert tests.keys() == {"grouped", "frame", "grouped, perturbed"}
    assert len(tests["grouped"]) == len(tests["grouped, perturbed"]) == len(SETS)
    assert not {*tests["grouped"]} & {*tests["grouped, perturbed"]}


def test_its_keys_rerun_it_and_nothing_of_the_run(run):
    assert run.planned("all", "robustness") == {}
    before = run.settings
    run.write_settings(robustness=before["robustness"] | {"scale": [0.5]})
    try:
        assert run.planned() == {}
        planned = run.planned("robustness")
    finally:
        run.settings = before
        run.write_settings()
    assert planned == {
        "perturbed_faces": 2, "perturbed_features": 2, "robustness_scores": 2,
        "robustness_page": 1, "robustness": 1,
    }  # fmt: skip


def test_perturbed_again_on_one_core_they_are_the_same_bytes(run, tmp_path):
    shutil.copytree(run.results, tmp_path / "before")
    done = run.snakemake(
        "robustness", "--forcerun", "perturbed_faces", cores=1, start=forked.run_again
    )
    assert done.returncode == 0, done.stdout
    assert_same_results(tmp_path / "before", run.results)
