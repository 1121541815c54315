"""A whole run on a cluster gives what a local run gives, as the design says equal."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepfake.core import tables
from tests.cluster.checkout import Checkout
from tests.cluster.lsf.conftest import make_lsf  # noqa: F401
from tests.cluster.test_lsf_run import SITE, lsf_environment
from tests.conftest import made_once
from tests.equality import assert_same_results
from tests.workflow import forked, test_person, test_transfer
from tests.workflow.running import Run

SWEEP = {
    "logistic": {"C": ["1e-4", 1], "scaling": ["none"]},
    "forest": {"n_estimators": [5, 20]},
}
SETTINGS = {
    "features": ["pixels", "residuals"],
    "sweep": SWEEP,
    "robustness": {"crf": [40], "scale": [0.5], "brightness": [], "mirror": False},
}


def snakemake(checkout: Checkout, *words: str, start: Callable = forked.run_with_jobs) -> str:
    """Run Snakemake by hand in a checkout, without submit.py, to a good end; what it prints."""
    done = start(
        [sys.executable, "-m", "snakemake", *words],
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def local(tmp_path_factory, demo_clips) -> Path:
    """The results of a run on this machine."""

    def make(folder: Path) -> None:
        checkout = Checkout(folder, demo_clips, {}, dict(os.environ), **SETTINGS)
        snakemake(checkout, "all", "robustness", "--configfile", "run.yaml", "--cores", "2")

    return made_once(tmp_path_factory, "local", make) / "results" / "test"


def test_a_run_on_slurm(tmp_path, demo_clips, slurm, local):
    # the limits of the partition, which later attempts would be above
    site = {"slurm": {"account": "test", "partition": "main"}}
    site["limits"] = {"mem_mb": 6000, "minutes": 60}
    environment = slurm.environment()
    home = tmp_path / "home"
    home.mkdir()
    environment |= {"HOME": str(home)}
    checkout = Checkout(tmp_path / "checkout", demo_clips, site, environment, **SETTINGS)
    run = checkout.run("run", "--", "all", "robustness")
    assert run.process.returncode == 0, run.said
    assert "failed attempt" not in run.said
    assert "core hours" in run.said.splitlines()[0]
    assert_same_results(checkout.results, local)
    assert list(home.rglob("*")) == []  # nothing is written to the home folder
    usage = checkout.run("usage").said
    faces = usage[usage.index("by accounting") :].split("faces")[1].split()
    assert int(faces[0]) == 1
    assert int(faces[1]) > 500  # TensorFlow


def test_what_is_left_out_on_slurm(tmp_path, demo_clips, slurm):
    run = Run(tmp_path / "local")
    run.folder.mkdir()
    test_transfer.make_up(run.folder, run.results)
    run.write_settings(**test_transfer.SETTINGS)
    done = run.snakemake("transfer")
    assert done.returncode == 0, done.stdout
    site = {"slurm": {"account": "test", "partition": "main"}}
    folder, environment = tmp_path / "checkout", slurm.environment()
    checkout = Checkout(folder, demo_clips, site, environment, **test_transfer.SETTINGS)
    shutil.rmtree(folder / "clips")
    test_transfer.make_up(folder, checkout.results)
    submitted = checkout.run("run", "--", "transfer")
    assert submitted.process.returncode == 0, submitted.said
    assert "failed attempt" not in submitted.said
    assert_same_results(checkout.results, run.results)


def test_variants_on_slurm(tmp_path, demo_clips, slurm):
    """Each job finds its branch when it reads the workflow again."""
    site = {"slurm": {"account": "test", "partition": "main"}}
    settings = {"features": ["lbp"], "faces": {"size": 32}, "sweep": {"ridge": {"alpha": [1, 10]}}}
    settings["variants"] = {"wide": {"faces": {"margin": 0.3}}}
    environment = slurm.environment()
    checkout = Checkout(tmp_path / "checkout", demo_clips, site, environment, **settings)
    run = checkout.run("run")
    assert run.process.returncode == 0, run.said
    assert "failed attempt" not in run.said
    there = checkout.results.rename(tmp_path / "there")
    snakemake(checkout, "--configfile", "run.yaml", "--cores", "2")
    assert (there / "variants" / "faces.margin=0.3" / "report.html").exists()
    assert_same_results(there, checkout.results)


def test_an_enrolment_on_slurm(tmp_path, demo_clips, slurm):
    """One job a batch of videos; the person's model is the one of this machine."""
    site = {"slurm": {"account": "test", "partition": "main"}}
    folder, environment = tmp_path / "checkout", slurm.environment()
    checkout = Checkout(folder, demo_clips, site, environment)
    shutil.rmtree(folder / "clips")
    (folder / "clips").mkdir()
    for seed in range(3):
        test_person.clip(folder / "clips" / f"own{seed}.mp4", seed, 0, 12)
    wanted = "enroll", "--config", "person=ada", "videos=clips/*.mp4", "videos_per_job=2"
    made = []
    for words, start in (
        (["--workflow-profile", "profiles/slurm"], subprocess.run),
        (["--cores", "2"], forked.run_with_jobs),
    ):
        printed = snakemake(checkout, *wanted, *words, start=start)
        assert ("SLURM jobid" in printed) == (not made)
        made.append(folder / "results" / "persons" / f"ada{len(made)}")
        made[-1].with_name("ada").rename(made[-1])
    assert printed.count("following the faces of batch") == 2
    for name in ("windows.tsv", "videos.tsv"):
        one, other = (tables.read(place / name) for place in made)
        assert len(one) > 2
        assert one == other
    one, other = (np.load(place / "support_vectors.npy") for place in made)
    assert np.allclose(one, other, atol=1e-6)


def test_a_run_on_an_emulated_lsf(tmp_path, demo_clips, make_lsf, local):  # noqa: F811
    lsf = make_lsf(SECONDS_PER_MINUTE=60)
    environment = lsf_environment(lsf)
    checkout = Checkout(tmp_path / "checkout", demo_clips, SITE, environment, **SETTINGS)
    run = checkout.run("run", "--", "all", "robustness", profile="lsf")
    assert run.process.returncode == 0, run.said
    assert_same_results(checkout.results, local)
    usage = checkout.run("usage", profile="lsf").said
    assert int(usage[usage.index("by accounting") :].split("faces")[1].split()[0]) == 1
