"""The whole way on a few synthetic clips, and what a second run does."""

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from deepfake.core import tables
from deepfake.dataset import sheet
from deepfake.features.matrix import Matrix
from deepfake.inference import bundle
from deepfake.models import registry as models
from tests import browser
from tests.equality import assert_same_results
from tests.unit import documents
from tests.workflow.running import DEFAULTS, Run, scan

EVIL = "<img src=x onerror=alert(1)>.mp4"


@pytest.fixture(scope="module")
def run(tmp_path_factory, demo_clips) -> Run:
    """Twelve clips and five files that are no use, in two batches, run to the end."""
    run = Run(tmp_path_factory.mktemp("run"))
    clips = run.folder / "clips"
    shutil.copytree(demo_clips, clips)
    broken = clips / "real" / "broken"
    broken.mkdir()
    whole = (clips / "real" / "s00.mp4").read_bytes()
    (broken / "cut 'short' $(x).mp4").write_bytes(whole[: len(whole) // 3])
    (broken / "empty.mp4").write_bytes(b"")
    (broken / EVIL).write_bytes(b"no video")
    write_sound(broken / "sound only.mp4")
    write_wall(broken / "no face é.mp4")
    scan("folders", "demo", clips, run.folder / "videos.tsv", videos_per_job=9)
    run.write_settings()
    run.done = run.snakemake(start=subprocess.run)
    assert run.done.returncode == 0, run.done.stdout
    return run


def write_sound(path: Path) -> None:
    """A file with a sound and no picture, under a video's name."""
    import wave

    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(np.zeros(8000, np.int16).tobytes())


def write_wall(path: Path) -> None:
    """A video of a plain wall."""
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (200, 160))
    for _ in range(25):
        writer.write(np.full((160, 200, 3), 120, np.uint8))
    writer.release()


def test_every_model_is_scored_by_frame_and_by_video(run):
    rows = tables.read(run.results / "summary.tsv")
    assert [(row["model"], row["unit"]) for row in rows] == [
        (model, unit) for model in DEFAULTS["sweep"] for unit in ("frames", "videos")
    ]
    assert all(row["leaky"] == "no" and row["fake"] == row["real"] for row in rows)
    assert "1 group: no interval" in (run.results / "summary.txt").read_text()
    assert (run.results / "summary.txt").read_text() in run.done.stdout


def test_broken_videos_stay_in_the_table_with_their_reason(run):
    records = tables.read(run.results / "faces.tsv")
    reasons = {row["video_id"].rsplit("/", 1)[1]: row["reason"] for row in records if row["reason"]}
    assert reasons == {
        "cut 'short' $(x).mp4": "cannot be opened as a video",
        "empty.mp4": "the file is empty",
        EVIL: "cannot be opened as a video",
        "sound only.mp4": "cannot be opened as a video",
        "no face é.mp4": "no face found",
    }
    assert sum(row["status"] == "kept" for row in records) == 12 * 3
    assert len({row["video_id"] for row in records}) == 17


@pytest.mark.parametrize(("size", "dark"), [(browser.WIDE, False), (browser.PHONE, True)])
def test_the_page_of_the_run_is_sound_in_a_browser(run, size, dark):
    report = run.results / "report.html"
    assert f"The report is {report.relative_to(run.folder)}" in run.done.stdout
    with browser.opened(report, size, dark=dark) as page:
        page.assert_sound()
        text = page.text()
        assert f"demo/real/broken/{EVIL}" in text
        assert "The classes lose different shares" in text
        assert "1 group: no interval" in text
        assert page.handle.locator("svg.figure").count() >= 6
        assert page.handle.locator("#evaluation ~ .figures svg").count() == 4
        assert page.handle.locator("img").count() == 0


def test_no_group_is_on_two_sides(run):
    rows = tables.read(run.results / "rows.tsv")
    split = tables.read(run.results / "splits" / "grouped.tsv")
    sides = {}
    for row, cut in zip(rows, split, strict=True):
        sides.setdefault(row["group_id"], set()).add((cut["part"], cut["fold"]))
    assert len(sides) == 3
    assert all(len(places) == 1 for places in sides.values())
    audit = json.loads((run.results / "splits" / "grouped.audit.json").read_text())
    assert audit["leaky"] is False


def test_bundles_give_the_scores_of_the_evaluation(run):
    rows = tables.read(run.results / "rows.tsv")
    for model in DEFAULTS["sweep"]:
        folder = run.features / "grouped" / "models" / model
        fitted, record = bundle.load(folder)
        scored = tables.read(run.features / "grouped" / "evaluation" / model / "frames.tsv")
        seen = Matrix(run.features / "matrix.npy").at(np.array([int(r["row"]) for r in scored]))
        told = np.array([float(row["score"]) for row in scored])
        np.testing.assert_allclose(models.decide(fitted, seen), told, rtol=1e-9, atol=1e-9)
        kept = [row for row in rows if row["row"] in {r["row"] for r in scored}]
        assert [row["video_id"] for row in kept] == [row["video_id"] for row in scored]
        assert record["training"]["protocol"] == "grouped"
        assert record["training"]["leaky"] is False


def test_every_job_leaves_a_log_and_a_benchmark(run):
    logs = {p.relative_to(run.results / "logs").with_suffix("") for p in run.results.rglob("*.log")}
    measured = {
        p.relative_to(run.results / "benchmarks").with_suffix("")
        for p in run.results.rglob("*.jsonl")
    }
    assert logs == measured
    assert len(logs) == sum(run.planned("--forceall").values()) - 1  # all but rule all


def test_a_second_run_does_nothing(run):
    assert run.planned() == {}


def test_every_file_that_the_documents_name_is_there(run):
    """And nothing at the top of a run's folder is undocumented."""
    page = documents.text("docs/results.md")
    page = page[page.index("## Files of a run") : page.index("## What the numbers mean")]
    named, below = [], ""
    for line in page.splitlines():
        if "below `<features>/<protocol>/`" in line:
            below = "<features>/<protocol>/"
        elif line.startswith("Beside them"):
            below = ""
        elif line.startswith("| `"):
            names = re.findall(r"`([^`]+)`", line.split("|")[1])
            first = names[0]
            folder = first[: first.rfind("/") + 1] if not first.endswith("/") else ""
            stem = first.rsplit(".", 1)[0]
            for name in names:  # ".tsv" has the stem of the first, "videos.tsv" its folder
                whole = stem + name if name.startswith(".") else name
                whole = whole if name == first or name.startswith(".") else folder + name
                named.append(below + (name if name.startswith("../") else whole))
    assert len(named) > 30
    patterns = [re.sub("<[a-z]+>", "*", name) for name in named]
    beside = ("leakage.", "robustness.", "transfer.", "null.", "perturbed/")  # of other targets
    beside += ("copies/", "calibration/", "variants")  # of other settings
    for pattern in patterns:
        assert pattern.startswith(beside) or list(run.results.glob(pattern)), pattern
    tops = {pattern.split("/")[0] for pattern in patterns}
    there = {path.name for path in run.results.iterdir()}
    assert there - tops <= {"pixels", "frames"}  # <features>/, and an empty folder


def test_snakemakes_own_report_holds_the_page_and_the_table(run, tmp_path):
    """After `snakemake --report`, which runs nothing."""
    done = run.snakemake("--report", str(tmp_path / "report.zip"), start=subprocess.run)
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(tmp_path / "report.zip") as packed:
        held = {Path(name).name: name for name in packed.namelist() if "/data/" in name}
        assert set(held) == {"report.html", "summary.txt"}
        for name, inside in held.items():
            assert packed.read(inside) == (run.results / name).read_bytes()


def test_an_added_video_recomputes_its_batch_and_what_follows(run):
    table = run.folder / "videos.tsv"
    before = table.read_bytes()
    added = run.folder / "clips" / "real" / "added.mp4"
    shutil.copy(run.folder / "clips" / "real" / "s03.mp4", added)
    scan("folders", "demo", run.folder / "clips", table, videos_per_job=9)
    try:
        assert len(sheet.batches(sheet.read(table, check_files=False))) == 3
        planned = run.planned()
        assert planned["frames"] == planned["faces"] == planned["rows"] == planned["matrix"] == 1
        assert planned["summary"] == 1
    finally:
        added.unlink()
        table.write_bytes(before)
    assert run.planned() == {}


@pytest.mark.parametrize(
    ("section", "value", "rerun"),
    [
        (
            "search",
            {"score": "accuracy"},
            {"choose", "selection", "fit", "evaluate", "summary", "report"},
        ),
        ("evaluation", {"resamples": 201}, {"selection", "summary", "report"}),
        ("max_jobs", 4000, set()),
    ],
)
def test_a_changed_key_reruns_what_depends_on_it(run, section, value, rerun):
    before = dict(run.settings)
    run.write_settings(**{section: value})
    try:
        assert set(run.planned()) - {"all"} == rerun
    finally:
        run.settings = before
        run.write_settings()


def test_the_same_run_in_another_folder_and_cut_otherwise_gives_the_same(run, tmp_path):
    """One batch instead of two, one core instead of two, a forest in parts: all results.

    And forks of one process instead of a process for each job.
    """
    other = Run(tmp_path)
    shutil.copytree(run.folder / "clips", tmp_path / "clips")
    scan("folders", "demo", tmp_path / "clips", tmp_path / "videos.tsv", videos_per_job=17)
    other.write_settings(search={"trees_per_job": 8})
    done = other.snakemake(cores=1)
    assert done.returncode == 0, done.stdout
    logs = {path.stem for path in other.results.glob("logs/*/pixels.grouped*.t00*.log")}
    assert {
        "pixels.grouped.forest.t000",
        "pixels.grouped.forest.t002",
        "pixels.grouped.forest.c000.1.t002",
    } <= logs
    assert other.planned() == {}
    assert not [*other.features.rglob("*.t00*.npy"), *other.features.rglob("*.npz")]
    assert_same_results(run.results, other.results, same_batches=False)
