"""The table, figure and page of the leak's ablation: everything counted, leaky scores stamped."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deepfake.report import figures, leakage, pages
from tests import browser
from tests.unit import made_up_run
from tests.unit.test_report import Scores

LACKING = {"equal-official": "official split: no video <b>has a part</b>"}
MODELS = {"svm": (0.6, 1.0), "forest": (0.7, 2.0)}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[list[dict], str]:
    """The rows and the page of two splits and one that could not be made."""
    folder = tmp_path_factory.mktemp("leakage")
    files = made_up_run.write(folder, protocols=("frame", "grouped"), models=MODELS)
    audits, records = (
        [json.loads(Path(path).read_text()) for path in files[name]]
        for name in ("audits", "metrics")
    )
    names = ["equal-frame", "equal-frame", "shuffled-grouped", "shuffled-grouped"]
    audits = [audit for audit in audits for _ in MODELS]
    rows = leakage.table(names, records, audits, LACKING)
    page = pages.render("leakage.html", **leakage.facts(rows, records, "made-up"))
    (folder / "leakage.html").write_text(page)
    with browser.opened(folder / "leakage.html", browser.PHONE) as opened:
        opened.assert_sound()
    return rows, page


def test_every_split_and_model_has_a_row_by_frame_and_by_video(made):
    rows, _ = made
    assert all(set(row) == set(leakage.COLUMNS) for row in rows)
    assert [(row["labels"], row["protocol"], row["model"], row["unit"]) for row in rows] == [
        (labels, protocol, model, unit)
        for labels, protocol in (("true", "frame"), ("shuffled", "grouped"))
        for model in MODELS
        for unit in ("frames", "videos")
    ] + [("true", "official", "", "")]
    for row in rows[:-1]:
        assert row["train_rows"] == row["train_fake"] + row["train_real"] > 0
        assert 0.5 <= row["baseline"] < 0.6
        assert row["roc_auc_low"] < row["roc_auc"] < row["roc_auc_high"]


def test_a_split_that_is_not_possible_says_why(made):
    rows, page = made
    assert rows[-1]["note"] == f"not possible: {LACKING['equal-official']}"
    assert "not possible: official split: no video &lt;b&gt;has a part&lt;/b&gt;" in page


def test_leaky_scores_are_stamped_and_the_others_are_not(made):
    rows, page = made
    assert [row["leaky"] for row in rows[:-1]] == ["yes"] * 4 + ["no"] * 4
    table = page.split("<tbody>")[1].split("</tbody>")[0].split("</tr>")
    stamped = ["LEAKY" in line for line in table if "frame" in line or "video" in line]
    assert stamped == [True] * 4 + [False] * 5
    assert Scores(page).unstamped()  # of the grouped split


def test_the_figure_stamps_what_leaks_and_tells_the_labels(made):
    _, page = made
    figure = page.split("<svg")[1].split("</svg>")[0]
    assert figure.count("frame: pixels svm LEAKY") >= 1
    assert "grouped, shuffled: pixels forest" in figure
    assert "grouped, shuffled: pixels forest LEAKY" not in figure


def test_the_figure_is_a_file_of_its_own_too(made):
    rows, _ = made
    drawn = figures.standalone(leakage.figure(rows[:-1]))
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "currentColor" not in drawn
