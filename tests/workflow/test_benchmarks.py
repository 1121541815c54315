"""The benchmarks run, at sizes that take seconds, and their tables hold what they say."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from deepfake.core import tables
from deepfake.evaluation import metrics
from deepfake.workflow import published_results
from tests.workflow.running import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import engines
import full
import full_data
import full_runs
import interval_coverage
import measure
import record


def benchmark(script: str, *words: object) -> str:
    command = [sys.executable, ROOT / "benchmarks" / script, *words]
    done = subprocess.run(
        [*map(str, command)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def cells(told: str) -> list[list[str]]:
    """The rows of the table in a text, without its head."""
    found = [line for line in told.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[2:]]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """One of each kind of run: Gram shared, split of its own, a fold of a search."""
    folder = tmp_path_factory.mktemp("full")
    page = folder / "page.md"
    page.write_text("before\n<!-- full -->\nnot yet\n<!-- /full -->\nafter\n")
    only = ("svm-1", "forest-100-25", "search-svm")
    words = ("--folder", folder, "--rows", 200, "--size", 32, "--page", page)
    benchmark("full.py", *words, "--only", *only)
    return folder


def test_the_full_size_goes_through_the_workflows_jobs_and_into_the_page(small):
    page = (small / "page.md").read_text()
    assert "not yet" not in page
    assert (page.splitlines()[0], page.splitlines()[-1]) == ("before", "after")
    made = [(line[0], line[2]) for line in cells(page)]
    assert made == [
        ("svm", "measured"),
        ("forest", "measured"),
        ("svm", "one fold, measured"),
        ("svm", "all folds and the best fitted, computed"),
    ]
    one, fold, whole = (float(cells(page)[number][3]) for number in (0, 2, 3))
    assert whole == pytest.approx(3 * fold + one, abs=3)  # seconds are rounded
    assert not any("".join(line[6:]) for line in cells(page))  # not the original's size
    results = small / "results"
    assert len(tables.read(results / "svm-1" / "rows.tsv")) == 200
    both = [results / name / "pixels" / "matrix.npy" for name in ("shared", "forest-100-25")]
    assert both[0].samefile(both[1])
    (scored,) = (results / "search-svm" / "pixels" / "frame" / "search").rglob("*.tsv")
    assert {row["fold"] for row in tables.read(scored)} == {"0"}
    for run in ("svm-1", "forest-100-25"):  # as published: no search
        assert not (results / run / "benchmarks" / "search").exists()


def test_a_second_call_goes_on_where_the_first_ended(small):
    bundle = small / "results/svm-1/pixels/frame/models/svm/bundle.json"
    before = bundle.stat().st_mtime_ns
    words = ("--folder", small, "--rows", 200, "--size", 32, "--only", "svm-1", "search-svm")
    assert "in 2 call(s)" in benchmark("full.py", *words)
    assert bundle.stat().st_mtime_ns == before


def test_a_folder_of_another_size_is_refused(small):
    with pytest.raises(SystemExit, match="holds other sizes"):
        full_data.prepare(small, 300, 32, "shared")


def test_a_folder_without_room_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(SystemExit, match="GiB are free"):
        full_data.prepare(tmp_path, 10**9, 320, "shared")
    assert not (tmp_path / "made.json").exists()


def test_the_data_set_has_the_classes_of_the_original(tmp_path, monkeypatch):
    counts = {"fake": 0, "real": 0}

    def count(batch, kept, *_):
        for video, frames in zip(batch, kept, strict=True):
            counts[video["label"]] += frames

    monkeypatch.setattr(full_data, "_write_batch", count)
    monkeypatch.setattr(full_data, "_check", lambda *_: None)
    full_data.prepare(tmp_path, published_results.ROWS, 1, "shared")
    assert counts == {"fake": 6984, "real": 7000}


def test_every_published_run_has_its_piece():
    assert [piece.published for piece in full_runs.PIECES if piece.published] == [
        *published_results.RUNS
    ]
    names = {piece.name for piece in full_runs.PIECES}
    assert {piece.fitted for piece in full_runs.PIECES if piece.folds} <= names


def test_at_the_originals_size_the_published_figures_stand_beside(monkeypatch):
    took = {
        piece.name: full.Used(used_mb=1000, seconds=10, cpu_seconds=20) for piece in full.PIECES
    }
    runs = type("Runs", (), {"took": lambda self, piece: took[piece.name]})()
    rows, short = full.lines(runs, full.PIECES, comparable=True)
    svm = rows[0]
    assert svm[6:9] == ["43,579", "43,616", "63,202"]
    assert svm[9:] == ["4357.9", "2180.8", "63.2"]
    searched = next(row for row in short if "searched" in row[0])
    assert searched[1:] == ["45,045 s, 16 GiB", "40 s, 1.0 GiB (computed)"]


def test_a_part_is_recorded_beside_what_is_known(tmp_path, monkeypatch):
    """Of one size the most counts; a line of before a fact was known has 0 of it."""
    line = {"formula": "lda", "rows": "20", "threads": "1", "used_mb": "700", "seconds": "2.5"}
    tables.write([line, line | {"formula": "svm"}], tmp_path / "used.tsv", [*line])
    (tmp_path / "part.yaml").touch()
    monkeypatch.setattr(record, "FILE", tmp_path / "used.tsv")
    monkeypatch.setattr(sys, "argv", ["record.py", "--only", "columns"])
    monkeypatch.setattr(record, "made", lambda parts, *_: [tmp_path] * (parts == ["columns"]))
    old, _ = record.known()
    new = [old | {"used_mb": 900, "seconds": 2.0}, old | {"rows": 30}]
    monkeypatch.setattr(record, "jobs", lambda _: new)
    record.main()
    found = tables.read(tmp_path / "used.tsv")
    assert [(one["formula"], one["rows"], one["used_mb"], one["seconds"]) for one in found] == [
        ("lda", "20", "900", "2.5"),
        ("lda", "30", "700", "2.5"),
        ("svm", "20", "700", "2.5"),
    ]
    assert {one["side"] for one in found} == {"0"}


def test_a_dry_run_of_many_jobs_warns_and_goes_on():
    ((videos, *_, jobs, warned, _aim),) = cells(
        benchmark("plan.py", "--videos", 1000, "--videos-per-job", 1)
    )
    assert (videos, warned) == ("1000", "yes")
    assert int(jobs.replace(",", "")) > 2000


def test_coverage_is_told_by_cell_with_what_misses_its_aim():
    told = benchmark("interval_coverage.py", "--simulations", 20, "--groups", 6, "--auc", 0.98)
    lines = [line for line in told.splitlines() if line.startswith("| ROC AUC")]
    covered, widthless, _ = ([float(cell) for cell in one.split("|")[4:-1]] for one in lines[::3])
    before, now = covered
    assert now > 0.8 > before  # of 20: .68 of all
    assert widthless[0] > 0
    assert "Pairs below 0.03: ROC AUC at AUC 0.98, 6 groups of both classes (0.000)" in told


def test_the_intervals_before_are_percentiles_of_resampled_groups():
    design = interval_coverage.uneven(8)
    (values,) = np.round(interval_coverage.drawn(design, 1.0, np.random.default_rng(0)), 1)
    found = interval_coverage.bootstrapped(design, values, 1.0, 3)
    weights = metrics.resamples(design.group_of, interval_coverage.RESAMPLES, 3)
    direct = metrics.scores(design.fake, values, 0.5, weights)
    for name, limits in found.items():
        assert limits == pytest.approx(np.quantile(direct[name], [0.025, 0.975]))


def test_drawn_scores_have_the_auc_that_they_are_drawn_for():
    design = interval_coverage.both(20_000)
    distance = np.sqrt(2) * norm.ppf(0.9)
    values = interval_coverage.drawn(design, distance, np.random.default_rng(0), 2)
    found = [interval_coverage.lines(design, mine, distance) for mine in values]
    for name, value in interval_coverage.truths(0.9).items():
        assert [one[name].value for one in found] == pytest.approx([value] * 2, abs=0.01), name


def test_both_ways_to_fit_are_compared_and_say_the_same():
    lines = cells(benchmark("engines.py", "--rows", 28, "--size", 16))
    assert [line[:2] for line in lines] == [["svm", "28"], ["logistic", "28"]]
    assert all(line[8].startswith("1.0000") for line in lines)


def test_growth_and_aim_are_told_from_what_was_measured():
    found = {
        rows: {"direct": {"seconds": rows**2}, "ours": {"seconds": rows / 2}}
        for rows in (100, 200, 400)
    }
    assert engines.conclusions("svm", found) == [
        "svm: direct grows as n^2.00, ours as n^1.00.",
        "svm: 800.0 times at 400 rows; aim 15: met.",
    ]
    found[400]["ours"]["seconds"] = 160_000
    assert "1.0 times at 400 rows; aim 20: missed" in engines.conclusions("logistic", found)[-1]


def test_the_gram_engine_stands_beside_the_plain_product():
    lines = cells(benchmark("gram.py", "--rows", 30, "--size", 16))
    assert [line[:2] for line in lines] == [
        [scaling, threads] for scaling in ("none", "standard") for threads in ("1", "2")
    ]


def test_growth_is_the_power_of_the_size():
    assert measure.growth([100, 200, 400], [3, 12, 48]) == pytest.approx(2)


def test_what_a_process_of_its_own_printed_last_is_read(tmp_path):
    script = tmp_path / "one.py"
    script.write_text("print('noise'); print('{\"seconds\": 1}')")
    assert measure.alone(str(script)) == json.loads('{"seconds": 1}')
    script.write_text("raise ValueError('why')")
    with pytest.raises(SystemExit, match="why"):
        measure.alone(str(script))
