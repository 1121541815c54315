"""A whole run on a cluster gives what a local run gives, as the design says equal."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepfake import tables
from tests.cluster.checkout import Checkout
from tests.cluster.lsf.conftest import make_lsf  # noqa: F401
from tests.cluster.test_lsf_run import SITE, lsf_environment

SWEEP = {
    "logistic": {"C": ["1e-4", 1], "scaling": ["none"]},
    "forest": {"n_estimators": [5, 20]},
}
# report.html is never compared: it holds seconds, dates and hosts.
SAME_BYTES = (
    "rows.tsv",
    "faces.tsv",
    "splits/grouped.tsv",
    "splits/grouped.audit.json",
    "pixels/matrix.npy",
    "pixels/grouped/gram/none.all.npy",
    "pixels/grouped/search/forest.tsv",
    *(f"pixels/grouped/models/forest/{n}.npy" for n in ("feature", "threshold", "left", "right")),
    "pixels/grouped/evaluation/forest/frames.tsv",
)


@pytest.fixture(scope="module")
def local(tmp_path_factory, demo_clips) -> Path:
    """The results of a run on this machine."""
    folder = tmp_path_factory.mktemp("local") / "checkout"
    import os

    checkout = Checkout(folder, demo_clips, {}, dict(os.environ), sweep=SWEEP)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", "run.yaml", "--cores", "2"],
        cwd=folder,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return checkout.results


def assert_equal(ours: Path, theirs: Path) -> None:
    for file in SAME_BYTES:
        assert (ours / file).read_bytes() == (theirs / file).read_bytes(), file
    path = "pixels/grouped/evaluation/logistic/frames.tsv"
    one, two = (tables.read(results / path) for results in (ours, theirs))
    assert [row["predicted"] for row in one] == [row["predicted"] for row in two]
    scores = [np.array([float(row["score"]) for row in rows]) for rows in (one, two)]
    np.testing.assert_allclose(*scores, rtol=1e-9, atol=1e-9)


def test_a_run_on_slurm(tmp_path, demo_clips, slurm, local):
    site = {"slurm": {"account": "test", "partition": "main"}}
    environment = slurm.environment()
    home = tmp_path / "home"
    home.mkdir()
    environment |= {"HOME": str(home)}
    checkout = Checkout(tmp_path / "checkout", demo_clips, site, environment, sweep=SWEEP)
    run = checkout.run("run")
    assert run.process.returncode == 0, run.said
    assert "failed attempt" not in run.said
    assert "core hours" in run.said.splitlines()[0]
    assert_equal(checkout.results, local)
    assert list(home.rglob("*")) == []  # nothing is written to the home folder
    usage = checkout.run("usage").said
    faces = usage[usage.index("by accounting") :].split("faces")[1].split()
    assert int(faces[0]) == 1
    assert int(faces[1]) > 500  # TensorFlow


def test_a_run_on_an_emulated_lsf(tmp_path, demo_clips, make_lsf, local):  # noqa: F811
    lsf = make_lsf(SECONDS_PER_MINUTE=60)
    environment = lsf_environment(lsf)
    checkout = Checkout(tmp_path / "checkout", demo_clips, SITE, environment, sweep=SWEEP)
    run = checkout.run("run", profile="lsf")
    assert run.process.returncode == 0, run.said
    assert_equal(checkout.results, local)
    usage = checkout.run("usage", profile="lsf").said
    assert int(usage[usage.index("by accounting") :].split("faces")[1].split()[0]) == 1
