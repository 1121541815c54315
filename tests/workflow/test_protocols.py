"""Splits of many kinds on the synthetic clips, one of which is there twice; and the ledger."""

import json
import math
import shutil

import cv2
import pytest

from deepfake.core import tables
from deepfake.evaluation import ledger
from deepfake.report import leakage
from deepfake.splits import protocols
from deepfake.workflow import published_results
from tests.unit.clips import read_video, write_video
from tests.workflow.running import Run, scan

TEST = "s04", "s05"  # the pair whose clips the official list calls the test
COPY = "again/copy.mp4"  # of s00, whom that list has in training
SPLIT = {"protocols": ["grouped", "official"], "test_size": 0.34, "folds": {"k": 2}}


@pytest.fixture(scope="module")
def run(tmp_path_factory, demo_clips) -> Run:
    """Twelve clips and a smaller, re-encoded copy of one, of which the sheet knows nothing."""
    run = Run(tmp_path_factory.mktemp("protocols"))
    clips = run.folder / "clips"
    shutil.copytree(demo_clips, clips)
    (clips / "real" / COPY).parent.mkdir()
    pictures = [cv2.resize(picture, (240, 240), interpolation=cv2.INTER_AREA)
                for picture in read_video(clips / "real" / "s00.mp4")]  # fmt: skip
    write_video(clips / "real" / COPY, pictures, "mp4v")
    scan("folders", "demo", clips, run.folder / "videos.tsv", videos_per_job=13)
    videos = [dict(row) for row in tables.read(run.folder / "videos.tsv")]
    for video in videos:
        number = video["clip_id"].split(":")[1]
        video["official"] = "test" if number in TEST or COPY in video["path"] else "train"
        video["method"] = ("odd" if int(number[1:]) % 2 else "even") if video["source_id"] else ""
    tables.write(videos, run.folder / "videos.tsv", tuple(videos[0]))
    run.write_settings(faces={"size": 32}, split=SPLIT,
                       sweep={"logistic": {"C": [1], "scaling": ["none"]}})  # fmt: skip
    done = run.snakemake()
    assert done.returncode == 0, done.stdout
    return run


def audit(run: Run, protocol: str) -> dict:
    return json.loads((run.results / "splits" / f"{protocol}.audit.json").read_text())


def test_the_copy_is_found_in_the_official_test_and_stamps_what_is_derived_from_it(run):
    found = audit(run, "official")
    assert found["leaky"]
    ((pair,), others) = found["named"]["test"].pop("copies"), found["named"]["test"]
    assert pair.startswith(f"demo/real/{COPY} = demo/real/s00.mp4 (")
    assert others == {}
    stamps = {(row["protocol"], row["leaky"]) for row in tables.read(run.results / "summary.tsv")}
    assert ("official", "yes") in stamps
    folder = run.features / "official"
    assert "LEAKY" in (folder / "evaluation" / "logistic" / "report.txt").read_text()
    assert json.loads((folder / "models/logistic/bundle.json").read_text())["training"]["leaky"]
    page = (run.results / "report.html").read_text()
    assert "Under the official split, people, clips or frames of the test are also in" in page
    assert f"training and test share 1 near-duplicates: {pair}" in page


def test_clips_that_only_look_alike_are_no_leak(run):
    """All twelve are warped copies of one portrait, and half of them wear another's face."""
    for protocol in ("grouped", "official"):
        for kinds in audit(run, protocol)["named"].values():
            pairs = [*kinds.get("copies", []), *kinds.get("twins", [])]
            assert all(COPY in pair for pair in pairs)
            assert not kinds.keys() - {"copies", "twins"}


def test_every_protocol_deals_these_clips(run):
    before = run.settings
    others = ["identity", "video", "frame", "cross"]
    cross = {"by": "method", "train": ["even"], "test": ["odd"]}
    run.write_settings(split=SPLIT | {"protocols": others, "cross": cross})
    try:
        done = run.snakemake("dataset")
    finally:
        run.settings = before
        run.write_settings()
    assert done.returncode == 0, done.stdout
    rows = tables.read(run.results / "rows.tsv")
    sides = {name: {} for name in others}
    for name in others:
        for row, cut in zip(rows, tables.read(run.results / f"splits/{name}.tsv"), strict=True):
            sides[name].setdefault(cut["part"], []).append(row)
        assert len(sides[name]["train"]) > len(sides[name]["test"]) > 0
    for name in ("identity", "cross"):
        assert not audit(run, name)["test"]["people"]
        train, test = ({r["clip_id"] for r in sides[name][part]} for part in ("train", "test"))
        assert not train & test
    assert {row["method"] for row in sides["cross"]["train"]} == {"", "even"}
    assert {row["method"] for row in sides["cross"]["test"]} == {"", "odd"}
    for name in ("video", "frame"):
        assert audit(run, name)["leaky"]
    assert not audit(run, "video")["test"]["videos"]


def test_the_ablation_of_the_leak_scores_every_split_at_one_training_size(run):
    before = (run.folder / "results" / "ledger.tsv").read_bytes()
    done = run.snakemake("leakage")
    assert done.returncode == 0, done.stdout
    names = protocols.leakage([], 2)
    rows = tables.read(run.results / "leakage.tsv")
    assert [(row["labels"], row["protocol"]) for row in rows if row["unit"] == "frames"] == [
        (leakage.LABELS[kind], protocol) for kind, protocol in map(protocols.split_name, names)
    ]
    sizes = {(row["train_fake"], row["train_real"]) for row in rows}
    assert len(sizes) == 1
    stamps = {(row["labels"], row["protocol"]): row["leaky"] for row in rows}
    assert stamps["true", "frame"] == stamps["shuffled", "frame"] == "yes"
    assert (run.results / "leakage.svg").read_text().startswith("<svg")
    scored = ledger.read(run.folder / "results" / "ledger.tsv")[-len(names) :]
    assert {row["protocol"] for row in scored} == {
        *("frame", "video", "grouped", "official"), *("shuffled-frame", "shuffled-grouped"),
    }  # fmt: skip
    bundle = run.features / "shuffled-frame" / "models" / "logistic" / "bundle.json"
    assert json.loads(bundle.read_text())["training"]["protocol"] == "shuffled-frame"
    assert run.planned("leakage") == run.planned() == {}
    (run.folder / "results" / "ledger.tsv").write_bytes(before)


def test_every_scoring_of_a_test_stays_in_the_ledger(run):
    file = run.folder / "results" / "ledger.tsv"
    first = ledger.read(file)
    assert sorted((row["protocol"], row["model"]) for row in first) == [
        ("grouped", "logistic"), ("official", "logistic"),
    ]  # fmt: skip
    assert {row["run"] for row in first} == {"test"}
    page = run.results / "report.html"
    assert "The test rows of the official split were scored once: pixels logistic once." in words(
        page
    )
    run.write_settings(evaluation={"level": 0.9})
    done = run.snakemake()
    assert done.returncode == 0, done.stdout
    second = ledger.read(file)
    assert second[:2] == first
    assert [row["test"] for row in sorted(second, key=lambda row: row["protocol"])] == [
        row["test"] for row in sorted(first, key=lambda row: row["protocol"]) for _ in range(2)
    ]
    assert "of the official split were scored 2 times: pixels logistic 2 times." in words(page)
    assert run.planned() == {}


def test_the_originals_runs_are_repeated_on_the_frame_split(run):
    before, folder = run.settings, run.features / "frame" / "published"
    run.write_settings(split=SPLIT | {"protocols": ["frame"]}, report={"published": "original"})
    try:
        wanted = [folder / f"{name}.json" for name in ("svm-1", "forest-100-25")]
        done = run.snakemake("--", *(str(path.relative_to(run.folder)) for path in wanted))
        assert done.returncode == 0, done.stdout
        left = run.planned()
    finally:
        run.settings = before
        run.write_settings()
    assert left["published_run"] == len(published_results.ORIGINAL.repeated()) - len(wanted)
    assert left["report"] == 1
    scored = ledger.read(run.folder / "results" / "ledger.tsv")[-2:]
    assert {(row["protocol"], row["model"]) for row in scored} == {
        ("frame", "svm"), ("frame", "forest"),
    }  # fmt: skip
    svm, forest = (json.loads(path.read_text()) for path in wanted)
    rows = len(tables.read(run.results / "rows.tsv"))
    assert svm["frames"]["rows"] == math.ceil(0.34 * rows)
    assert forest["frames"]["rows"] == math.ceil(0.25 * rows)  # its own share of the test
    assert svm["leaky"]
    assert "LEAKY" in wanted[0].with_suffix(".txt").read_text()


def words(page) -> str:
    return " ".join(page.read_text().split())
