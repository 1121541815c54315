"""The page of a run: what it must say, whatever the run was like."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake import archive, ledger, tables
from deepfake.report import charts, original, pages, run, samples
from tests import browser
from tests.unit import made_up_run

EVIL = "<img src=x onerror=alert(1)>"


def page(tmp_path, settings: dict | None = None, **how) -> str:
    files = made_up_run.write(tmp_path, **how)
    facts = run.facts(files, made_up_run.params(tmp_path, **(settings or {})))
    return pages.render("report.html", **facts)


def words(text: str) -> str:
    """What is written on a page, in one line."""
    return " ".join(re.sub(r"<style.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL).split())


class Scores(HTMLParser):
    """Every score on a page with the text of what it stands in: row, figure, details, paragraph."""

    HOLDERS = ("tr", "figure", "details", "p")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[list] = []
        self.found: list[tuple[str, list]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag in self.HOLDERS:
            self.open.append([tag, ""])

    def handle_endtag(self, tag):
        if tag in self.HOLDERS:
            assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for holder in self.open:
            holder[1] += data
        for score in re.findall(r"\b[01]\.\d{3}\b", data):
            self.found.append((score, list(self.open)))

    def unstamped(self) -> list[str]:
        return [s for s, holders in self.found if not any("LEAKY" in text for _, text in holders)]


def test_every_leaky_score_is_stamped(tmp_path):
    models = {"svm": (0.61, 1.0), "logistic": (0.62, 0.5), "forest": (0.63, 2.0)}
    found = Scores(page(tmp_path, protocols=("frame",), models=models))
    assert len(found.found) > 50
    assert found.unstamped() == []


def test_a_sound_score_is_not_stamped(tmp_path):
    text = page(tmp_path)
    assert len(Scores(text).unstamped()) > 10
    assert text.count("LEAKY") == len(original.RUNS)
    assert "Nothing that the sheet names is shared between training and test, and" in words(text)


def test_folds_that_leak_stamp_the_search_and_not_the_test(tmp_path):
    files = made_up_run.write(tmp_path)
    path = Path(files["audits"][0])
    audit = json.loads(path.read_text())
    audit["folds"]["donors"], audit["leaky_folds"] = 1, True
    audit["named"]["folds"]["donors"] = ["set:anna <b>"]
    path.write_text(json.dumps(audit))
    text = pages.render("report.html", **run.facts(files, made_up_run.params(tmp_path)))
    search, evaluation = text.split('id="search"')[1].split('id="evaluation"')
    assert Scores(search).unstamped() == []
    assert len(Scores(evaluation).unstamped()) > 3
    told = words(text)
    assert "Shared between one fold and the others: 1 clips whose face a fake of another" in told
    assert "folds share 1 donors: set:anna &lt;b&gt;" in told
    assert "The folds of the grouped split share people, clips or frames" in told


def test_the_page_says_how_often_the_test_was_scored(tmp_path):
    files = made_up_run.write(tmp_path)
    settings = made_up_run.params(tmp_path)
    assert "does not hold that the test" in run.facts(files, settings)["tests"][0]
    test = ledger.test_of("grouped", (r["video_id"] for r in tables.read(files["videos"][0])))
    entry = {"run": "made-up", "protocol": "grouped", "test": test, "rows": 9, "model": "svm"}
    entry |= {"candidate": "{}", "code": "", "features": "pixels"}
    for number, said in (
        (1, "once: pixels svm once. Once by a model"),
        (2, "2 times: pixels svm 2 times. Who"),
    ):
        ledger.add(settings["ledger"], entry)
        ledger.add(settings["ledger"], entry | {"test": "another"})
        text = words(pages.render("report.html", **run.facts(files, settings)))
        assert f"The test rows of the grouped split were scored {said}" in text, number


def test_feature_sets_stand_side_by_side_and_are_compared(tmp_path):
    models = {"svm": (0.61, 1.0), "forest": (0.63, 2.0)}
    sets = ["pixels", "lbp"]
    text = page(tmp_path, {"features": sets}, features=sets, models=models)
    rows = [words(row) for row in re.findall(r"<tr.*?</tr>", text, flags=re.DOTALL)]
    assert [row.split()[:4] for row in rows if row.startswith("grouped") and " videos " in row][
        :4
    ] == [["grouped", name, model, "videos"] for name in sets for model in models]
    (less,) = (row for row in rows if "less" not in row and "lbp forest pixels forest" in row)
    assert less == "grouped lbp forest pixels forest +0.000 [+0.00, +0.00]"  # the same scores
    assert "grouped split, pixels" in words(text)
    assert "grouped split, lbp" in words(text)
    ids = re.findall(r'<svg[^>]* id="([^"]*)"', text)
    assert len(set(ids)) == len(ids)


def test_the_headline_is_of_a_sound_split_and_chosen_on_the_folds(tmp_path):
    models = {"svm": (0.7, 0.0), "forest": (0.6, 9.0)}
    text = page(tmp_path, protocols=("frame", "grouped"), models=models)
    told = words(text[text.index("headline") : text.index("<nav")])
    assert (
        "of the grouped split, svm on pixels , the best on the folds, reaches a ROC AUC of" in told
    )
    assert re.search(r"\(\d+ fake , \d+ real \)", told)
    assert "LEAKY" not in told
    assert "always saying the larger class: 0.500" in told


def test_a_headline_of_a_leaky_split_alone_is_stamped(tmp_path):
    text = page(tmp_path, protocols=("frame",))
    told = words(text[text.index("headline") : text.index("<nav")])
    assert "LEAKY" in told
    assert "this tells nothing about new videos" in told


def test_a_headline_says_when_its_interval_reaches_chance(tmp_path):
    said = "the model may be no better than guessing"
    assert said in page(tmp_path, models={"svm": (0.6, 0.0)})
    assert said not in page(tmp_path, models={"svm": (0.6, 9.0)})


def test_a_skew_between_the_classes_is_warned_of_before_any_table(tmp_path):
    skewed = words(page(tmp_path, lost={"fake": 4}).split('id="summary"')[0])
    assert "The classes lose different shares (real 0.0%, fake 11.1%)" in skewed
    even = words(page(tmp_path, lost={"fake": 4, "real": 4}))
    assert "lose different shares" not in even
    assert "no face found 4 4" in even


def test_unknown_people_are_warned_of(tmp_path):
    text = words(page(tmp_path, known_people=False))
    assert "The people of 16 fake videos are unknown" in text
    assert "Nobody whom the sheet names" not in text
    assert "are unknown" not in words(page(tmp_path))


def test_one_class_in_the_test_is_undefined_and_never_nan(tmp_path):
    text = page(tmp_path, test_label="real")
    assert "The test of the grouped split has one class only." in text
    assert "an undefined ROC AUC" in words(text)
    assert "undefined: the test has one class only" in text
    assert not re.search(r"\b(nan|NaN|None)\b", words(text))


def test_an_undefined_fold_is_undefined_and_never_the_best(tmp_path):
    files = made_up_run.write(tmp_path)
    table = tables.read(files["search"][0])
    table[-1]["roc_auc"] = "nan"
    tables.write(table, files["search"][0], tuple(table[0]))
    facts = run.facts(files, made_up_run.params(tmp_path))
    text = pages.render("report.html", **facts)
    rows = [words(row) for row in re.findall(r"<tr.*?</tr>", text, flags=re.DOTALL)]
    (last,) = (row for row in rows if row.startswith("2 undefined"))
    assert last == "2 undefined undefined undefined 100.0"
    assert not re.search(r"\bnan\b", words(text))


@pytest.mark.parametrize(("groups", "interval"), [(10, False), (12, True)])
def test_a_test_of_few_groups_shows_no_interval_and_says_so(tmp_path, groups, interval):
    text = words(page(tmp_path, groups=groups))
    assert bool(re.search(r"\d\.\d{3} \[", text)) == interval
    assert ("groups: no interval" in text) != interval
    assert f"The test of the grouped split has {groups // 2} groups: " in text
    assert ("intervals over so few tend to be too narrow" in text) == interval


def test_long_lists_are_cut_with_a_statement(tmp_path):
    text = page(tmp_path, groups=150, candidates=120)
    assert "The first 50 of 120." in text
    assert re.search(r"The first 50 of 1\d\d\.", text)
    assert len(text) < 1_000_000


def test_a_name_is_text(tmp_path):
    text = page(tmp_path, name=EVIL + '"&amp;\u202e', lost={"fake": 3})
    assert EVIL not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "&#34;&amp;amp;" in text
    assert "\\u202e" in text


def test_no_face_is_shown_unless_it_is_asked_for(tmp_path):
    assert "data:image" not in page(tmp_path)
    files = made_up_run.write(tmp_path)
    crops = tmp_path / "b0001.tar"
    with archive.Writer(crops) as tar:
        for record in tables.read(files["records"][0]):
            stored = io.BytesIO()
            Image.new("RGB", (400, 300), (0, int(record["frame"]), 200)).save(stored, "PNG")
            tar.add(record["crop"], stored.getvalue())
    files["crops"] = [str(crops)]
    params = made_up_run.params(tmp_path, report={"sample_faces": 4})
    text = pages.render("report.html", **run.facts(files, params))
    assert text.count("data:image/jpeg") == 4
    assert "real 000.mp4, frame 1" in words(text)


@pytest.mark.parametrize("size", [browser.WIDE, browser.PHONE])
def test_a_page_full_of_evil_names_is_sound_in_a_browser(tmp_path, size):
    """Both splits, all models, more candidates than are shown, and everything unfolded."""
    models = {"svm": (0.61, 1.0), "logistic": (0.62, 0.5), "forest": (0.63, 2.0)}
    how = {"models": models, "protocols": ("grouped", "frame"), "lost": {"fake": 9}}
    text = page(tmp_path, {"run": "a" * 80}, name=EVIL, candidates=60, **how)
    file = tmp_path / "report.html"
    file.write_text(text.replace("<details", "<details open"), encoding="utf-8")
    with browser.opened(file, size) as seen:
        seen.assert_sound()
        assert EVIL in seen.text()
        assert seen.handle.locator("img").count() == 0
        seen.handle.emulate_media(media="print")
        if size == browser.WIDE:
            seen.handle.set_viewport_size({"width": 700, "height": 1000})  # of A4
            seen.assert_sound()


def test_a_fake_is_shown_beside_its_own_person():
    def row(video: str, label: str, target: str, group: str, frame: str = "0") -> dict:
        names = ("video_id", "label", "target_id", "group_id", "frame")
        return dict(zip(names, (video, label, target, group, frame), strict=True))

    rows = [row(f"f{n}", "fake", f"p{n}", "all") for n in (0, 1, 2)]
    rows += [row(f"r{n}", "real", f"p{n}", "all", f) for n in (2, 1, 0) for f in ("5", "0")]
    pairs = samples.choose(rows, 6)
    assert [(pair["fake"]["video_id"], pair["real"]["video_id"]) for pair in pairs] == [
        (f"f{n}", f"r{n}") for n in (0, 1, 2)
    ]
    assert all(pair["real"]["frame"] == "0" for pair in pairs)
    assert len(samples.choose(rows, 100)) == 3
    assert samples.choose(rows, 0) == samples.choose(rows[:3], 4) == []


def test_foreign_and_broken_benchmarks_do_not_break_the_page(tmp_path):
    assert "no benchmark file was found" in page(tmp_path)
    folder = tmp_path / "benchmarks"
    (folder / "search").mkdir(parents=True)
    record = {"s": 12.5, "cpu_time": 40, "max_rss": 300, "resources": {"mem_mb": 700}, "threads": 1}
    (folder / "search" / "grouped.svm.c000.0.jsonl").write_text(json.dumps(record) + "\n")
    (folder / "search" / "cut.jsonl").write_text('{"s": 1')
    (folder / "notes.jsonl").write_bytes(b"\xff\xfe not text")
    (folder / f"{EVIL}.jsonl").write_text(json.dumps(record | {"resources": 3, "max_rss": None}))
    (folder / "a.jsonl").write_text('[1, 2]\n"x"\n{}\n')
    text = page(tmp_path)
    assert EVIL not in text
    assert "search svm 1 40 12.5 300 700 0 1" in words(text)
    assert "svm 1 40 12.5 300 64" in words(text)  # by model, with the rows of the run
    assert "notes" not in words(text)


def test_the_originals_figures_are_never_set_beside_another_size_without_a_word(tmp_path):
    text = words(page(tmp_path))
    assert "This run: 64 rows of 307,200 features (pixels)" in text
    assert "The sizes differ, so these figures must not be divided by each other." in text
    assert "0.01, standardised 58,829 58,768 62,074 13,984 0.572 LEAKY" in text


def test_sentences_stand_apart(tmp_path):
    """A template's blocks eat the line breaks behind them."""
    for how in ({"models": {"svm": (0.6, 0.0)}}, {"test_label": "fake"}, {"protocols": ("frame",)}):
        text = page(tmp_path, groups=10, **how)
        for told in re.findall(r"<p.*?</p>", text, flags=re.DOTALL):
            assert not re.search(r"[a-z)][.:,;][A-Z(]|[a-z]\(", re.sub(r"<[^>]+>", "", told)), told


def test_the_originals_figures_agree_with_each_other():
    told = [run.accuracy for run in original.RUNS]
    assert np.round(told, 4).tolist() == [0.8531, 0.5717, 0.6511, 0.8563, 0.8515, 0.8677]
    for theirs in original.RUNS:
        fakes = sum(theirs.confusion[0]), sum(theirs.confusion[1])
        assert fakes == ((1756, 1740) if "0.25" in theirs.settings else (1415, 1382))
    assert list(original.BEST) == ["svm", "logistic", "forest"]


@pytest.mark.parametrize("rows", [2, 40, 5000])
def test_a_curve_has_the_area_that_is_told(rows):
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(0)
    fake = np.arange(rows) % 2 == 0
    values = np.round(generator.normal(size=rows) + fake, 1 if rows == 40 else 9)
    false, true = charts.roc_points(fake, values)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(roc_auc_score(fake, values), abs=2e-3)
    assert len(false) <= charts.POINTS + 1
