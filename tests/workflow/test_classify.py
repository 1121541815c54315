"""Asking a model about videos: with a bundle alone, without sheet, dataset or training."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from deepfake import tables
from tests import browser
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


def ask(folder, *settings: str, root=ROOT) -> subprocess.CompletedProcess:
    command = [
        *(sys.executable, "-m", "snakemake", "classify", "--snakefile", str(root / "Snakefile")),
        *("--directory", str(folder), "--cores", "2", "--config", *settings),
    ]
    return subprocess.run(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_videos_get_verdicts_and_bad_ones_their_reasons(tmp_path, bundle, demo_clips):
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy(demo_clips / "fake" / "s00_s01.mp4", clips / HOSTILE)
    shutil.copy(demo_clips / "real" / "s02.mp4", clips / "one.mp4")
    (clips / "empty.mp4").write_bytes(b"")
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(map(str, [*clips.iterdir(), clips / "gone.mp4"])))
    done = ask(tmp_path, f"videos=@{listed}", f"bundle={bundle}", "undecided=[0.5,0.5]")
    assert done.returncode == 0, done.stdout
    rows = tables.read(tmp_path / "results" / "verdicts" / "verdicts.tsv")
    found = {row["video"].rsplit("/", 1)[1]: row for row in rows}
    assert list(found) == [HOSTILE, "empty.mp4", "gone.mp4", "one.mp4"]
    assert found["gone.mp4"]["reason"] == "no such file"
    assert found["empty.mp4"]["reason"] == "no usable face: the file is empty"
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
    again = ask(tmp_path, f"videos=@{listed}", f"bundle={bundle}", "undecided=[0.5,0.5]")
    assert "Nothing to be done" in again.stdout


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
    done = ask(tmp_path, *(word.replace("BUNDLE", str(bundle)) for word in settings))
    assert done.returncode == 1
    assert line in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a":' * 50_000, "bundle.json cannot be read: "),
        ('{"preprocessing": {"frames": {"every": 1e999}}}', "holds 1e999, no finite number"),
        ('{"preprocessing": {"run": "demo"}}', "preprocessing: 'run' is not for it to say"),
        ('{"preprocessing": []}', "is no folder of a model"),
    ],
    ids=["deep", "infinite", "elsewhere", "empty"],
)
def test_a_hostile_record_is_one_clear_line_before_the_first_job(tmp_path, text, line):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "bundle.json").write_text(text)
    (tmp_path / "x.mp4").touch()
    done = ask(tmp_path, f"videos={tmp_path}/x.mp4", f"bundle={tmp_path}/model")
    assert done.returncode == 1
    assert line in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "results").exists()


def test_a_tampered_model_is_refused_and_told(tmp_path, bundle, demo_clips):
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    weights = broken / "weights.npy"
    weights.write_bytes(weights.read_bytes()[:-8] + b"\0" * 8)
    done = ask(tmp_path, f"videos={demo_clips}/real/s00.mp4", f"bundle={broken}")
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
    assert "20 numbers a face (lbp)" in (tmp_path / "results/verdicts" / row["page"]).read_text()
    for module, rules in (
        ("audit", set()),
        ("classify", {"classify_batch", "verdicts"}),
        ("bundle", {"classify_batch", "verdicts"}),  # verdicts follows
        ("features/lbp", {"classify_batch", "verdicts"}),
        ("faces", {"frames", "previews", "faces", "classify_batch", "verdicts"}),
    ):
        with touched(tmp_path / "copy", f"deepfake/{module}.py"):
            planned = ask(tmp_path, *question, "--dry-run", root=tmp_path / "copy").stdout
        assert (
            set(re.findall(r"^(\w+) +\d+$", planned, flags=re.M)) - {"classify", "total"} == rules
        )
