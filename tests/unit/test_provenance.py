"""Where a page comes from is told as it is, and never guessed."""

import subprocess

import pytest

from deepfake.core import codehash
from deepfake.report import provenance
from deepfake.workflow import config


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True)


def test_a_commit_is_clean_or_dirty(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "one")
    head, state = provenance.commit(tmp_path).split(", ")
    assert len(head) == 40
    assert state == "clean"
    (tmp_path / "a").write_text("2")
    (tmp_path / "new").touch()
    assert provenance.commit(tmp_path) == f"{head}, dirty: 2 files differ"


def test_a_copy_without_git_is_told_as_one(tmp_path, monkeypatch):
    assert provenance.commit(tmp_path) == "no git"
    git(tmp_path, "init")
    assert provenance.commit(tmp_path) == "no git"  # and no commit yet
    git(tmp_path, "commit", "--allow-empty", "-m", "one")
    inside = tmp_path / "inside"
    inside.mkdir()
    assert provenance.commit(inside) == "no git"  # somebody else's repository
    monkeypatch.setenv("PATH", str(inside))
    assert provenance.commit(tmp_path) == "no git"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "local"),
        ({"SLURM_CLUSTER_NAME": "x"}, "local"),  # a login node
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_PARTITION": "main"}, "SLURM: job 7, partition main"),
        ({"LSB_JOBID": "9", "LSB_QUEUE": "gpu", "LSB_CLUSTER_NAME": "z"},
         "LSF: cluster z, job 9, queue gpu"),
    ],
)  # fmt: skip
def test_a_cluster_is_told_from_its_job(environment, told):
    assert provenance.cluster(environment) == told


def test_every_fact_of_the_machine_is_there():
    assert all(provenance.facts().values())


def test_versions_are_of_every_package_and_of_snakemake():
    found = codehash.installed()
    assert {"snakemake", "numpy", "matplotlib", "jinja2", "scikit-learn"} <= set(found)
    assert "absent" not in found.values()


def test_what_decides_the_results_is_every_key_that_reruns_something():
    settings = config.deciding(config.load({"sweep": {"forest": {}}, "max_jobs": 7}, "x"))
    assert list(settings["sweep"]) == ["forest"]
    assert "max_jobs" not in settings
    told = {path for path, *_ in config.keys() if not path.startswith("sweep.")}
    held = {
        f"{name}.{key}" if isinstance(value, dict) else name
        for name, value in settings.items() if name != "sweep"
        for key in (value if isinstance(value, dict) else [""])
    }  # fmt: skip
    deeper = {path for path in told if path.count(".") > 1}
    beside = {path for path in told if path.startswith(("download.", "robustness.", "transfer."))}
    assert told - held - deeper == {"max_jobs", "variants", "search.core_hours"} | beside
    assert not {"download", "robustness", "transfer"} & settings.keys()
