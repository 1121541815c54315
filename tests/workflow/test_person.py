"""A person's model, from videos to an enrolment and to the pages of verdicts."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks import moving_portrait
from deepfake.core import tables
from deepfake.features.matrix import InMemoryMatrix
from deepfake.inference import bundle
from deepfake.models import gram
from deepfake.models import registry as models
from deepfake.models.registry import Training
from deepfake.person import mesh_file
from tests import browser
from tests.unit import synthetic
from tests.unit.clips import write_video
from tests.unit.test_bundle import FACTS
from tests.workflow import forked
from tests.workflow.running import ROOT, Run

RATE = 8  # frames a second; fewer are faster
OWN, OTHERS = range(4), range(2)


def snakemake(folder, target, *settings, start=forked.run_with_jobs, words=()):
    command = [
        *(sys.executable, "-m", "snakemake", target, "--snakefile", str(ROOT / "Snakefile")),
        *("--directory", str(folder), "--cores", "2", *words, "--config", *settings),
    ]
    return start(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def clip(path, seed, person, seconds):
    times = np.arange(round(seconds * RATE)) / RATE
    write_video(path, list(moving_portrait.pictures(seed, person, times)), "mp4v", RATE)


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory):
    """A folder with clips of two made-up people, where one of them was enrolled."""
    folder = tmp_path_factory.mktemp("enrolled")
    (folder / "clips").mkdir()
    for seed in (*OWN, 10):
        clip(folder / "clips" / f"own{seed}.mp4", seed, 0, 15)
    for seed in (*OTHERS, 10):
        clip(folder / "clips" / f"other{seed}.mp4", seed, 1, 15)
    clip(folder / "clips" / "short.mp4", 5, 0, 9.9)
    listed = [f"clips/own{seed}.mp4" for seed in OWN] + ["clips/short.mp4", "clips/gone.mp4"]
    (folder / "own.txt").write_text("\n".join(listed))
    done = snakemake(folder, "enroll", *WORDS)
    assert done.returncode == 0, done.stdout
    return folder, done.stdout


WORDS = ("person=ada", "videos=@own.txt", "others=clips/other[0-1].mp4")


def test_an_enrolment_says_what_was_learned_and_how_good_it_is(enrolled):
    folder, printed = enrolled
    results = folder / "results" / "persons" / "ada"
    rows = {row["video"]: row for row in tables.read(results / "videos.tsv")}
    assert len(rows) == 8
    assert {rows[f"clips/own{seed}.mp4"]["windows"] for seed in OWN} == {"6"}
    assert rows["clips/short.mp4"]["reason"].startswith("too short: one face was followed for 9.9")
    assert rows["clips/gone.mp4"]["reason"] == "no such file"
    windows = tables.read(results / "windows.tsv")
    assert [row["of"] for row in windows] == ["person"] * 24 + ["other"] * 12
    others = [float(row["score"]) for row in windows if row["of"] == "other"]
    assert np.mean(np.array(others) < 0) > 0.8
    assert "After Agarwal et al. 2019, with mesh signals in place of action units." in printed
    assert "needs their consent" in printed
    assert not [path for path in results.rglob("*") if path.suffix in (".png", ".jpg", ".pkl")]
    with browser.opened(results / "enrolled.html") as page:
        page.assert_sound()
        text = page.text()
        assert "Biometric data of a person." in text
        assert "no such file" in text


def test_the_same_enrolment_runs_no_job_and_why_names_what_changed(enrolled):
    folder, _ = enrolled
    again = snakemake(folder, "enroll", *WORDS, start=forked.run)
    assert "Nothing to be done" in again.stdout
    settings = "\n".join(word.replace("=", ": '", 1) + "'" for word in WORDS)
    (folder / "run.yaml").write_text(settings + "\n")
    run = Run(folder)
    assert run.why("enroll") == {}
    (folder / "run.yaml").write_text(settings.replace("[0-1]", "0") + "\n")
    assert run.why("enroll")["windows"] == {"not there yet": 1}  # of the others' new batch


def write_bundle(folder):
    """A model of made-up faces, whose verdicts say nothing."""
    pixels, fake = synthetic.faces(40, 16 * 16 * 3)
    matrix, candidate = InMemoryMatrix(pixels), synthetic.GRIDS["ridge"][0]
    grams = {scaling: gram.compute(matrix, scaling) for scaling in ("none", "standard")}
    fitted = models.module("ridge").fit(candidate, Training(matrix, fake, grams), seed=1)
    facts = FACTS | {
        "preprocessing": {"frames": {"per_video": 2}, "faces": {"size": 16}},
        "features": {"name": "pixels", "version": 1, "length": pixels.shape[1]},
    }
    bundle.save(fitted, facts, folder, folder / bundle.FILE)


def test_verdicts_show_the_movements_beside_them(enrolled):
    folder, _ = enrolled
    write_bundle(folder / "model")
    listed = ("own10", "other10", "short", "gone")
    (folder / "list.txt").write_text("\n".join(f"clips/{name}.mp4" for name in listed))
    words = "videos=@list.txt", "bundle=model", "person=results/persons/ada"
    done = snakemake(folder, "classify", *words)
    assert done.returncode == 0, done.stdout
    results = folder / "results" / "verdicts"
    found = {row["video"][6:-4]: row for row in tables.read(results / "person.tsv")}
    assert found.keys() == {"own10", "other10", "short"}
    assert found["other10"]["answer"] == "does not fit"
    assert found["short"]["answer"] == "too short"
    assert float(found["own10"]["score"]) > float(found["other10"]["score"])
    windows = tables.read(results / "person_windows.tsv")
    assert [row["start"] for row in windows if "own10" in row["video"]] == [
        f"{second}.0" for second in range(6)
    ]
    pages = {row["video"][6:-4]: row["page"] for row in tables.read(results / "verdicts.tsv")}
    assert "too short: one face was followed for 9.9" in done.stdout
    for name, shown in (("other10", "Does not fit"), ("short", "Too short")):
        with browser.opened(results / pages[name]) as page:
            page.assert_sound()
            assert "Movements of ada" in page.text()
            assert shown in page.text()
    again = snakemake(folder, "classify", *words, start=forked.run)
    assert "Nothing to be done" in again.stdout
    without = snakemake(folder, "classify", *words[:2], "run=plain", start=forked.run, words=["-n"])
    assert "person_scores" not in without.stdout
    record = folder / "results" / "persons" / "ada" / "person.json"
    record.write_text(record.read_text().replace('"format": 1', '"format": 2'))
    refused = snakemake(folder, "classify", *words, start=forked.run)
    assert refused.returncode == 1
    assert "results/persons/ada: person.json cannot be read: its format is not 1" in refused.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["person=a/b", "videos=x.mp4"], "person"),
        (["person=ada"], "videos"),
        (["person=ada", "videos=x.mp4", "other=y.mp4"], "did you mean others"),
        (["person=ada", "videos=x.mp4", "others=x.mp4"], "named twice"),
    ],
)
def test_a_wrong_enrolment_is_refused_before_the_first_job(tmp_path, words, reason):
    (tmp_path / "x.mp4").write_bytes(b"x")
    done = snakemake(tmp_path, "enroll", *words, start=forked.run)
    assert done.returncode == 1
    assert reason in done.stdout
    assert "Traceback" not in done.stdout


def test_a_person_does_not_stand_for_a_bundle(tmp_path):
    words = "videos=x.mp4", "person=results/persons/ada"
    done = snakemake(tmp_path, "classify", *words, start=forked.run)
    assert "classify: bundle=... is missing" in done.stdout


def test_without_the_face_mesh_enroll_says_what_to_install(tmp_path):
    """A Python whose finder does not see the package; all else works without it."""
    (tmp_path / "x.mp4").write_bytes(b"x")
    program = (
        "import importlib.util as util, runpy, sys; find = util.find_spec; "
        f"util.find_spec = lambda name, *more: None if name == {mesh_file.PACKAGE!r} "
        "else find(name, *more); sys.argv = sys.argv[1:]; "
        "runpy.run_module('snakemake', run_name='__main__')"
    )
    command = [
        *(sys.executable, "-c", program, "snakemake", "enroll", "-n"),
        *("--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path)),
        *("--config", "person=ada", "videos=x.mp4"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "the face mesh is not installed: `make models`" in done.stderr
