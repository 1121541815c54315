"""Asking a model about videos: with a bundle alone, without sheet, dataset or training."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest

from deepfake.core import tables
from deepfake.preprocessing import frames
from tests import browser
from tests.unit.clips import move_index_to_front, read_video, write_video
from tests.workflow import forked
from tests.workflow.running import ROOT, Run, copy_repository, scan, touched

HOSTILE = "<img src=x onerror=alert(1)>'$(x).mp4"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, demo_clips):
    """What a colleague was given of a run on twelve clips: models and tables, and nothing else."""
    run = Run(tmp_path_factory.mktemp("training"))
    scan("folders", "demo", demo_clips, run.folder / "videos.tsv", videos_per_job=12)
    run.write_settings(features=["pixels", "lbp"], sweep={"logistic": {"C": ["1e-3"]}})
    done = run.snakemake()
    assert done.returncode == 0, done.stdout
    kept = tmp_path_factory.mktemp("colleague") / "a run"
    for name in ("pixels", "lbp"):
        models = f"{name}/grouped/models"
        shutil.copytree(run.results / models, kept / models)
    for name in ("summary.tsv", "summary.txt", "comparisons.tsv", "best.json"):
        shutil.copy(run.results / name, kept)
    shutil.rmtree(run.folder)
    return kept


@pytest.fixture(scope="module")
def bundle(trained):
    return trained / "pixels" / "grouped" / "models" / "logistic"


def test_a_run_sets_its_feature_sets_side_by_side_and_recommends_a_model(trained):
    rows = tables.read(trained / "summary.tsv")
    assert [row["features"] for row in rows] == ["pixels", "pixels", "lbp", "lbp"]
    pairs = tables.read(trained / "comparisons.tsv")
    assert {(row["one_features"], row["other_features"]) for row in pairs} == {("pixels", "lbp")}
    told = (trained / "summary.txt").read_text()
    assert "Best on the folds of the grouped split: " in told
    chosen = json.loads((trained / "best.json").read_text())["bundle"]
    assert f"For verdicts: results/test/{chosen}\n" in told
    seen = {row["features"]: float(row["folds_roc_auc"] or 0) for row in rows}
    assert seen[chosen.split("/")[0]] == max(seen.values())


def ask(
    folder, *settings: str, root=ROOT, start=forked.run_with_jobs
) -> subprocess.CompletedProcess:
    command = [
        *(sys.executable, "-m", "snakemake", "classify", "--snakefile", str(root / "Snakefile")),
        *("--directory", str(folder), "--cores", "2", "--config", *settings),
    ]
    return start(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_videos_get_verdicts_and_bad_ones_their_reasons(tmp_path, bundle, demo_clips):
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy(demo_clips / "fake" / "s00_s01.mp4", clips / HOSTILE)
    shutil.copy(demo_clips / "real" / "s02.mp4", clips / "one.mp4")
    (clips / "empty.mp4").write_bytes(b"")
    pair = zip(*(read_video(clips / name) for name in (HOSTILE, "one.mp4")), strict=True)
    write_video(clips / "two.avi", [np.hstack(pictures) for pictures in pair])
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(map(str, [*clips.iterdir(), clips / "gone.mp4"])))
    done = ask(tmp_path, f"videos=@{listed}", f"bundle={bundle}")
    assert done.returncode == 0, done.stdout
    rows = tables.read(tmp_path / "results" / "verdicts" / "verdicts.tsv")
    found = {row["video"].rsplit("/", 1)[1]: row for row in rows}
    assert list(found) == [HOSTILE, "empty.mp4", "gone.mp4", "one.mp4", "two.avi"]
    assert found["gone.mp4"]["reason"] == "no such file"
    assert found["empty.mp4"]["reason"] == "the file is empty"
    for name in (HOSTILE, "one.mp4"):
        assert 0 < float(found[name]["probability"]) < 1
        assert found[name]["frames"] == "3"
        assert found[name]["trained_on"] == "demo"
    assert "It is no evidence about a person." in done.stdout
    results = tmp_path / "results" / "verdicts"
    assert found["gone.mp4"]["page"] == ""
    for path in (results / "verdicts.html", results / found[HOSTILE]["page"]):
        with browser.opened(path) as page:
            page.assert_sound()
            assert HOSTILE in page.text()
    assert "the file is empty" in (results / found["empty.mp4"]["page"]).read_text()
    assert_two_people_were_judged_separately(results, found, clips / "two.avi")
    assert_each_video_has_its_json(results, found)
    again = ask(tmp_path, f"videos=@{listed}", f"bundle={bundle}", start=forked.run)
    assert "Nothing to be done" in again.stdout


def test_a_whole_clip_is_sampled_and_what_the_decoder_reports_is_told(tmp_path, bundle, demo_clips):
    """A clip that begins without a face, and one that was cut off."""
    pictures = read_video(demo_clips / "real" / "s02.mp4")
    late = [np.zeros_like(pictures[0])] * 25 + pictures * 3
    write_video(tmp_path / "late.avi", late, "MJPG")
    write_video(tmp_path / "cut.mp4", pictures * 2, "mp4v")
    move_index_to_front(tmp_path / "cut.mp4")
    data = (tmp_path / "cut.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 7 // 10])
    record = json.loads((bundle / "bundle.json").read_text())
    assert record["preprocessing"]["decoder"] == frames.decoder_name()
    for span, seen in (("whole", "3 frames over 3.6 s"), ("start", "3 frames in the first 0.8 of")):
        done = ask(tmp_path, f"videos={tmp_path}/*.*", f"bundle={bundle}", f"run={span}",
                   f"span={span}")  # fmt: skip
        assert done.returncode == 0, done.stdout
        results = tmp_path / "results" / span
        rows = {r["video"].rsplit("/", 1)[1]: r for r in tables.read(results / "verdicts.tsv")}
        assert rows["late.avi"]["seen"].startswith(seen)
        assert bool(rows["late.avi"]["probability"]) == (span == "whole")
        said = re.search(r"ends after \d+ of 44 frames", rows["cut.mp4"]["note"])
        assert bool(said) == (span == "whole")  # the start of it is all there
        text = (results / "verdicts.txt").read_text()
        assert f"frames used: {rows['late.avi']['seen']}\n" in text
        assert not said or said[0] in text
        assert not said or said[0] in (results / rows["cut.mp4"]["page"]).read_text()


def assert_each_video_has_its_json(results, found) -> None:
    schema = json.loads((ROOT / "docs" / "verdict.schema.json").read_text(encoding="utf-8"))
    described = {}
    for path in (results / "verdicts").glob("*.json"):
        one = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.validate(one, schema)
        described[one["video"].rsplit("/", 1)[1]] = one
    assert sorted(described) == sorted(found)
    for name, row in found.items():
        one = described[name]
        assert one["verdict"] == row["verdict"]
        assert ", ".join(dict.fromkeys(r["code"] for r in one["reasons"])) == row["codes"]
        assert (one["probability"] is None) == (row["probability"] == "")
    assert described["gone.mp4"]["file"] is described["empty.mp4"]["file"] is None
    assert described["gone.mp4"]["reasons"][0]["code"] == "unreadable"
    file = described["two.avi"]["file"]
    assert (file["container"], file["codec"], file["width"]) == ("avi", "ffv1", 640)
    assert described["two.avi"]["sampled"]["frames"] == 3
    assert len(described["two.avi"]["faces"]) == 2


def outside(results) -> dict[str, list[str]]:
    """By video, the properties in which its faces are outside the training."""
    found = {}
    for path in sorted((results / "verdicts").glob("*.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        reasons = [r for r in one["reasons"] if r["code"] == "outside_training"]
        found[Path(one["video"]).stem] = [r["about"] for r in reasons]
    return found


def test_what_is_outside_the_training_is_the_property_that_was_shifted(
    tmp_path, bundle, demo_clips
):
    pictures = read_video(demo_clips / "real" / "s02.mp4")
    changed = {
        "same": pictures,
        "wide": [
            cv2.resize(one, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC) for one in pictures
        ],
        "blurred": [cv2.GaussianBlur(one, (0, 0), 4) for one in pictures],
    }
    for name, frames_of in changed.items():
        write_video(tmp_path / f"{name}.avi", frames_of)
    write_video(tmp_path / "fast.avi", pictures, fps=60)
    done = ask(tmp_path, f"videos={tmp_path}/*.avi", f"bundle={bundle}", "span=start")
    assert done.returncode == 0, done.stdout
    expected = {"same": [], "fast": [], "wide": ["face_width"], "blurred": ["sharpness"]}
    assert outside(tmp_path / "results" / "verdicts") == expected


def test_a_renamed_setting_is_refused_with_its_new_name(tmp_path, bundle):
    done = ask(
        tmp_path, "videos=x.mp4", f"bundle={bundle}", "undecided=[0.4,0.6]", start=forked.run
    )
    assert done.returncode == 1
    assert "undecided: unknown key; it is " in done.stdout
    assert "verdict.max_false_alarms" in done.stdout


def assert_two_people_were_judged_separately(results, found, path) -> None:
    """Each as in the clip where they are alone, with half of the odds before it was seen."""
    each = {r["face"]: r for r in tables.read(results / "tracks.tsv") if r["video"] == str(path)}
    assert {face: row["frames"] for face, row in each.items()} == {"0": "3", "1": "3"}
    (scores,) = (results / "scores").glob("*.tsv")
    for row in tables.read(scores):
        if row["video"] == str(path):
            alone = found[HOSTILE if int(row["x"]) < 320 else "one.mp4"]
            one = each[row["face"]]
            assert odds(one) == pytest.approx(odds(alone) / 2, rel=0.5)
    told = found[path.name]
    assert (told["faces"], told["frames"]) == ("2", "3")
    assert odds(told) == pytest.approx(sum(map(odds, each.values())), rel=0.01)
    assert float(each[told["face"]]["score"]) == max(float(row["score"]) for row in each.values())
    assert "P(fake) allows for 2 faces" in told["note"]
    with browser.opened(results / told["page"]) as page:
        page.assert_sound()
        assert f"Face {told['face']} has the highest score." in page.text()


def odds(row: dict) -> float:
    return float(row["probability"]) / (1 - float(row["probability"]))


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (("videos=x.mp4",), "--config: bundle: missing; the folder of a model"),
        (
            ("videos=x.mp4", "bundle=/nowhere"),
            "/nowhere: no bundle.json in it; a bundle is the",
        ),
        (("videos=*.nothing", "bundle=BUNDLE"), "videos: '*.nothing' names no video"),
        (("videos=x.mp4", "bundle=BUNDLE", "prio=0.1"), "unknown key; did you mean prior?"),
    ],
)
def test_a_question_that_makes_no_sense_is_one_clear_line(tmp_path, bundle, settings, line):
    words = (word.replace("BUNDLE", str(bundle)) for word in settings)
    done = ask(tmp_path, *words, start=forked.run)
    assert done.returncode == 1
    assert line in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a":' * 50_000, "bundle.json cannot be read: "),
        ('{"preprocessing": {"frames": {"every": 1e999}}}', "holds 1e999, no finite number"),
        ('{"preprocessing": {"run": "demo"}}', "preprocessing: 'run' may not be set by a bundle"),
        ('{"preprocessing": []}', "is no folder of a model"),
    ],
    ids=["deep", "infinite", "elsewhere", "empty"],
)
def test_a_hostile_record_is_one_clear_line_before_the_first_job(tmp_path, text, line):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "bundle.json").write_text(text)
    (tmp_path / "x.mp4").touch()
    done = ask(tmp_path, f"videos={tmp_path}/x.mp4", f"bundle={tmp_path}/model", start=forked.run)
    assert done.returncode == 1
    assert line in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "results").exists()


def test_a_tampered_model_is_refused_and_told(tmp_path, bundle, demo_clips):
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    weights = broken / "weights.npy"
    weights.write_bytes(weights.read_bytes()[:-8] + b"\0" * 8)
    words = f"videos={demo_clips}/real/s00.mp4", f"bundle={broken}"
    done = ask(tmp_path, *words, start=subprocess.run)
    assert done.returncode == 1
    assert "weights.npy was changed or cut short" in done.stdout


def test_a_touched_module_reruns_the_rules_whose_scripts_import_it(tmp_path, trained, demo_clips):
    """Asked of a run's folder, whose recommended model sees local binary patterns."""
    (tmp_path / "copy").mkdir()
    copy_repository(tmp_path / "copy")
    (trained / "best.json").write_text('{"bundle": "lbp/grouped/models/logistic"}')
    question = f"videos={demo_clips}/real/s00.mp4", f"bundle={trained}"
    assert ask(tmp_path, *question).returncode == 0
    (row,) = tables.read(tmp_path / "results" / "verdicts" / "verdicts.tsv")
    assert (row["features"], row["frames"]) == ("lbp", "3")
    assert 0 < float(row["probability"]) < 1
    assert "20 features a face (lbp)" in (tmp_path / "results/verdicts" / row["page"]).read_text()
    for module, rules in (
        ("splits/leak_audit", set()),
        ("inference/classify", {"classify_batch", "verdicts"}),
        ("inference/bundle", {"classify_batch", "verdicts"}),  # verdicts follows
        ("features/lbp", {"classify_batch", "verdicts"}),
        ("preprocessing/faces", {"frames", "previews", "faces", "classify_batch", "verdicts"}),
    ):
        with touched(tmp_path / "copy", f"deepfake/{module}.py"):
            planned = ask(
                tmp_path, *question, "--dry-run", root=tmp_path / "copy", start=forked.run
            )
        names = set(re.findall(r"^(\w+) +\d+$", planned.stdout, flags=re.M))
        assert names - {"classify", "total"} == rules
