"""Runs beside each other: paired differences, what differs, and what cannot be compared."""

import json
import shutil
from pathlib import Path

import pytest

import compare
from deepfake.core import tables
from deepfake.evaluation import metrics, summary
from tests.unit import made_up_run
from tests.unit.clips import run_script

MODELS = {"svm": (0.6, 1.0), "logistic": (0.7, 2.0)}


def finished(folder: Path, models: dict | None = None, changed: dict | None = None, **made) -> Path:
    """The folder of a finished run, from the tables of one that never ran."""
    work = folder.parent / f"{folder.name}-tables"
    work.mkdir()
    files = made_up_run.write(work, models=models or MODELS, **made)
    rows, tested = [], set()
    for metrics_, videos in zip(files["metrics"], files["videos"], strict=True):
        record = json.loads(Path(metrics_).read_text())
        place = folder / record["features"]["name"] / record["protocol"]
        place = place / "evaluation" / record["model"]
        place.mkdir(parents=True)
        shutil.copy(metrics_, place / "metrics.json")
        shutil.copy(videos, place / "videos.tsv")
        rows.append(summary.row(record, "videos"))
        tested |= {row["video_id"] for row in tables.read(videos)}
    tables.write(rows, folder / "summary.tsv", summary.COLUMNS)
    every = dict.fromkeys(row["video_id"] for row in tables.read(files["rows"][0]))
    parts = [{"video_id": v, "part": "test" if v in tested else "train"} for v in every]
    (folder / "splits").mkdir()
    for row in rows:
        tables.write(parts, folder / "splits" / f"{row['protocol']}.tsv", ("video_id", "part"))
    settings = made_up_run.params(folder, **(changed or {}))["config"]
    (folder / "config.json").write_text(json.dumps(settings))
    return folder


def refusal(*runs: Path, out: Path) -> str:
    """Why the runs are not compared."""
    with pytest.raises(SystemExit) as refused:
        compare.main([*map(str, runs), "--out", str(out)])
    assert not out.exists()
    return str(refused.value)


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("runs")
    one = finished(folder / "one")
    models = {"svm": (0.65, 3.0), "logistic": (0.6, 2.0), "ridge": (0.6, 1.0)}
    changed = {"run": "other", "faces": {"margin": 0.3}}
    other = finished(folder / "other", models, changed)
    done = run_script("compare", one, other, "--out", folder / "out")
    assert (done.returncode, done.stderr) == (0, "")
    return folder, done.stdout


def test_models_of_both_runs_and_the_best_of_each_are_paired_on_the_same_videos(compared):
    folder, _ = compared
    rows = tables.read(folder / "out" / "comparison.tsv")
    assert [(row["what"], row["one"], row["other"]) for row in rows[::2]] == [
        ("same model", "svm", "svm"),
        ("same model", "logistic", "logistic"),
        ("best on the folds", "logistic", "svm"),
    ]
    for row in rows:
        sides = []
        for run, model in ((row["one_run"], row["one"]), (row["other_run"], row["other"])):
            place = Path(run) / "pixels" / "grouped" / "evaluation" / model
            judged = json.loads((place / "metrics.json").read_text())
            value = judged["videos"]["metrics"][row["score"]]["value"]
            videos = tables.read(place / "videos.tsv")
            scores = [float(video["score"]) for video in videos]
            sides.append((value, (scores, judged["videos"]["threshold"])))
        (first, one), (second, other) = sides
        assert float(row["one_value"]) == pytest.approx(first)
        assert float(row["other_value"]) == pytest.approx(second)
        fake, groups = [v["label"] == "fake" for v in videos], [v["group_id"] for v in videos]
        direct = metrics.paired(fake, other, one, groups, level=0.95)[row["score"]]
        assert float(row["difference"]) == pytest.approx(second - first)
        assert float(row["low"]) == pytest.approx(direct["low"])
        assert float(row["high"]) == pytest.approx(direct["high"])
        assert (int(row["videos"]), int(row["groups"]), row["leaky"]) == (16, 8, "no")
        assert (row["one_only"], row["other_only"]) == ("0", "0")


def test_the_keys_that_differ_are_named_but_for_the_runs_name(compared):
    folder, printed = compared
    page = (folder / "out" / "comparison.html").read_text()
    assert "key faces.margin: 0.0 -> 0.3" in printed
    assert "faces.margin: 0.0 -&gt; 0.3" in page
    assert "key run" not in printed
    assert "ridge" in page  # its scores, though the first run has none of it


def test_a_video_that_one_run_lacks_is_counted_and_left_out(compared, tmp_path):
    folder, _ = compared
    for name in ("one", "other"):
        shutil.copytree(folder / name, tmp_path / name)
    for path in (tmp_path / "other").glob("pixels/grouped/evaluation/*/videos.tsv"):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    compare.main([str(tmp_path / "one"), str(tmp_path / "other"), "--out", str(tmp_path)])
    rows = tables.read(tmp_path / "comparison.tsv")
    assert {(r["videos"], r["one_only"], r["other_only"]) for r in rows} == {("14", "2", "0")}


def test_a_tested_video_of_one_run_in_the_others_training_is_refused(compared, tmp_path):
    folder, _ = compared
    shutil.copytree(folder / "other", tmp_path / "other")
    split = tmp_path / "other" / "splits" / "grouped.tsv"
    split.write_text(split.read_text().replace("\ttest", "\ttrain", 3))
    reason = refusal(folder / "one", tmp_path / "other", out=tmp_path / "out")
    assert f"3 test videos of {folder / 'one'} are in the training of {tmp_path}" in reason
    assert "one sheet and the same settings of split" in reason


def test_a_video_on_both_sides_of_a_split_may_have_one_side_only_in_the_other_run(
    compared, tmp_path
):
    """As where the other run has fewer frames of it, in a frame split."""
    folder, _ = compared
    for name in ("one", "other"):
        shutil.copytree(folder / name, tmp_path / name)
    split = tmp_path / "one" / "splits" / "grouped.tsv"
    tested = next(row for row in tables.read(split) if row["part"] == "test")
    split.write_text(split.read_text() + f"{tested['video_id']}\ttrain\n")
    for order in (("one", "other"), ("other", "one")):
        compare.main([*(str(tmp_path / name) for name in order), "--out", str(tmp_path)])
        rows = tables.read(tmp_path / "comparison.tsv")
        assert {row["videos"] for row in rows} == {"16"}


def test_runs_of_other_splits_are_refused(compared, tmp_path):
    folder, _ = compared
    other = finished(tmp_path / "other", protocols=("frame",))
    reason = refusal(folder / "one", other, out=tmp_path / "out")
    assert "have no split in common: grouped and frame (split.protocols)" in reason


def test_runs_of_other_videos_are_refused(compared, tmp_path):
    folder, _ = compared
    shutil.copytree(folder / "other", tmp_path / "other")
    for path in (tmp_path / "other").rglob("*.tsv"):
        path.write_text(path.read_text().replace(".mp4", ".avi"))
    reason = refusal(folder / "one", tmp_path / "other", out=tmp_path / "out")
    assert "no video is in both tests; run both with one sheet" in reason


def test_another_label_is_refused(compared, tmp_path):
    folder, _ = compared
    shutil.copytree(folder / "other", tmp_path / "other")
    for path in (tmp_path / "other").glob("pixels/grouped/evaluation/*/videos.tsv"):
        path.write_text(path.read_text().replace("\tfake\t", "\treal\t", 1))
    reason = refusal(folder / "one", tmp_path / "other", out=tmp_path / "out")
    assert "1 videos have another label" in reason


def test_a_folder_that_is_no_finished_run_is_named(compared, tmp_path):
    folder, _ = compared
    reason = refusal(folder / "one", tmp_path, out=tmp_path / "out")
    assert reason.startswith(f"{tmp_path}: summary.tsv is missing: name the folder of a finished")


def test_one_run_named_twice_is_not_two(compared, tmp_path, capsys):
    folder, _ = compared
    refusal(folder / "one", folder / "one", out=tmp_path / "out")
    assert "name two runs or more" in capsys.readouterr().err
