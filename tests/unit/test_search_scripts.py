"""Tests of the scripts that search and choose: what they write of a fit that did not finish."""

import importlib.util
import json
import logging
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from deepfake.core import job, tables
from deepfake.models import elasticnet
from tests.unit import synthetic

SCRIPTS = Path(__file__).parents[2] / "scripts"
CANDIDATES = {"0": {"C": 100.0, "l1_ratio": 1.0}, "1": {"C": 1e-6, "l1_ratio": 0.5}}


def script(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(f"{name}_script", SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def done(work: job.Job, module: ModuleType) -> None:
    module.main(work)
    for part, place in work.parts.items():
        os.replace(part, place)


@pytest.fixture
def searched(tmp_path):
    """Search and choose among some candidates of an elastic net; gives the folder."""
    pixels, fake = synthetic.faces(40, 60)
    np.save(tmp_path / "matrix.npy", np.asfortranarray(pixels))
    labels = ["fake" if one else "real" for one in fake]
    rows = [
        {"row": n, "video_id": f"v{n}", "label": label, "group_id": f"v{n}"}
        for n, label in enumerate(labels)
    ]
    split = [{"row": n, "part": "train", "fold": n // 2 % 2} for n in range(40)]
    tables.write(rows, tmp_path / "rows.tsv", list(rows[0]))
    tables.write(split, tmp_path / "split.tsv", list(split[0]))
    shared = {
        name: [str(tmp_path / file)]
        for name, file in
        (("rows", "rows.tsv"), ("split", "split.tsv"), ("matrix", "matrix.npy"))
    }  # fmt: skip

    def run(candidates: dict) -> Path:
        for fold in range(2):
            params = {"model": "elasticnet", "candidates": candidates, "scalings": [], "seed": 0}
            params["in_columns"] = False
            output = {name: [str(tmp_path / f"{fold}.{name}")] for name in ("table", "values")}
            output["values"][0] += ".npy"
            done(job.Job(shared, output, params | {"fold": fold}), script("search"))
            os.replace(f"{tmp_path}/{fold}.values.npy", f"{tmp_path}/{fold}.npy")
        found = shared | {
            "tables": [str(tmp_path / f"{fold}.table") for fold in range(2)],
            "values": [str(tmp_path / f"{fold}.npy") for fold in range(2)],
        }
        output = {name: [str(tmp_path / name)] for name in ("table", "best", "out_of_fold")}
        params = {"candidates": list(candidates.values()), "score": "roc_auc"}
        done(job.Job(found, output, params), script("choose"))
        return tmp_path

    return run


def test_a_fit_that_did_not_finish_is_in_the_tables_and_does_not_win(searched, monkeypatch, caplog):
    monkeypatch.setattr(elasticnet, "HALVINGS", 0)  # no step is taken
    caplog.set_level(logging.WARNING)
    folder = searched(CANDIDATES)
    found = tables.read(folder / "table")
    assert [row["note"].startswith("did not converge") for row in found] == [True] * 2 + [False] * 2
    best = json.loads((folder / "best").read_text(encoding="utf-8"))
    assert best["number"] == 1
    assert "note" not in best
    assert "candidate 0 {'C': 100.0, 'l1_ratio': 1.0}: did not converge" in caplog.text


def test_the_choice_says_that_no_candidate_finished(searched, monkeypatch, caplog):
    monkeypatch.setattr(elasticnet, "HALVINGS", 0)
    caplog.set_level(logging.WARNING)
    folder = searched({"0": CANDIDATES["0"]})
    best = json.loads((folder / "best").read_text(encoding="utf-8"))
    assert best["note"].startswith("fold 0: did not converge")
    assert "fold 1: did not converge" in best["note"]
    assert "no candidate finished on every fold" in caplog.text


def test_a_table_of_finished_fits_has_no_notes(searched):
    assert "note" not in tables.read(searched(CANDIDATES) / "table")[0]
