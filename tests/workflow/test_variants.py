"""Variants of a run: what is shared, what a new one runs, one table, the same by another way."""

import json
import shutil

import pytest

from deepfake.core import tables
from tests.equality import assert_same_results
from tests.workflow import forked
from tests.workflow.running import Run, scan

SETTINGS = {
    "faces": {"size": 32},
    "features": ["lbp"],
    "split": {"protocols": ["grouped"], "test_size": 0.34, "folds": {"k": 2}},
    "sweep": {"ridge": {"alpha": [1, 10]}},
}
WIDE = {"faces": {"margin": 0.3}}
COPIED = {"training": {"copies": {"scale": [0.5]}}}
FOLDERS = {
    "base": "",
    "wide": "variants/faces.margin=0.3",
    "copied": "variants/training.copies.scale=0.5",
}


def files(run: Run) -> dict[str, tuple[int, bytes]]:
    """Date and content of all results of the base."""
    return {
        str(path.relative_to(run.results)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in run.results.rglob("*")
        if path.is_file() and not path.relative_to(run.results).parts[0].startswith("variants")
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory, demo_clips) -> tuple[Run, Run, dict]:
    """A run to which a variant is added, then another; one that has both at once."""
    folder = tmp_path_factory.mktemp("variants")
    added, at_once = Run(folder / "added"), Run(folder / "once")
    added.folder.mkdir()
    scan("folders", "demo", demo_clips, added.folder / "videos.tsv", videos_per_job=12)
    shutil.copytree(added.folder, at_once.folder)
    added.write_settings(**SETTINGS)
    done = added.snakemake()
    assert done.returncode == 0, done.stdout
    seen = {"before": files(added)}
    added.write_settings(variants={"wide": WIDE})
    seen["planned"] = added.planned()
    done = added.snakemake()
    assert done.returncode == 0, done.stdout
    seen["after"] = files(added)
    added.write_settings(variants={"copied": COPIED, "wide": WIDE})
    seen["planned again"] = added.planned()
    done = added.snakemake()
    assert done.returncode == 0, done.stdout
    assert added.planned() == {}
    at_once.write_settings(**SETTINGS, variants={"copied": COPIED, "wide": WIDE})
    done = at_once.snakemake(start=forked.run_again)
    assert done.returncode == 0, done.stdout
    return added, at_once, seen


OF_MODELS = {"rows": 1, "matrix": 1, "split": 1, "gram": 3, "search": 2, "choose": 1, "fit": 1}
OF_MODELS |= {"evaluate": 1, "selection": 1, "summary": 1, "report": 1}
AGAIN = {"variant_choice": 1, "variants": 1, "all": 1}


def test_a_new_variant_runs_only_what_is_its_own(runs):
    _, _, seen = runs
    assert seen["planned"] == {"frames": 1, "faces": 1, "features": 1} | OF_MODELS | AGAIN
    copied = {"copies": 1, "copy_features": 1}
    assert seen["planned again"] == copied | OF_MODELS | AGAIN  # its faces are the base's


def test_no_result_of_the_run_itself_is_touched(runs):
    _, _, seen = runs
    new = seen["after"].keys() - seen["before"].keys()
    assert not {name for name in new if not name.startswith(("logs/", "benchmarks/"))}
    assert {name: seen["after"][name] for name in seen["before"]} == seen["before"]


def test_a_variant_that_was_taken_out_keeps_its_results_and_finds_them_again(runs):
    added, _, _ = runs
    before = added.settings
    added.write_settings(variants={"copied": COPIED})
    assert added.planned() == AGAIN  # the table has a row less
    assert (added.results / FOLDERS["wide"] / "report.html").exists()
    added.write_settings(variants={"broad": WIDE, "copied": COPIED})
    assert "faces" not in added.planned()
    added.settings = before
    added.write_settings()
    assert added.planned() == {}


def test_variants_added_one_by_one_and_at_once_give_the_same(runs):
    added, at_once, _ = runs
    assert_same_results(added.results, at_once.results)


def test_groups_and_folds_are_those_of_the_base(runs):
    added, _, _ = runs
    parts = {}
    for name, folder in FOLDERS.items():
        place = added.results / folder
        split = tables.read(place / "splits" / "grouped.tsv")
        rows = tables.read(place / "rows.tsv")
        parts[name] = {
            row["video_id"]: (cut["part"], cut["fold"])
            for row, cut in zip(rows, split, strict=True)
            if not row["copy"]
        }
    assert parts["wide"] == parts["base"] == parts["copied"]
    assert {part for part, _ in parts["base"].values()} == {"train", "test"}


def test_one_table_has_every_variant_and_its_paired_difference(runs):
    added, _, _ = runs
    rows = {row["variant"]: row for row in tables.read(added.results / "variants.tsv")}
    assert [*rows] == ["base", "copied", "wide"]
    assert [row["chosen"] for row in rows.values()].count("yes") == 1
    assert rows["base"]["difference"] == ""
    for name in ("copied", "wide"):
        difference = float(rows[name]["roc_auc"]) - float(rows["base"]["roc_auc"])
        assert float(rows[name]["difference"]) == pytest.approx(difference)
        assert rows[name]["folder"] == f"results/test/{FOLDERS[name]}"
    text = (added.results / "variants.txt").read_text()
    assert "split among 3 variants: " in text
    assert "for the choice among 6 combinations of variant, features, model and candidate" in text
    assert "base -> wide\n  key faces.margin: 0.0 -> 0.3\n" in text
    assert "base -> copied\n  key training.copies.scale: [] -> [0.5]\n" in text


def test_the_choice_is_the_best_of_all_on_the_folds(runs):
    added, _, _ = runs
    found = json.loads((added.results / "variants" / "grouped.json").read_text())
    chosen = {
        name: json.loads((added.results / folder / "selection" / "grouped.json").read_text())
        for name, folder in FOLDERS.items()
    }
    scores = {name: round(one["all"]["chosen"], 3) for name, one in chosen.items()}
    assert round(found["all"]["chosen"], 3) == max(scores.values())
    assert scores[found["all"]["variant"]] == max(scores.values())
    assert found["all"]["candidates"] == 6
    assert {*found["models"]} == {f"{name} lbp ridge" for name in FOLDERS}
    base = found["models"]["base lbp ridge"]
    assert base["roc_auc"] == chosen["base"]["models"]["lbp ridge"]["roc_auc"]


def test_each_variant_is_in_the_ledger_under_its_own_name(runs):
    _, at_once, _ = runs
    lines = tables.read(at_once.folder / "results" / "ledger.tsv")
    assert sorted(line["run"] for line in lines) == [
        "test", f"test/{FOLDERS['wide']}", f"test/{FOLDERS['copied']}"
    ]  # fmt: skip
    assert len({line["test"] for line in lines}) == 1
