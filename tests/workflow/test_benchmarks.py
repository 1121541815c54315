"""The benchmarks run, at sizes that take seconds, and their tables hold what they say."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from deepfake.core import tables
from deepfake.evaluation import metrics
from deepfake.workflow import published_results
from deepfake.workflow.usage import Used
from tests.unit import synthetic
from tests.unit.clips import read_video
from tests.workflow import forked
from tests.workflow.running import ROOT, copy_compiled

sys.path.insert(0, str(ROOT / "benchmarks"))

import blended
import columns
import engines
import full
import full_data
import full_runs
import interval_coverage
import large
import measure
import record
import self_blending


def benchmark(script: str, *words: object, start: Callable = forked.run_with_jobs) -> str:
    command = [sys.executable, ROOT / "benchmarks" / script, *words]
    done = start(
        [*map(str, command)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
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
    copy_compiled(folder / "results" / "forest-100-25")
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
    found = cells(benchmark("plan.py", "--videos", 1000, "--videos-per-job", 1))
    for (videos, what, *_, jobs, warned, _aim), wanted in zip(
        found, (("dry run", "yes"), ("check-cluster", "no")), strict=True
    ):
        assert (videos, what, warned) == ("1000", *wanted)
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


def grey(height: int = 120, width: int = 160) -> np.ndarray:
    """A frame of noise around middle grey, uint8 BGR."""
    noise = np.random.default_rng(0).normal(128, 12, (height, width, 3))
    return noise.clip(0, 255).astype(np.uint8)


POINTS = np.array([[65, 45], [95, 45], [80, 60], [68, 78], [92, 78]], float)


def test_a_blended_fake_is_its_real_clip_but_for_the_face():
    for seed in range(8):
        blend = self_blending.draw(np.random.default_rng(seed))
        real, fake = self_blending.pair(grey(), POINTS, blend)
        assert np.array_equal(real[:5], fake[:5])
        assert np.array_equal(real[:, :10], fake[:, :10])
        inside = np.abs(real[50:75, 70:90].astype(int) - fake[50:75, 70:90]).mean()
        assert inside > 1
        assert 0 < blend.mask.max() <= 1
        assert blend.mask[[0, -1]].max() == blend.mask[:, [0, -1]].max() == 0
        assert 18 <= blend.factor <= 40


def test_a_mask_lies_on_the_face_however_it_is_turned_and_scaled():
    """The ellipse of unit size passes through the eyes and the corners of the mouth."""
    for turn, scale in ((0, 1), (0.6, 1), (-2, 1.7)):
        matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        face = np.array([[60, 40], [100, 40], [80, 60], [60, 90], [100, 90]]) @ matrix.T
        laid = self_blending.placed(face)
        inverse = np.linalg.inv(np.vstack([laid, [0, 0, 1]]))[:2]
        on_canvas = inverse @ np.column_stack([face, np.ones(5)]).T
        across, down = (on_canvas - self_blending.CANVAS / 2) / self_blending.UNIT
        ellipse = across**2 + (down / self_blending.ASPECT) ** 2
        assert ellipse[[0, 1, 3, 4]] == pytest.approx(np.ones(4))
        assert (down[:2] < 0).all()  # the eyes are above


def test_a_blended_pair_is_encoded_alike_and_again_the_same(tmp_path, demo_clips):
    clip = str(demo_clips / "real" / "s00.mp4")
    found = {frame: tuple(map(tuple, POINTS.astype(int).tolist())) for frame in (0, 10)}
    made = []
    for again in "ab":
        (tmp_path / again).mkdir()
        pair = [tmp_path / again / f"{label}.mkv" for label in ("real", "fake")]
        assert self_blending.make(clip, found, *pair, np.random.default_rng(1)) == ""
        made.append([read_video(path) for path in pair])
        assert sorted(path.name for path in (tmp_path / again).iterdir()) == [
            "fake.mkv", "real.mkv",
        ]  # fmt: skip
    assert [len(clip) for clip in made[0]] == [11, 11]
    np.testing.assert_array_equal(made[0], made[1])
    assert self_blending.make(str(tmp_path / "no.mp4"), found, *pair, np.random.default_rng(1))


@pytest.mark.parametrize("columns", [20, 60])  # fewer and more than rows
def test_the_experiments_ridge_regression_is_scikit_learns(columns):
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    pixels, fake = synthetic.faces(60, columns)
    train, test = np.arange(60) % 3 > 0, np.flatnonzero(np.arange(60) % 3 == 0)
    ours = blended.Ridge(pixels.astype(np.float32), train, test).scores(fake)
    scaler = StandardScaler().fit(pixels[train].astype(float))
    theirs = Ridge(blended.ALPHA).fit(scaler.transform(pixels[train]), 2.0 * fake[train] - 1)
    values = theirs.predict(scaler.transform(pixels[test]))
    assert ours == pytest.approx(values, abs=1e-3)


def test_the_experiment_scores_people_that_no_training_saw_and_knows_a_trace_from_none():
    """Blended clips that have the trace of the given ones teach it; others teach nothing."""
    rows, values, generator = [], [], np.random.default_rng(0)
    trace = np.where(np.arange(60) % 3 == 0, 1.5, 0)
    for person in range(24):
        for dataset in ("given", blended.DATASET):
            for label in ("real", "fake"):
                video = {"video_id": f"{dataset}{person}{label}", "label": label}
                rows += [video | {"group_id": f"g{person}", "dataset": dataset}] * 2
                values += [generator.normal(size=60) + trace * (label == "fake") for _ in range(2)]
    values = np.array(values, np.float32)
    one = blended.Experiment(rows, values, 1)
    for kind in blended.GIVEN, blended.BLENDED, blended.BOTH:
        for test, model in one.trained(kind, blended.GIVEN):
            people = {rows[number]["group_id"] for number in test}
            assert {rows[number]["dataset"] for number in test} == {"given"}
            assert people.isdisjoint(one.groups[model._train])
    lines = blended.judged(one, "made-up", 20, 1)
    assert [line[1] for line in lines] == ["given", "blended", "both"]
    for line in lines:
        assert float(line[4].split()[0]) > 0.9
        assert 0.3 < float(line[6]) < 0.7  # labels that say nothing
        assert float(line[8]) < 0.06
    mixed = np.array([row["dataset"] == blended.DATASET for row in rows])
    values[mixed] = np.random.default_rng(1).normal(size=(mixed.sum(), 60))
    _, nothing, _ = blended.judged(blended.Experiment(rows, values, 1), "made-up", 20, 1)
    assert float(nothing[4].split()[0]) < 0.8
    assert nothing[-1] < 0  # the lower end of its difference


def test_the_experiment_runs_from_clips_to_its_table(tmp_path, demo_clips):
    page = tmp_path / "page.md"
    page.write_text("<!-- blended real -->\n<!-- /blended real -->\n")
    words = ("--root", demo_clips, "--features", "noise", "--frames", 2, "--draws", 3)
    words += ("--folder", tmp_path / "kept", "--page", page)
    shown = benchmark("blended.py", *words, start=subprocess.run)  # it starts encoders
    assert [line[:4] for line in cells(shown)] == [
        ["noise", "given", "6", "6"], ["noise", "blended", "6", "6"], ["noise", "both", "12", "12"],
    ]  # fmt: skip
    assert "3 groups are fewer than 40: nothing is decided." in page.read_text()


@pytest.mark.parametrize("model", columns.PEERS)
def test_linear_models_in_the_columns_find_the_lowest_objective(model):
    made, fake = columns.rows(300, 40)
    best = columns.objective(model, columns.ours(model)(made, fake), made, fake)
    for solver in columns.PEERS[model]:
        other = columns.objective(model, columns.theirs(solver)(made, fake), made, fake)
        assert other >= best * (1 - 1e-7)
        if solver in ("RidgeClassifier", "LogisticRegression, tol 1e-8"):
            assert other <= best * (1 + 1e-6)


def test_the_table_of_linear_models_has_a_line_a_solver():
    shown = benchmark("columns.py", "--rows", 300, "--width", 40, "--model", "ridge")
    assert [line[:2] for line in cells(shown)] == [["ridge", "ours"], ["ridge", "RidgeClassifier"]]


def test_machines_by_landmarks_stand_beside_the_exact_one(tmp_path):
    words = "--rows", 300, "--held-out", 100, "--width", 40, "--folder", tmp_path
    exact, few, all_ = cells(benchmark("landmarks.py", *words, "--landmarks", 10, 300))
    assert (exact[0], few[0], all_[0]) == ("exact", "10 landmarks", "300 landmarks")
    assert exact[-2:] == ["0.000", "100.0%"]
    assert float(few[-2]) > float(all_[-2]) < 0.05


def test_planted_copies_are_all_found_and_the_growth_is_told():
    shown = benchmark("duplicates.py", "--rows", 1400, 2800)
    assert [row[:3] for row in cells(shown)] == [["1,400", "28", "0"], ["2,800", "56", "0"]]
    assert "CPU seconds grow as rows^" in shown


def test_the_rules_after_the_faces_run_on_made_up_vectors_and_go_on_where_they_stopped(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- large-lbp -->\n<!-- /large-lbp -->\n")
    words = ("--folder", tmp_path, "--rows", 4200, "--features", "lbp", "--models", "lda")
    words += ("--targets", "all", "results/run/shuffled.tsv")
    lines = {
        line[0]: line[1:]
        for line in cells(benchmark("large.py", *words, "--page", page, start=subprocess.run))
    }
    wanted = {"rows", "matrix", "split", "search lda", "fit lda", "summary", "report"}
    assert wanted | {"leakage_splits"} <= lines.keys()
    assert not {"frames", "faces", "features"} & lines.keys()  # no video is decoded
    assert lines["search lda"][:2] == ["4,200", "3"]
    assert float(lines["report"][4]) > 50  # MB that it held
    peaks = json.loads((tmp_path / "lbp-4200" / "peaks.json").read_text(encoding="utf-8"))
    assert {"rows", "split", "search lda", "fit lda", "summary", "report"} <= peaks.keys()
    assert peaks.keys() <= lines.keys()
    assert float(lines["all"][4]) == max(float(line[4]) for line in lines.values())
    assert "| report " in page.read_text()
    report = tmp_path / "lbp-4200" / "results" / "run" / "report.html"
    made = report.stat().st_mtime_ns
    benchmark("large.py", *words)
    assert report.stat().st_mtime_ns == made


def test_growth_is_told_of_each_rule_of_several_sizes():
    found = {
        rows: {"split": Used(jobs=1, seconds=rows / 100, used_mb=100 + rows / 2**10)}
        for rows in (1000, 4000)
    }
    each, growth = large.lines(found)
    assert [line[:2] for line in each] == [
        [rule, rows] for rule in ("split", "all") for rows in ("1,000", "4,000")
    ]
    assert growth == [[rule, "1.00", "1024"] for rule in ("split", "all")]
