"""The table, figure and page of perturbed clips: everything counted, leaky scores stamped."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deepfake.core import tables
from deepfake.evaluation import robustness as judging
from deepfake.evaluation import summary
from deepfake.report import charts, figures, pages, robustness
from tests import browser
from tests.unit import made_up_run
from tests.unit.test_report import Scores

MODELS = {"svm": (0.6, 1.0), "forest": (0.7, 2.0)}
PERTURBATIONS = [("crf", 23.0), ("crf", 40.0), ("scale", 0.5), ("scale", 0.25),
                 ("brightness", 0.5), ("brightness", 2.0), ("mirror", 1.0)]  # fmt: skip
HEAD = {"level": 0.95, "threshold": {"aim": "model", "source": "folds"}}
BLIND = ("scale", 0.25)  # nothing is left to score any more


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[list[dict], str]:
    """The rows and the page of two models on a split that leaks and one that does not."""
    folder = tmp_path_factory.mktemp("robustness")
    files = made_up_run.write(
        folder, protocols=("video", "grouped"), models=MODELS, features=("pixels", "residuals")
    )
    records = []
    for metrics, frames, videos in zip(
        files["metrics"], files["frames"], files["videos"], strict=True
    ):
        record = json.loads(Path(metrics).read_text())

        before = {"frames": tables.read(frames), "videos": tables.read(videos)}
        found = {
            perturbation: [
                row | {"score": float(row["score"]) - number / 10}
                for row in before["frames"]
                if perturbation != BLIND
            ]
            for number, perturbation in enumerate(PERTURBATIONS)
        }
        calibration = {"slope": 1.0, "intercept": 0.0, "trim": 0.25}
        judged = judging.compare(found, before, record, calibration, **made_up_run.HOW)
        records.append(record | {"perturbations": judged})
    rows = robustness.table(records)
    facts = robustness.facts(rows, records, "made-up", {})
    page = pages.render("robustness.html", **facts)
    (folder / "robustness.html").write_text(page)
    for size in (browser.PHONE, browser.WIDE):
        with browser.opened(folder / "robustness.html", size) as opened:
            opened.assert_sound()
    return rows, page


def test_every_model_has_a_row_as_it_is_and_one_a_perturbation_in_both_units(made):
    rows, _ = made
    assert all(set(row) <= set(robustness.COLUMNS) for row in rows)
    strengths = [("none", ""), *((kind, f"{strength:g}") for kind, strength in PERTURBATIONS)]
    assert [
        (row["protocol"], row["features"], row["model"], row["perturbation"], row["strength"],
         row["unit"])
        for row in rows
    ] == [
        (protocol, features, model, *told, unit)
        for protocol in ("video", "grouped")
        for features in ("pixels", "residuals")
        for model in MODELS
        for told in strengths
        for unit in ("frames", "videos")
    ]  # fmt: skip


def test_scores_that_all_move_lose_accuracy_and_keep_their_order(made):
    rows, _ = made
    mine = [row for row in rows if row["unit"] == "frames" and row["rows"] is not None]
    for row in mine:
        if row["perturbation"] != "none":
            assert row["roc_auc_difference"] == 0
    shares = [row["accuracy_difference"] for row in mine if row["perturbation"] == "brightness"]
    assert min(shares) < 0


def test_a_perturbation_that_hides_every_face_stays_in_the_table_and_on_the_page(made):
    rows, page = made
    blind = [row for row in rows if (row["perturbation"], row["strength"]) == ("scale", "0.25")]
    assert len(blind) == 16
    for row in blind:
        assert row["note"] == "nothing is left to score"
        assert row["lost"] > 0
        assert row["roc_auc"] is None
    assert page.count("nothing is left to score") == 8


def test_leaky_scores_are_stamped_and_the_others_are_not(made):
    rows, page = made
    assert {(row["protocol"], row["leaky"]) for row in rows} == {
        ("video", "yes"), ("grouped", "no"),
    }  # fmt: skip
    leaky, sound = page.split("<h2>The grouped split")
    tables = [part.split("</tbody>")[0] for part in leaky.split("<tbody>")[1:]]
    assert len(tables) == 2
    for table in tables:
        assert all("LEAKY" in line for line in table.split("</tr>")[:-1])
    assert "LEAKY" not in sound
    assert Scores(page).unstamped()  # of the grouped split


def test_the_figure_stamps_what_leaks_and_tells_every_score(made):
    rows, page = made
    figure = page.split("<svg")[1].split("</svg>")[0]
    told = figure.split('aria-label="')[1].split('"')[0]
    assert "video, pixels LEAKY svm crf: as is " in told
    assert "grouped, residuals forest scale: as is " in told
    assert "grouped, residuals LEAKY" not in told
    auc = next(
        row["roc_auc"]
        for row in rows
        if (row["protocol"], row["features"], row["model"], row["perturbation"], row["unit"])
        == ("grouped", "pixels", "svm", "none", "videos")
    )
    assert f"grouped, pixels svm brightness: 0.5 {auc:.3f}, as is {auc:.3f}, 2 {auc:.3f}" in told
    assert f"grouped, pixels svm scale: as is {auc:.3f}, 0.5 {auc:.3f}, 0.25 nan" in told
    assert "mirrored" in told


def test_the_figure_is_a_file_of_its_own_too(made):
    rows, _ = made
    drawn = figures.standalone(robustness.figure(rows))
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "currentColor" not in drawn


def test_differences_are_told_with_their_interval_and_the_clips_as_they_are_have_none(made):
    rows, page = made
    row = next(
        row for row in rows
        if row["perturbation"] == "crf" and row["unit"] == "videos" and row["protocol"] == "grouped"
    )  # fmt: skip
    less = {"value": row["roc_auc_difference"], "low": row["roc_auc_difference_low"],
            "high": row["roc_auc_difference_high"]}  # fmt: skip
    assert summary.difference(less) in page.split("<h2>The grouped split")[1]
    for row in rows:
        if row["perturbation"] == "none":
            assert "roc_auc_difference" not in row


def test_no_models_points_leave_the_figure():
    """Eleven models stand beside each other, within the panel."""
    names = ("svm", "logistic", "forest", "mesonet", "ridge", "elasticnet", "lda", "qda", "knn",
             "average", "mahalanobis")  # fmt: skip
    score = {"value": 0.7, "low": 0.6, "high": 0.8}
    panel = {name: [("as is", score), ("23", score), ("40", score)] for name in names}
    drawn = charts.strengths("ten", ["crf"], [("grouped, pixels", [panel])], "ROC AUC", 0.5)
    root = ElementTree.fromstring(figures.standalone(drawn))
    space = "{http://www.w3.org/2000/svg}"
    (clip,) = (one for one in root.iter(f"{space}clipPath"))
    frame = clip.find(f"{space}rect")
    left = float(frame.get("x"))
    right = left + float(frame.get("width"))
    places = [
        float(use.get("x"))
        for group in root.iter(f"{space}g")
        if "clip-path" in group.attrib
        for use in group.iter(f"{space}use")
    ]
    assert len(places) == 3 * len(names)
    assert left < min(places) < max(places) < right


def test_what_a_sheet_calls_its_sides_is_only_text(made):
    rows, _ = made
    mine = [row | {"protocol": "cross"} for row in rows if row["protocol"] == "grouped"]
    cross = {"by": "method", "train": ["<b>a"], "test": ["b\u202e"]}
    facts = robustness.facts(mine, [HEAD], "x", cross)
    page = pages.render("robustness.html", **facts)
    assert "training &lt;b&gt;a" in page
    assert "\u202e" not in page


def test_only_the_kinds_that_were_asked_for_are_told(made):
    rows, _ = made
    mine = [row for row in rows if row["perturbation"] in ("none", "mirror")]
    facts = robustness.facts(mine, [HEAD], "x", {})
    assert facts["perturbations"].keys() == {"mirror"}
    assert "H.264" not in pages.render("robustness.html", **facts)
