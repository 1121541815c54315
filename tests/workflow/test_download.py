"""`snakemake download` with a fake script: one job a subset, resumed where it broke off."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys

import pytest

from deepfake.dataset import sheet
from tests import fake_download_script
from tests.workflow import forked
from tests.workflow.running import ROOT, Run, scan

COMMAND = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2"]


@pytest.fixture
def run(tmp_path) -> Run:
    """A run whose sheet does not exist yet."""
    shutil.copy(fake_download_script.__file__, tmp_path / "fake.py")
    made = Run(tmp_path)
    asked = {"script": "fake.py", "accept_terms": True, "folder": "the tree"}
    made.write_settings(download={**asked, "datasets": ["original", "Deepfakes"]})
    return made


def calls(run: Run) -> list[dict]:
    return [json.loads(line) for line in (run.folder / "calls.jsonl").read_text().splitlines()]


def test_each_subset_is_one_job_whose_tree_is_scanned(run):
    assert run.planned("download") == {"download": 1, "download_part": 2}
    done = run.snakemake("download")
    assert done.returncode == 0, done.stdout
    assert "scripts/scan_dataset.py makes a sheet of them" in done.stdout
    asked = {call["words"][call["words"].index("-d") + 1] for call in calls(run)}
    assert asked == {"original", "Deepfakes"}
    scan("faceforensics", "ffpp", run.folder / "the tree", run.folder / "videos.tsv", 5)
    videos = sheet.read(run.folder / "videos.tsv")
    assert sorted(video["label"] for video in videos) == ["fake"] * 3 + ["real"] * 5
    assert run.planned("download") == {}
    run.settings["download"]["compressions"] = ["c23", "c40"]
    run.write_settings()
    assert run.planned("download") == {"download": 1, "download_part": 2}


def test_a_download_that_was_interrupted_goes_on_where_it_was(run):
    run.write_settings(download=run.settings["download"] | {"datasets": ["original"]})
    hold = run.folder / "hold"
    os.mkfifo(hold)
    pipe = os.open(hold, os.O_RDONLY | os.O_NONBLOCK)
    started = subprocess.Popen(
        [*COMMAND, "download", "--directory", run.folder, "--configfile", run.folder / "run.yaml"],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert select.select([pipe], [], [], 120)[0], "no file came"
    finally:
        os.killpg(started.pid, signal.SIGINT)  # as Ctrl-C does
        assert started.wait(120) != 0
        os.close(pipe)
    hold.unlink()
    marker = run.folder / "the tree/.downloaded/original.c23.videos.json"
    first = run.folder / "the tree/original_sequences/youtube/c23/videos/000.mp4"
    assert first.exists()
    assert not marker.exists()
    before = first.stat().st_mtime_ns
    done = run.snakemake("download")
    assert done.returncode == 0, done.stdout
    assert [call["made"] for call in calls(run)] == [["001", "002", "003", "004"]]
    assert first.stat().st_mtime_ns == before
    assert json.loads(marker.read_text())["files"] == 5


def test_a_job_on_a_node_needs_no_sheet_either(run):
    """The words by which Snakemake's executors start it there."""
    spec = "download_part:subset=original,compression=c23"
    done = run.snakemake(
        "--target-jobs", spec, "--mode", "subprocess", "--nolock", start=subprocess.run
    )
    assert done.returncode == 0, done.stdout
    assert [call["made"] for call in calls(run)] == [["000", "001", "002", "003", "004"]]


@pytest.mark.parametrize(
    ("changed", "line"),
    [({"script": None}, "https://github.com/ondyari/FaceForensics"),
     ({"accept_terms": False}, "download.accept_terms: is not true")],
)  # fmt: skip
def test_a_download_that_may_not_be_is_refused_in_one_line(run, changed, line):
    run.write_settings(download=run.settings["download"] | changed)
    done = run.snakemake("download", start=forked.run)
    assert done.returncode == 1
    (last,) = (told for told in done.stdout.splitlines() if not told.startswith("Using workflow"))
    assert line in last
    assert not (run.folder / "the tree").exists()
