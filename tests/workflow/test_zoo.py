"""Bad and odd files go the whole way: each ends as a row with a reason, and no job dies."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from deepfake.core import tables
from deepfake.preprocessing import frames
from tests import zoo
from tests.unit import clips
from tests.workflow.running import Run, scan
from tests.workflow.test_classify import ask

PATIENCE = 20  # seconds for one video
HANGS = 300  # seconds for all of them, after which a test gives up


@pytest.fixture(scope="module")
def good(demo_clips):
    return demo_clips / "real" / "s00.mp4"


@pytest.fixture(scope="module")
def run(tmp_path_factory, demo_clips, good) -> Run:
    """Twelve good clips and every file of the zoo, in batches that mix them."""
    run = Run(tmp_path_factory.mktemp("run"))
    folder = run.folder / "clips"
    shutil.copytree(demo_clips, folder)
    run.animals = zoo.build(folder / "real" / "zoo", good, zoo.FILES)
    for name in ("list.m3u8", "photo.jpg", "stream.ts"):  # a scan does not take them for videos
        (folder / "real" / "zoo" / name).rename(folder / "real" / "zoo" / f"{name}.mp4")
    scan("folders", "demo", folder, run.folder / "videos.tsv", videos_per_job=40)
    sweep = {"logistic": {"C": ["1e-3"]}}
    run.write_settings(frames={"every": 10, "per_video": 3, "timeout": PATIENCE}, sweep=sweep)
    run.done = run.snakemake()
    assert run.done.returncode == 0, run.done.stdout
    return run


def check(animal: zoo.Animal, rows: list[dict]) -> None:
    """Its rows of faces.tsv are what must become of it."""
    taken = [int(row["frame"]) for row in rows if row["frame"]]
    (loss,) = [row["reason"] for row in rows if not row["frame"]] or [""]
    assert taken == zoo.INDICES[: len(taken)]
    assert taken or loss
    assert all(row["status"] in ("kept", "dropped") for row in rows)
    assert all(row["reason"] for row in rows if row["status"] == "dropped")
    if animal.frames is not None:
        assert len(taken) == animal.frames
        assert re.search(animal.reason, loss) if animal.reason else not loss
        kept = sum(row["status"] == "kept" for row in rows)
        assert kept == (animal.frames if animal.faces else 0)


def test_every_animal_is_in_the_table_with_its_faces_or_its_reason(run):
    found: dict[str, list[dict]] = {}
    for row in tables.read(run.results / "faces.tsv"):
        found.setdefault(row["video_id"], []).append(row)
    assert len(found) == 12 + len(zoo.FILES)
    for animal in zoo.FILES:
        name = f"demo/real/zoo/{animal.name}"
        check(animal, found.get(name) or found[f"{name}.mp4"])
    good = [rows for name, rows in found.items() if "/zoo/" not in name]
    assert all([row["status"] for row in rows] == ["kept"] * 3 for rows in good)


def test_no_job_failed_or_was_tried_again(run):
    assert not re.search("Error in rule|Trying to restart", run.done.stdout)
    assert not list(run.results.rglob("*.job.json"))


MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[2:], timeout=float(sys.argv[1]))
print(json.dumps([done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def test_frames_of_the_whole_zoo_take_bounded_time_and_memory(tmp_path, good):
    animals = zoo.build(tmp_path / "zoo", good, zoo.FILES + zoo.OTHERS)
    settings = {"every": 10, "per_video": 3, "span": "start", "format": "png", "jpeg_quality": 95}
    params = {
        "videos": [{"video_id": path, "path": path} for path in sorted(animals)],
        "frames": settings | {"timeout": PATIENCE},
    }
    (tmp_path / "params.json").write_text(json.dumps(params))
    outputs = {"frames": tmp_path / "b.tar", "table": tmp_path / "b.tsv"}
    arguments = clips.job_arguments({}, outputs, {})[:-2]
    arguments += ["--params", f"@{tmp_path}/params.json"]
    command = [sys.executable, str(clips.SCRIPTS / "frames.py"), *arguments]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(HANGS), *command], stdout=subprocess.PIPE, check=True
    )
    status, peak = json.loads(done.stdout)
    assert status == 0
    assert peak * 1024 < frames.DECODER_BYTES / 2  # no animal needs the limit itself
    assert {row["video_id"] for row in tables.read(outputs["table"])} == set(animals)


def test_every_animal_and_name_that_is_asked_about_gets_a_verdict_or_a_reason(tmp_path, run, good):
    folder = tmp_path / "asked"
    animals = zoo.build(folder, good, zoo.FILES + zoo.OTHERS)
    named = {str(folder / "names" / name): reason for name, reason in zoo.NAMES.items()}
    (folder / "names").mkdir()
    for path in named:
        shutil.copy(good, path)
    words = [f"{folder}/*.*", f"{folder}/names/*"]
    bundle = run.features / "grouped" / "models" / "logistic"
    done = ask(tmp_path, f"videos={json.dumps(words)}", f"bundle={bundle}", "videos_per_job=60")
    assert done.returncode == 0, done.stdout
    results = tmp_path / "results" / "verdicts"
    rows = {row["video"]: row for row in tables.read(results / "verdicts.tsv")}
    assert len(rows) == len(animals) + len(named)
    for path, animal in animals.items():
        row = rows[path]
        assert row["verdict"] in ("fake", "real", "undecided")
        assert row["reason"] or row["probability"]
        if animal.faces:
            # as many as the training took, from over the whole clip, where it has so many
            assert row["frames"] == ("1" if animal.name == "one frame.mp4" else "3")
        elif animal.frames is not None:
            assert re.search(animal.reason or "no face found", row["reason"])
    judged = {row["probability"] for name, row in rows.items() if named.get(name) == ""}
    assert len(judged) == 1  # one clip under many names
    assert judged != {""}
    refused = [row for row in rows.values() if "its name" in row["reason"]]
    assert len(refused) == sum(bool(reason) for reason in zoo.NAMES.values())
    told = (results / "verdicts.txt").read_text()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", told)
    assert r"\u202e4pm.exe" in told
    assert not list(tmp_path.rglob("run"))  # what a shell would have made of a name
    assert sorted(os.listdir(folder / "names")) == sorted(zoo.NAMES)
