"""Published experiments: their figures, and their sections on the page of a run."""

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

from deepfake.core import schema
from deepfake.evaluation import metrics
from deepfake.report import pages, published, results, run
from deepfake.workflow import config, published_results
from deepfake.workflow.plan import Plan
from tests import browser
from tests.unit import made_up_run
from tests.unit.test_report import Scores, words

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config" / "original.yaml"
MODELS = {"forest": (0.7, 1.0)}


PAPER = published_results.EXPERIMENTS["abdali"]
CONFIGS = {name: ROOT / "config" / f"{name}.yaml" for name in published_results.EXPERIMENTS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("original")


@pytest.fixture(scope="module")
def page(folder) -> str:
    files = made_up_run.write(folder, protocols=("frame",), models=MODELS, published="original")
    jobs = folder / "benchmarks"
    for name, seconds in (
        ("published_run/pixels.frame/svm-1", 61.5),
        ("search/frame.forest.c000.0", 7.25),
        ("fit/frame.forest", 20.0),
        ("gram/frame.none.all", 5.0),
    ):
        (jobs / name).parent.mkdir(parents=True, exist_ok=True)
        record = {"s": seconds, "cpu_time": 2 * seconds, "max_rss": 900}
        (jobs / f"{name}.jsonl").write_text(json.dumps(record))
    settings = made_up_run.params(
        folder,
        seed=42,
        split={"protocols": ["frame"], "test_size": 0.5, "folds": {"k": 5}},
        sweep={"forest": {}},
        report={"published": ["original"]},
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
    for name, sentence in published_results.ORIGINAL.differences.items():
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
    assert published.facts([], results.read(files), tmp_path, {}) == []


@pytest.mark.parametrize("name", CONFIGS)
def test_a_shipped_configuration_is_that_of_its_experiment(name):
    experiment, values = published_results.EXPERIMENTS[name], schema.read_yaml(CONFIGS[name])
    shipped = config.load(values, name)
    assert shipped.report.published == [name]
    assert list(experiment.deviations(config.deciding(shipped))) == []
    listed = re.search(r"published_results\.json:\n((# .*\n)+?)\S", CONFIGS[name].read_text())
    words = " ".join(listed[1].replace("#", "").split())
    assert words.rstrip(".").split(", ") == list(experiment.differences)


@pytest.mark.parametrize("path", sorted(published_results.ORIGINAL.settings))
def test_a_changed_setting_is_a_deviation(path):
    shipped = config.deciding(config.load(schema.read_yaml(SHIPPED), "original"))
    here = shipped
    *sections, last = path.split(".")
    for name in sections:
        here = here[name]
    here[last] = "another"
    (told,) = published_results.ORIGINAL.deviations(shipped)
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
    found = list(published_results.ORIGINAL.deviations(config.deciding(searched)))
    assert len(found) == len(published_results.ORIGINAL.settings_in_article) == 2
    assert all("here, and in its text, " in line for line in found)
    (told,) = published_results.ORIGINAL.deviations(config.deciding(small))
    assert told == "split.rows.every: 7 here, 1 there"


def test_its_six_runs_are_five_jobs_and_the_runs_own_forest():
    videos = [
        {"video_id": f"v{n}", "path": "x", "label": "real", "batch": "b"} for n in range(2000)
    ]
    plan = Plan(config.load(schema.read_yaml(SHIPPED), "original"), videos)
    jobs = list(plan.jobs())
    repeated = [job["published"] for rule, job in jobs if rule == "published_run"]
    assert repeated == [
        one.name for one in published_results.RUNS if one.name != published_results.SEARCHED
    ]
    grams = {(job["scaling"], job["fold"]) for rule, job in jobs if rule == "gram"}
    assert grams == {("standard", "all"), ("none", "all")}
    assert all(plan.mem_mb("published_run", job) < 17_317 for rule, job in jobs
               if rule == "published_run")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "formulas"),
    [
        ("svm-0.01", ["svm fit", "svm evaluate"]),
        ("logistic", ["logistic", "evaluate"]),
        ("forest-100-25", ["forest", "forest evaluate"]),
    ],
)
def test_a_repeated_run_asks_for_what_its_fit_and_its_test_need(name, formulas):
    settings = {"sweep": {"ridge": {}}, "report": {"published": "original"}}
    plan = Plan(config.load(settings | {"split": {"protocols": ["frame"]}}, "x"), [])
    assert plan.formulas("published_run", {"published": name}) == formulas


def test_a_repeated_runs_settings_are_those_that_a_sweep_gives():
    for one in published_results.ORIGINAL.repeated().values():
        grid = {name: [value] for name, value in one.candidate.items()}
        made = config.load({"sweep": {one.model: grid}}, "original")
        plan = Plan(made, [])
        assert plan.candidates[one.model] == [one.candidate]


@pytest.mark.parametrize(
    ("settings", "lacks"),
    [
        ({"report": {"published": "original"}}, "original needs frame among split"),
        ({"report": {"published": "abdali"}}, "abdali needs official among split"),
        (
            {"report": {"published": "abdali"}, "split": {"protocols": "official"}},
            "abdali needs ring among features",
        ),
    ],
)
def test_an_experiment_needs_its_split_and_its_feature_set(settings, lacks):
    with pytest.raises(config.ConfigError, match=rf"report\.published: {lacks}"):
        config.load({"sweep": {"forest": {}}} | settings, "x")


def test_the_key_that_it_was_is_refused_with_the_new_one():
    with pytest.raises(
        config.ConfigError, match=r"report\.original: .*it is report\.published now"
    ):
        config.load({"sweep": {"forest": {}}, "report": {"original": True}}, "x")


# Abdali, Vasilescu and Papalexakis 2021.


def test_the_papers_counts_are_of_its_test_and_give_its_accuracies():
    known = [one for one in PAPER.runs if one.confusion]
    assert all(tuple(map(sum, one.confusion)) == (140, 140) for one in known)
    told = ["0.7107", "0.7143", "0.6786", "0.7536", "0.7143", "0.8179", "0.8214", "0.7857"]
    assert [f"{one.accuracy:.4f}" for one in known] == told
    (unsure,) = (one for one in PAPER.runs if not one.confusion)
    assert (unsure.name, bool(unsure.note)) == ("components-2161-3600", True)


def test_its_ranges_are_those_that_the_shipped_run_searches():
    shipped = config.load(schema.read_yaml(CONFIGS["abdali"]), "abdali")
    candidates = Plan(shipped, []).candidates["multilinear"]
    assert len(PAPER.runs) == len(candidates) == 9
    for one in PAPER.runs:
        assert one.candidate in candidates
        first, last = (Fraction(share) * 5040 for share in one.candidate["components"].split("-"))
        assert one.name == f"components-{first + 1}-{last}"
        assert one.settings == f"components {first + 1} to {last} of 5040"


@pytest.fixture(scope="module")
def papers_page(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("abdali")
    made = {"models": {"multilinear": (0.7, 1.0)}, "features": ("ring",)}
    files = made_up_run.write(folder, published="abdali", **made)
    settings = made_up_run.params(
        folder, features=["ring"], split={"protocols": ["official"]}, sweep={"multilinear": {}},
        report={"published": ["abdali"]},
    )  # fmt: skip
    return pages.render("report.html", **run.facts(files, settings))


def test_the_papers_table_stands_beside_ours_by_video(papers_page):
    text = papers_page.split('<h2 id="abdali">')[1].split("<h2")[0]
    told = words(text)
    for one in PAPER.runs:
        assert f"multilinear, {one.settings}" in told
        if one.confusion:
            assert f"{one.accuracy:.3f}" in told
            assert all(f"<b>{count}</b>" in text for row in one.confusion for count in row)
    assert text.count("published, videos") == 8
    assert text.count("repeated, videos") == 9
    assert "are not shown: its counts and its accuracy contradict each other" in told
    assert "multilinear, components 2161 to 3600 of 5040 not shown" in told
    assert "<b>122</b>" not in text
    assert "CPU" not in told
    assert "LEAKY" not in told  # as the repeated runs are not
    assert "has 8 fake and 8 real videos , the published one 140 and 140. Do not compare" in told
    assert "no result" not in told
    for name, sentence in PAPER.differences.items():
        assert f"{name} : {sentence}".replace("'", "&#39;") in told
    assert "evaluation.threshold: equal_error here, model there" in told


def test_a_test_of_too_few_groups_is_said_to_be_no_result(tmp_path):
    made = {"models": {"multilinear": (0.7, 1.0)}, "features": ("ring",), "groups": 4}
    files = made_up_run.write(tmp_path, published="abdali", **made)
    loaded = results.read(files)
    (found,) = published.facts(files["published"], loaded, tmp_path, {})
    assert found["sizes"] == {"published": [140, 140], "here": [2, 2], "few": True}


def test_the_header_of_the_paper_in_the_page_links_to_its_section(papers_page):
    assert f'<a href="#abdali">{PAPER.title}</a>' in papers_page
