"""A new model is two files: no other file of the program has to be edited."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MATHEMATICS = '''"""The nearer of two class means, of raw features."""

import numpy as np

from deepfake.models import gram, linear
from deepfake.models.registry import Fitted

THRESHOLD = 0.0
LAYOUTS, check, decide = linear.LAYOUTS, linear.check, linear.decide


def score(candidates, training, train, held_out, seed=0, threads=1):
    seen = training.pixels.at(train)
    fitted = [_fitted(one, seen, training.fake[train]) for one in candidates]
    return [linear.decide(one, training.pixels.at(held_out)) for one in fitted]


def fit(candidate, training, seed=0, threads=1):
    return _fitted(candidate, training.pixels, training.fake)


def _fitted(candidate, pixels, fake):
    rows = pixels.take(np.arange(len(fake))).astype(np.float64)
    fakes, reals = rows[fake].mean(axis=0), rows[~fake].mean(axis=0)
    weights = (fakes - reals) / (candidate["softness"] * rows.shape[1])
    intercept = -weights @ (fakes + reals) / 2
    return Fitted("means", candidate, {"weights": weights}, {"intercept": float(intercept)})
'''
RECORD = '''"""The nearer class mean as a run sees it; its mathematics: `models.means`."""

from __future__ import annotations

from deepfake.core.schema import Positive, Section, grid, key
from deepfake.models.job_size import MB
from deepfake.models.model_spec import Formulas, ModelSpec


class MeansGrid(Section):
    """Settings of class means to try."""

    softness: grid(Positive) = key([1.0], "by how much scores are divided", "search")


SPEC = ModelSpec(
    grid=MeansGrid,
    position=110,
    rank=5,
    order=lambda candidate: -candidate["softness"],
    axis="softness",
    formulas={
        "search": Formulas(
            memory=lambda size: 300 * MB + 9 * size.training_matrix,
            seconds=lambda size, threads: 60 + size.matrix / 50e6,
        ),
    },
)
'''


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """The program with two files more."""
    folder = tmp_path_factory.mktemp("new") / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "workflow", "cluster", "test_*")
    for name in ("scripts", "rules", "config", "envs"):
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=ignored)
    for name in ("tests/unit/test_bundle.py", "tests/unit/test_model_checks.py",
                 "tests/unit/test_resources.py", "Snakefile", "pyproject.toml"):  # fmt: skip
        shutil.copy(ROOT / name, folder / name)
    (folder / "benchmarks").mkdir()
    for name in ("used.tsv", "starts.tsv"):
        shutil.copy(ROOT / "benchmarks" / name, folder / "benchmarks" / name)
    models = folder / "scripts" / "deepfake" / "models"
    (models / "means.py").write_text(MATHEMATICS, encoding="utf-8")
    (models / "specs" / "means.py").write_text(RECORD, encoding="utf-8")
    return folder


def run(checkout: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=checkout, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_new_model_of_two_files_passes_every_check_of_a_model(checkout):
    words = ("-q", "-p", "no:cacheprovider", "-rN", "-k", "means or names_are or look_alike")
    output = run(checkout, "pytest", *words, "tests/unit/test_model_checks.py")
    assert int(output.split(" passed")[0].split()[-1]) >= 20, output


def test_what_its_jobs_ask_for_passes_the_checks_of_formulas(checkout):
    """All but those against measured jobs, and against numbers that are written down."""
    words = ("-q", "-p", "no:cacheprovider", "-rN", "-k", "means and not held and not largest")
    output = run(checkout, "pytest", *words, "tests/unit/test_resources.py")
    assert int(output.split(" passed")[0].split()[-1]) >= 15, output


def test_snakemake_plans_its_jobs(checkout, tmp_path):
    lines = ["video_id\tpath\tlabel\tgroup_id\tbatch"]
    for number in range(8):
        (tmp_path / f"v{number}.mp4").touch()
        label = "fake" if number % 2 else "real"
        lines.append(f"v{number}\tv{number}.mp4\t{label}\tg{number // 2}\tb{number // 4}")
    (tmp_path / "videos.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "run.yaml").write_text(
        "run: new\nsheet: videos.tsv\nfeatures: [lbp]\nsplit: {protocols: [grouped]}\n"
        "sweep: {means: {softness: [1, 10]}, ridge: {}, average: {}}\n",
        encoding="utf-8",
    )
    output = run(
        checkout, "snakemake", "-n", "--snakefile", str(checkout / "Snakefile"),
        "--directory", str(tmp_path), "--configfile", str(tmp_path / "run.yaml"), "--cores", "1",
    )  # fmt: skip
    for rule in ("search", "choose", "fit", "evaluate"):
        assert f"{rule} " in output
    assert "searching means, chunk c000, fold 0, lbp, grouped" in output
    assert "fitting the best means on all training rows, lbp, grouped" in output
