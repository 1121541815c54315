"""The table, figure and page of what was left out: everything counted, leaky scores stamped."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deepfake.core import tables
from deepfake.evaluation import summary
from deepfake.report import figures, pages, transfer
from tests import browser
from tests.unit import made_up_run
from tests.unit.test_report import Scores

MODELS = {"svm": (0.6, 1.0), "forest": (0.7, 2.0)}
SWAP, TALK = "<b>swap $a$", "talk\u202e"  # names are data
LACKING = {"<i>lone": "no fake video can be in its test"}
NAMES = {"video": ("transfer-swap", SWAP, [TALK]), "grouped": ("transfer-talk", TALK, [SWAP])}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[list[dict], str]:
    """The rows and the page of two methods, one of them under a split that leaks."""
    folder = tmp_path_factory.mktemp("transfer")
    files = made_up_run.write(folder, protocols=tuple(NAMES), models=MODELS)
    records, audits = (
        [json.loads(Path(path).read_text()) for path in files[kind]]
        for kind in ("metrics", "audits")
    )
    for audit in audits:
        name, value, others = NAMES[audit["protocol"]]
        audit |= {"protocol": name, "cross": {"by": "method", "train": others, "test": [value]}}
    records = [record | {"protocol": NAMES[record["protocol"]][0]} for record in records]
    tests = [tables.read(path) for path in files["videos"]]
    rows = transfer.table(records, tests, audits, LACKING, "method", level=0.95)
    facts = transfer.facts(rows, records, audits, "made-up", "method", 0.95)
    page = pages.render("transfer.html", **facts)
    (folder / "transfer.html").write_text(page)
    for size in (browser.PHONE, browser.WIDE):
        with browser.opened(folder / "transfer.html", size) as opened:
            opened.assert_sound()
    return rows, page


def test_every_part_and_model_has_a_row_and_each_model_its_pooled_and_its_worst(made):
    rows, _ = made
    assert [(row["what"], row["model"]) for row in rows] == [
        ("part", "svm"), ("part", "forest"), ("part", "svm"), ("part", "forest"),
        ("pooled", "svm"), ("worst", "svm"), ("pooled", "forest"), ("worst", "forest"),
        ("not possible", ""),
    ]  # fmt: skip
    assert [row["left_out"] for row in rows[:4]] == [SWAP, SWAP, TALK, TALK]
    parts, pooled = rows[:4], [rows[4], rows[6]]
    for row in parts:
        assert row["train_rows"] == row["train_fake"] + row["train_real"] > 0
        assert row["folds_roc_auc"] > 0
    for row in [*parts, *pooled]:
        assert row["roc_auc_low"] < row["roc_auc"] < row["roc_auc_high"]
        assert 0 < row["found"] <= 1
        assert 0 < row["answered"] <= 1
        assert row["false_alarms_low"] < row["false_alarms_high"]
    for number, row in enumerate(pooled):
        mine = parts[number::2]
        assert row["fake"] == sum(part["fake"] for part in mine)
        weighted = sum(part["roc_auc"] * part["fake"] for part in mine) / row["fake"]
        assert row["roc_auc"] == pytest.approx(weighted)
        worst = rows[rows.index(row) + 1]
        assert worst["roc_auc"] == min(part["roc_auc"] for part in mine)
        assert worst["note"].startswith("the lowest ROC AUC of 2")


def test_what_cannot_be_left_out_says_why(made):
    rows, page = made
    assert rows[-1]["note"] == f"not possible: {LACKING['<i>lone']}"
    assert "<b>&lt;i&gt;lone</b>: not possible: no fake video can be in its test" in page


def test_names_of_the_sheet_are_only_text(made):
    _, page = made
    assert SWAP not in page
    assert "\u202e" not in page
    assert "&lt;b&gt;swap $a$: pixels svm" in page.split("<svg")[1].split("</svg>")[0]


def test_leaky_scores_are_stamped_and_what_is_pooled_of_them_too(made):
    rows, page = made
    assert [row["leaky"] for row in rows[:4]] == ["yes", "yes", "no", "no"]
    assert rows[4]["leaky"] == rows[6]["leaky"] == "yes"
    tables_ = [part.split("</tbody>")[0] for part in page.split("<tbody>")[1:3]]
    lines = [line for table in tables_ for line in table.split("</tr>")[:-1]]
    assert len(lines) == 8
    for line in lines:
        leaky = "swap" in line or "pooled" in line
        assert ("LEAKY" in line) == leaky
    assert Scores(page).unstamped()  # of the other method


def test_the_leak_audit_of_each_split_is_on_the_page(made):
    _, page = made
    audit = page[page.index("Leak audit of each split") :]
    assert "without &lt;b&gt;swap $a$ <span" in audit
    assert "Training and test hold different methods: training talk" in audit
    assert "Shared between training and test" in audit


def test_the_figure_is_a_file_of_its_own_too(made):
    rows, _ = made
    drawn = figures.standalone(transfer.figure(rows))
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "currentColor" not in drawn
    told = drawn.split('aria-label="')[1].split('"')[0]
    assert "pooled: pixels svm LEAKY" in told
    assert "fakes found" in told


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        ({}, "not possible: the sheet's column compression is empty"),
        (LACKING, "not possible: no fake video can be in its test"),
    ],
)
def test_a_sheet_that_can_leave_out_nothing_has_a_page_that_says_so(lacking, told):
    (row,) = transfer.table([], [], [], lacking, "compression", level=0.95)
    assert (row["what"], row["note"]) == ("not possible", told)
    facts = transfer.facts([row], [], [], "x", "compression", 0.95)
    page = pages.render("transfer.html", **facts)
    assert "Nothing of this sheet could be left out." in page
    assert told.replace("'", "&#39;") in page
    assert ElementTree.fromstring(figures.standalone(facts["figure"])).tag.endswith("svg")
    assert set(summary.COLUMNS[4:]) <= set(transfer.COLUMNS)
