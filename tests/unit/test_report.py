"""The page of a run: what it must say, whatever the run was like."""

import io
import json
import pickle
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake.core import archive, tables
from deepfake.evaluation import ledger
from deepfake.preprocessing import face_record
from deepfake.report import abstention, charts, pages, run, samples, texts
from deepfake.workflow import published_results
from tests import browser
from tests.unit import made_up_run

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module", autouse=True)
def _each_figure_is_drawn_once() -> Iterator[None]:
    """Pages of these tests share most figures, and drawing them is what takes their time."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("roc", "calibration", "search", "learning", "dots"):
            patch.setattr(charts, name, drawn_once(getattr(charts, name)))
        patch.setattr(abstention, "_drawn", drawn_once(abstention._drawn))
        yield


def drawn_once(draw: Callable) -> Callable:
    """The same function, which keeps what it returned by the content of its arguments."""
    known: dict[bytes, object] = {}

    def drawn(*arguments):
        key = pickle.dumps(arguments)
        if key not in known:
            known[key] = draw(*arguments)
        return known[key]

    return drawn


def page(tmp_path, settings: dict | None = None, **how) -> str:
    files = made_up_run.write(tmp_path, **how)
    facts = run.facts(files, made_up_run.params(tmp_path, **(settings or {})))
    return pages.render("report.html", **facts)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> str:
    """The page of a run without anything peculiar."""
    return page(tmp_path_factory.mktemp("plain"))


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


def test_a_candidate_that_did_not_finish_is_marked(tmp_path):
    files = made_up_run.write(tmp_path)
    (path,) = files["search"]
    found = [dict(row) for row in tables.read(path)]
    for row in found:
        stopped = (row["candidate"], row["fold"]) == ("1", "1")
        row["note"] = "did not converge: so far" if stopped else ""
    tables.write(found, path, list(found[0]))
    text = pages.render("report.html", **run.facts(files, made_up_run.params(tmp_path)))
    assert words(text).count("fold 1: did not converge: so far") == 1
    best = Path(files["best"][0])
    record = json.loads(best.read_text(encoding="utf-8")) | {"note": "fold 0: stopped"}
    best.write_text(json.dumps(record), encoding="utf-8")
    text = pages.render("report.html", **run.facts(files, made_up_run.params(tmp_path)))
    expected = texts.NO_CANDIDATE.format(
        model="svm", features="pixels", protocol="grouped", reason="fold 0: stopped"
    )
    assert expected in words(text)


def test_an_audit_says_that_people_are_known_by_name_alone(plain):
    assert "one person with two names is not detected" in words(plain)


def test_a_networks_learning_curves_are_those_of_its_split_and_best_candidate(tmp_path):
    models = {"svm": (0.61, 1.0), "mesonet": (0.62, 0.5)}
    text = page(tmp_path, protocols=("grouped", "frame"), models=models)
    told = "training loss ends at 0.250 after 4 epochs; the best number of epochs on the folds is 1"
    assert text.count(told) == 2
    assert text.count("learning curves of the\nbest candidate") == 2
    found = run.read(made_up_run.write(tmp_path, protocols=("grouped", "frame"), models=models))
    curves = {(r.protocol, r.model): [c[0]["protocol"] for c in r.curves] for r in found}
    assert curves == {
        (protocol, model): [protocol] * 2 if model == "mesonet" else []
        for protocol in ("grouped", "frame")
        for model in models
    }


def test_a_sound_score_is_not_stamped(plain):
    assert len(Scores(plain).unstamped()) > 10
    assert plain.count("LEAKY") == len(published_results.RUNS)
    assert texts.NOTHING_SHARED.format(sides=texts.SIDES["test"]) in words(plain)


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
    assert f"1 {texts.SHARED_THINGS['donors']}" in told
    assert "folds share 1 source clips: set:anna &lt;b&gt;" in told
    assert texts.LEAKY_FOLDS.format(protocol="grouped") in told


def test_the_page_says_how_often_the_test_was_scored(tmp_path):
    files = made_up_run.write(tmp_path)
    settings = made_up_run.params(tmp_path)
    assert "No recorded test evaluation" in run.facts(files, settings)["tests"][0]
    test = ledger.test_of("grouped", (r["video_id"] for r in tables.read(files["videos"][0])))
    entry = {"run": "made-up", "protocol": "grouped", "test": test, "rows": 9, "model": "svm"}
    entry |= {"candidate": "{}", "code": "", "features": "pixels"}
    for number, said in (
        (1, "once: pixels svm once. Each model"),
        (2, "2 times: pixels svm 2 times. Changes"),
    ):
        ledger.append(settings["ledger"], entry)
        ledger.append(settings["ledger"], entry | {"test": "another"})
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
    assert less == "grouped lbp forest pixels forest +0.000 [-0.07, +0.07]"  # the same scores
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
    assert "always predicting the larger class: 0.500" in told


def test_a_headline_of_a_leaky_split_alone_is_stamped(tmp_path):
    text = page(tmp_path, protocols=("frame",))
    told = words(text[text.index("headline") : text.index("<nav")])
    assert "LEAKY" in told
    assert "this says nothing about new videos" in told


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


def test_unknown_people_are_warned_of(tmp_path, plain):
    text = words(page(tmp_path, known_people=False))
    assert texts.UNKNOWN_PEOPLE.format(videos=16) in text
    assert "No person named in the sheet" not in text
    assert "are unknown" not in words(plain)


def test_one_class_in_the_test_is_undefined_and_never_nan(tmp_path):
    text = page(tmp_path, test_label="real")
    assert texts.ONE_CLASS.format(protocol="grouped") in text
    assert "an undefined ROC AUC" in words(text)
    assert "undefined: the test has one class only" in text
    assert not re.search(r"\b(nan|NaN|None)\b", words(text))


def test_an_undefined_fold_is_undefined_and_never_the_best(tmp_path):
    files = made_up_run.write(tmp_path)
    table = [dict(row) for row in tables.read(files["search"][0])]
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
    assert ("too few for intervals" in text) != interval
    assert f"The test of the grouped split has {groups // 2} groups: " in text
    few = texts.FEW_GROUPS.format(protocol="grouped", groups=texts.groups(groups // 2))
    assert (few in text) == interval


def test_long_lists_are_cut_with_a_statement(tmp_path):
    text = page(tmp_path, groups=150, candidates=120)
    assert texts.FIRST_ROWS.format(limit=50, count=120) in text
    assert re.search(r"The first 50 of 1\d\d\.", text)
    assert len(text) < 1_000_000


def test_a_name_is_text(tmp_path):
    text = page(tmp_path, name=EVIL + '"&amp;\u202e', lost={"fake": 3})
    assert EVIL not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "&#34;&amp;amp;" in text
    assert "\\u202e" in text


def test_no_face_is_shown_unless_it_is_asked_for(tmp_path, plain):
    assert "data:image" not in plain
    files = made_up_run.write(tmp_path)
    crops = tmp_path / "b0001.tar"
    with archive.Writer(crops) as tar:
        for record in tables.read(files["records"][0]):
            stored = io.BytesIO()
            Image.new("RGB", (400, 300), (0, int(record["frame"]), 200)).save(stored, "PNG")
            tar.add(face_record.crop_name(record["crop_row"]), stored.getvalue())
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


def test_foreign_and_broken_benchmarks_do_not_break_the_page(tmp_path, plain):
    assert "no benchmark file was found" in plain
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
    assert "search svm 1 12.5 40 12.5 300 700 0 1" in words(text)
    assert "svm 1 12.5 40 12.5 300 64" in words(text)  # by model, with the rows of the run
    assert "notes" not in words(text)
    assert "the longest chain of jobs is not known" in words(text)


def test_the_critical_path_stands_beside_what_the_rules_took(tmp_path):
    """With a word where a record is gone."""
    files = made_up_run.write(tmp_path)
    made = Path(files["rows"][0])
    jobs = {"faces": ({"batch": "b1"}, ["faces/b1.npy"], 9.0), "rows": ({}, [made.name], 2.5)}
    for rule, (wildcards, _, seconds) in jobs.items():
        inputs = {str(tmp_path / "faces/b1.npy"): 1.0} if rule == "rows" else {}
        record = {"s": seconds, "rule_name": rule, "wildcards": wildcards, "input_size_mb": inputs}
        path = tmp_path / "benchmarks" / f"{rule}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record))
    settings = made_up_run.params(tmp_path)
    settings["outputs"] = {rule: [str(tmp_path / made[0])] for rule, (_, made, _) in jobs.items()}
    facts = run.facts(files, settings)
    text = words(pages.render("report.html", **facts))
    assert "sum to the most: 11.5 s of the 11.5 s of all jobs" in text
    assert "job run s so far faces b1 9.0 9.0 rows 2.5 11.5" in text
    rows = facts["resources"]["table"]
    assert [tuple(row) for row in rows] == [run.USAGE_COLUMNS] * 2
    assert [row["critical_path_seconds"] for row in rows] == [9.0, 2.5]
    assert [row["cpu_seconds"] for row in rows] == [0.0, 0.0]
    (tmp_path / "benchmarks" / "faces.jsonl").unlink()
    facts = run.facts(files, settings)
    assert str(tmp_path / "faces/b1.npy") in facts["resources"]["path"].lacking
    text = words(pages.render("report.html", **facts))
    assert "that jobs read have no benchmark record of the job that made them" in text


def test_the_originals_figures_are_never_set_beside_another_size_without_a_word(plain):
    text = words(plain)
    assert "This run: 64 rows of 307,200 features (pixels)" in text
    assert "The sizes differ: do not compare these figures." in text
    assert "0.01, standardised 58,829 58,768 62,074 13,984 0.572 LEAKY" in text


def test_sentences_stand_apart(tmp_path):
    """A template's blocks eat the line breaks behind them."""
    for how in ({"models": {"svm": (0.6, 0.0)}}, {"test_label": "fake"}, {"protocols": ("frame",)}):
        text = page(tmp_path, groups=10, **how)
        for told in re.findall(r"<p.*?</p>", text, flags=re.DOTALL):
            assert not re.search(r"[a-z)][.:,;][A-Z(]|[a-z]\(", re.sub(r"<[^>]+>", "", told)), told


def test_the_originals_figures_agree_with_each_other():
    told = [run.accuracy for run in published_results.RUNS]
    assert np.round(told, 4).tolist() == [0.8531, 0.5717, 0.6511, 0.8563, 0.8515, 0.8677]
    for theirs in published_results.RUNS:
        fakes = sum(theirs.confusion[0]), sum(theirs.confusion[1])
        assert fakes == ((1756, 1740) if "0.25" in theirs.settings else (1415, 1382))
    assert list(published_results.BEST) == ["svm", "logistic", "forest"]


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


@pytest.mark.parametrize(("skill", "hardly"), [(0.1, True), (9.0, False)])
def test_a_model_that_barely_beats_an_untrained_number_says_so_in_the_headline(
    tmp_path, skill, hardly
):
    text = words(page(tmp_path, models={"svm": (0.6, skill)}))
    headline = text.partition(" Warnings ")[0].partition(" Summary ")[0]
    told = "It is hardly better than the sharpness of the face alone, which needs no training."
    assert (told in headline) == hardly
    assert "sharpness of the face, fakes have less" in text
    assert "luma noise of the face minus that of the ring around it, fakes have" in text


@pytest.mark.parametrize(
    ("of_class", "largest", "expected"),
    [
        ((40, 40), 1, []),
        ((29, 40), 1, ["fake videos of the test of the grouped split are of 29 groups"]),
        ((40, 8), 1, ["real videos of the test of the grouped split are of 8 groups"]),
        ((35, 35), 29, []),
        ((35, 35), 31, ["One group holds 31% of the videos"]),
    ],
)
def test_a_large_group_and_few_groups_of_a_class_are_warned_of(of_class, largest, expected):
    """Classes in groups of their own, of a video each, but for the first."""
    both = zip(("fake", "real"), of_class, strict=True)
    groups = [(label, f"{label}{number}") for label, count in both for number in range(count)]
    groups += [groups[0]] * (largest - 1)
    videos = [{"label": label, "group_id": group} for label, group in groups]
    found = run._group_warnings("grouped", videos, many=True)
    assert len(found) == len(expected)
    assert all(part in line for part, line in zip(expected, found, strict=True))
