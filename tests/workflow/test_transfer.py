"""`snakemake transfer` on a made-up sheet of three methods whose answer is known."""

import json
import shutil

import cv2
import numpy as np
import pytest

from deepfake.core import tables
from deepfake.dataset import sheet
from deepfake.evaluation import ledger
from deepfake.features.row_order import ROW_COLUMNS
from deepfake.splits import leave_one_out
from tests import browser
from tests.equality import assert_same_results
from tests.unit.clips import read_video, write_video
from tests.workflow import forked
from tests.workflow.running import Run, scan

PEOPLE, FRAMES, SIDE = 24, 2, 16
TRACED, ALIKE, CLEAN = "Blend/1", "blend 1", "No trace"  # two share a trace, the third has none
NAMES = {split["cross"]["test"][0]: name for name, split in leave_one_out.splits(
    [{"label": "fake", "group_id": "", "method": name} for name in (TRACED, ALIKE, CLEAN)],
    "method", 2).items()}  # fmt: skip
OF_A_SPLIT = {"split": 3, "gram": 3, "search": 6, "choose": 3, "fit": 3, "evaluate": 3}


def videos(folder) -> list[dict]:
    """Of each person a real clip and a fake of every method; the files are empty."""
    clips = folder / "clips"
    clips.mkdir()
    found = []
    for person in range(PEOPLE):
        for number, method in enumerate(("", TRACED, ALIKE, CLEAN)):
            path = clips / f"{person:02}-{number}.mp4"
            path.touch()
            found.append(
                {"video_id": path.stem, "path": str(path), "method": method, "dataset": "made-up"}
                | {"label": "fake" if method else "real", "batch": "b1", "group_id": f"p{person}"}
                | {"clip_id": f"c{person}", "target_id": f"p{person}"}
            )  # fmt: skip
    return found


SETTINGS = {
    "faces": {"size": SIDE},
    "split": {"protocols": ["grouped"], "test_size": 0.5, "folds": {"k": 2}},
    "sweep": {"ridge": {"alpha": [1, 1000], "scaling": ["none"]}},
    "verdict": {"max_false_alarms": 0.2, "max_missed": 0.2},
}


def make_up(folder, results) -> None:
    """The sheet and its faces, as the jobs before a split would leave them."""
    made = videos(folder)
    sheet.write(made, folder / "videos.tsv")
    rows = [row | {"frame": frame, "face": 0} for row in made for frame in range(FRAMES)]
    rows = [row | {"row": number} for number, row in enumerate(rows)]
    generator = np.random.default_rng(0)
    person = generator.normal(0, 8, (PEOPLE, SIDE * SIDE * 3))  # all clips of one show it
    trace = np.where(np.arange(SIDE * SIDE * 3) % 4 == 0, 16, 0)
    faces = 128 + generator.normal(0, 12, (len(rows), SIDE * SIDE * 3))
    faces += np.array([person[int(row["group_id"][1:])] for row in rows])
    faces += np.outer([row["method"] in (TRACED, ALIKE) for row in rows], trace)
    (results / "pixels").mkdir(parents=True)
    stored = faces.round().clip(0, 255).astype(np.uint8)
    np.save(results / "pixels" / "matrix.npy", np.asfortranarray(stored))
    tables.write(rows, results / "rows.tsv", ROW_COLUMNS)
    records = [row | {"status": "kept", "width": 9, "sharpness": 9, "noise": 1} for row in rows]
    tables.write(records, results / "faces.tsv", ("label", "group_id", "video_id", "frame",
                 "face", "status", "reason", "width", "sharpness", "noise"))  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """The target, on made-up faces."""
    run = Run(tmp_path_factory.mktemp("transfer"))
    make_up(run.folder, run.results)
    run.write_settings(**SETTINGS)
    assert run.planned("transfer") == OF_A_SPLIT | {"transfer_page": 1, "transfer": 1}
    done = run.snakemake("transfer")
    assert done.returncode == 0, done.stdout
    assert "Transfer to what was left out of training: results/test/transfer" in done.stdout
    return run


def found(run: Run, what: str) -> dict[str, dict]:
    return {
        row["left_out"]: row
        for row in tables.read(run.results / "transfer.tsv")
        if row["what"] == what
    }


def test_a_shared_trace_carries_over_and_a_method_without_one_is_not_found(run):
    parts = found(run, "part")
    assert [*parts] == [TRACED, CLEAN, ALIKE]
    for method in (TRACED, ALIKE):
        assert float(parts[method]["roc_auc"]) > 0.9
        assert float(parts[method]["roc_auc_low"]) > 0.6
        assert float(parts[method]["found"]) > 0.5
    clean = parts[CLEAN]
    assert float(clean["roc_auc_low"]) < 0.5 < float(clean["roc_auc_high"])
    assert float(clean["folds_roc_auc"]) > 0.9  # of the methods that it knows
    assert float(clean["found"]) < 0.5
    for row in parts.values():
        assert (row["fake"], row["real"], row["groups"]) == ("12", "12", "12")
        assert float(row["baseline"]) == 0.5
        assert float(row["false_alarms"]) < 0.4


def test_pooled_is_of_all_parts_and_the_worst_is_the_method_without_a_trace(run):
    parts, (pooled,) = found(run, "part"), found(run, "pooled").values()
    for score in ("roc_auc", "found", "answered", "false_alarms", "accuracy"):
        mean = np.mean([float(row[score]) for row in parts.values()])
        assert float(pooled[score]) == pytest.approx(mean)
    assert (pooled["fake"], pooled["real"], pooled["groups"]) == ("36", "36", "12")
    assert [*found(run, "worst")] == [CLEAN]


@pytest.mark.parametrize("method", NAMES)
def test_training_never_saw_the_method_or_the_people_of_its_test(run, method):
    rows = tables.read(run.results / "rows.tsv")
    split = tables.read(run.results / "splits" / f"{NAMES[method]}.tsv")
    sides = {
        part: [row for row, cut in zip(rows, split, strict=True) if cut["part"] == part]
        for part in ("train", "test")
    }
    assert {row["method"] for row in sides["test"]} == {"", method}
    assert {row["method"] for row in sides["train"]} == {"", *NAMES} - {method}
    people = [{row["group_id"] for row in side} for side in sides.values()]
    assert not people[0] & people[1]
    audit = json.loads((run.results / "splits" / f"{NAMES[method]}.audit.json").read_text())
    assert not audit["leaky"]
    assert not audit["leaky_folds"]
    assert audit["cross"]["test"] == [method]


def test_each_test_is_noted_once_under_the_name_of_its_split(run):
    entries = ledger.read(run.folder / "results" / "ledger.tsv")
    assert sorted(row["protocol"] for row in entries) == sorted(NAMES.values())


def test_what_reruns_and_why(run):
    assert run.why("transfer") == {}
    before = run.settings
    run.write_settings(sweep={"ridge": {"alpha": [1, 10], "scaling": ["none"]}})
    try:
        why = run.why("transfer")
    finally:
        run.settings = before
        run.write_settings()
    told = "key sweep.ridge.alpha: [1000.0, 1.0] -> [10.0, 1.0]"  # the simpler first
    assert why["search"] == {told: 6}
    assert set(why) == {"search", "choose", "fit", "evaluate", "transfer_page"}


def test_what_the_sheet_cannot_hold_out_is_told_and_nothing_is_trained(run):
    before = run.settings
    shutil.copytree(run.results, run.folder / "before")
    run.write_settings(transfer={"by": "dataset"})
    try:
        assert run.planned("transfer") == {"transfer_page": 1, "transfer": 1}
        why = run.why("transfer")["transfer_page"]
        done = run.snakemake("transfer")
        assert done.returncode == 0, done.stdout
        (row,) = tables.read(run.results / "transfer.tsv")
    finally:
        run.settings = before
        run.write_settings()
    assert "key transfer.by: method -> dataset" in why
    assert (row["what"], row["left_out"]) == ("not possible", "made-up")
    assert row["note"] == "not possible: the sheet has no other dataset to train on"
    again = run.snakemake("transfer", "--forcerun", "split", cores=1, start=forked.run_again)
    assert again.returncode == 0, again.stdout
    assert_same_results(run.folder / "before", run.results)


def test_the_demos_clips_with_two_blends(tmp_path, demo_clips):
    """From clips to the page: each fake is there once more, with its face blended more softly."""
    run = Run(tmp_path)
    clips = tmp_path / "clips"
    shutil.copytree(demo_clips, clips)
    (clips / "fake" / "soft").mkdir()
    for path in sorted((clips / "fake").glob("*.mp4")):
        pictures = read_video(path)
        for picture in pictures:
            face = picture[80:240, 100:220]
            face[:] = cv2.GaussianBlur(face, (0, 0), 2)
        write_video(clips / "fake" / "soft" / path.name, pictures, "mp4v")
    scan("folders", "demo", clips, tmp_path / "videos.tsv", videos_per_job=18)
    made = sheet.read(tmp_path / "videos.tsv")
    for video in made:
        if video["label"] == "fake":
            video["method"] = "soft" if "/soft/" in video["path"] else "seamless"
    sheet.write(made, tmp_path / "videos.tsv")
    sweep = {"logistic": {"C": [1], "scaling": ["none"]}}
    run.write_settings(faces={"size": 32}, features=["lbp"], sweep=sweep)
    done = run.snakemake("transfer")
    assert done.returncode == 0, done.stdout
    parts = found(run, "part")
    assert [*parts] == ["seamless", "soft"]
    for row in parts.values():  # one of three groups is in each test, too few for an interval
        assert (row["fake"], row["real"], row["groups"]) == ("2", "2", "1")
        assert (row["leaky"], row["roc_auc_low"]) == ("no", "")
        assert "1 group: no interval" in row["note"]
    with browser.opened(run.results / "transfer.html", browser.WIDE) as page:
        page.assert_sound()
        assert "without seamless" in page.text()
