"""The original experiment: its published figures, and its section on the page of a run."""

import json
import re
from pathlib import Path

import pytest

from deepfake.core import schema
from deepfake.evaluation import metrics
from deepfake.report import experiment, pages, results, run
from deepfake.workflow import config, published_results
from deepfake.workflow.plan import Plan
from tests import browser
from tests.unit import made_up_run
from tests.unit.test_report import Scores, words

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config" / "original.yaml"
MODELS = {"forest": (0.7, 1.0)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("original")


@pytest.fixture(scope="module")
def page(folder) -> str:
    files = made_up_run.write(folder, protocols=("frame",), models=MODELS, published=True)
    jobs = folder / "benchmarks"
    for name, seconds in (("original_run/svm-1", 61.5), ("search/frame.forest.c000.0", 7.25),
                          ("fit/frame.forest", 20.0), ("gram/frame.none.all", 5.0)):  # fmt: skip
        (jobs / name).parent.mkdir(parents=True, exist_ok=True)
        record = {"s": seconds, "cpu_time": 2 * seconds, "max_rss": 900}
        (jobs / f"{name}.jsonl").write_text(json.dumps(record))
    settings = made_up_run.params(
        folder,
        seed=42,
        split={"protocols": ["frame"], "test_size": 0.5, "folds": {"k": 5}},
        sweep={"forest": {}},
        report={"original": True},
    )
    return pages.render("report.html", **run.facts(files, settings))


def section(page: str) -> str:
    return page.split('<h2 id="original">')[1].split("<h2")[0]


def test_the_published_figures_are_those_of_its_reports():
    """Counts that its split must give, and accuracies as it printed them."""
    tests = [tuple(map(sum, one.confusion)) for one in published_results.RUNS]
    assert tests == [(1415, 1382)] * 4 + [(1756, 1740), (1415, 1382)]
    told = ["0.8531", "0.5717", "0.6511", "0.8563", "0.8515", "0.8677"]
    assert [f"{one.accuracy:.4f}" for one in published_results.RUNS] == told


def test_a_classification_report_follows_from_the_confusion_matrix():
    classes = metrics.classes(published_results.RUNS[0].confusion)
    assert {k: round(v, 2) for k, v in classes["fake"].items()} == {
        "precision": 0.89, "recall": 0.81, "f1": 0.85, "support": 1415,
    }  # fmt: skip
    assert classes["real"]["support"] == 1382


def test_the_section_sets_every_published_run_beside_ours(page):
    text = section(page)
    told = words(text)
    for one in published_results.RUNS:
        assert f"{one.model}, {one.settings}" in told
        assert all(f"<b>{count:,}</b>" in text for row in one.confusion for count in row)
        assert f"{one.cpu_seconds:,}" in told
        assert f"{one.memory_mb:,}" in told
    assert text.count("repeated, frames") == len(published_results.RUNS)
    assert text.count("<b>") > 0
    assert "1 trees chosen in this run" in told


def test_time_and_memory_of_ours_are_those_of_its_jobs(page):
    rows = [words(line) for line in section(page).split("<tr>")]
    (svm,) = (row for row in rows if row.startswith("svm, RBF, C = 1,") and "43,616" in row)
    assert svm.endswith("43,616 123 43,579 62 63,202 900")
    (searched,) = (row for row in rows if "45,012" in row)
    assert "45,012 54 45,045 20 16,800 900" in searched  # of all its jobs, of the longest
    assert any(row.startswith("inner products") and "10 5 900" in row for row in rows)


def test_every_score_of_the_section_is_stamped(page):
    found = Scores(section(page))
    assert len(found.found) > 60
    assert found.unstamped() == []


def test_every_step_that_differs_is_listed_by_name(page):
    told = words(section(page))
    for name, sentence in published_results.DIFFERENCES.items():
        assert f"{name} : {sentence}".replace("'", "&#39;") in told
    assert "split.test_size: 0.5 here, 0.2 there" in told
    assert "split.folds.k: 5 here, and in its text, 3 there" in told
    assert "faces.jpeg_quality: None here, 75 there" in told
    assert (
        "The data are not the original&#39;s" in told or "The data are not the original's" in told
    )


def test_the_page_with_the_section_is_sound_in_a_browser(folder, page):
    (folder / "report.html").write_text(page)
    with browser.opened(folder / "report.html", browser.PHONE) as opened:
        opened.assert_sound()
        assert "The original experiment" in opened.text()


def test_a_run_that_does_not_repeat_it_has_no_section(tmp_path):
    files = made_up_run.write(tmp_path)
    text = pages.render("report.html", **run.facts(files, made_up_run.params(tmp_path)))
    assert 'id="original"' not in text
    assert experiment.facts([], results.read(files), tmp_path, {}) is None


def test_the_shipped_configuration_is_the_originals():
    values = schema.read_yaml(SHIPPED)
    shipped = config.load(values, "original")
    assert list(published_results.deviations(config.deciding(shipped))) == []
    listed = re.search(r"published_results\.json:\n# (.*)\.\n", SHIPPED.read_text())
    assert listed[1].split(", ") == list(published_results.DIFFERENCES)


@pytest.mark.parametrize("path", sorted(published_results.SETTINGS))
def test_a_changed_setting_is_a_deviation(path):
    shipped = config.deciding(config.load(schema.read_yaml(SHIPPED), "original"))
    here = shipped
    *sections, last = path.split(".")
    for name in sections:
        here = here[name]
    here[last] = "another"
    (told,) = published_results.deviations(shipped)
    assert told.startswith(f"{path}: another here, ")


def overridden(line: str) -> config.Config:
    """The shipped configuration with the words of a line of its header, as Snakemake takes them."""
    from snakemake.cli import parse_config
    from snakemake.utils import update_config

    values = schema.read_yaml(SHIPPED)
    update_config(values, parse_config(re.findall(r"'([^']+)'", line)))
    return config.load(values, "original")


def test_the_header_tells_how_the_other_search_and_the_small_experiment_are_run():
    searched, small = (overridden(line) for line in SHIPPED.read_text().splitlines()
                       if line.startswith("#   --config"))  # fmt: skip
    found = list(published_results.deviations(config.deciding(searched)))
    assert len(found) == len(published_results.SEARCH_IN_TEXT) == 2
    assert all("here, and in its text, " in line for line in found)
    (told,) = published_results.deviations(config.deciding(small))
    assert told == "split.rows.every: 7 here, 1 there"


def test_its_six_runs_are_five_jobs_and_the_runs_own_forest():
    videos = [
        {"video_id": f"v{n}", "path": "x", "label": "real", "batch": "b"} for n in range(2000)
    ]
    plan = Plan(config.load(schema.read_yaml(SHIPPED), "original"), videos)
    jobs = list(plan.jobs())
    repeated = [job["published"] for rule, job in jobs if rule == "original_run"]
    assert repeated == [
        one.name for one in published_results.RUNS if one.name != published_results.SEARCHED
    ]
    grams = {(job["scaling"], job["fold"]) for rule, job in jobs if rule == "gram"}
    assert grams == {("standard", "all"), ("none", "all")}
    assert all(plan.mem_mb("original_run", job) < 17_317 for rule, job in jobs
               if rule == "original_run")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "formulas"),
    [
        ("svm-0.01", ["svm fit", "svm evaluate"]),
        ("logistic", ["logistic", "evaluate"]),
        ("forest-100-25", ["forest", "evaluate"]),
    ],
)
def test_a_repeated_run_asks_for_what_its_fit_and_its_test_need(name, formulas):
    settings = {"sweep": {"ridge": {}}, "report": {"original": True}}
    plan = Plan(config.load(settings | {"split": {"protocols": ["frame"]}}, "x"), [])
    assert plan.formulas("original_run", {"published": name}) == formulas


def test_a_repeated_runs_settings_are_those_that_a_sweep_gives():
    for one in published_results.REPEATED.values():
        grid = {name: [value] for name, value in one.candidate.items()}
        made = config.load({"sweep": {one.model: grid}}, "original")
        plan = Plan(made, [])
        assert plan.candidates[one.model] == [one.candidate]


def test_it_needs_the_frame_split():
    with pytest.raises(config.ConfigError, match=r"report\.original needs frame among"):
        config.load({"sweep": {"forest": {}}, "report": {"original": True}}, "x")
