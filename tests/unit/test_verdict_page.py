"""The page of a judged video, opened in a browser; and where a model looks."""

import re

import cv2
import numpy as np
import pytest

from deepfake.inference import classify, known_scores
from deepfake.models.registry import Fitted
from deepfake.preprocessing import thumbnails
from deepfake.report import look, pages, verdict
from tests import browser
from tests.unit import synthetic

NAME = "clips/<img src=x onerror=alert(1)>{{ 7*7 }}\u202e.mp4"


def record(
    *, leaky: bool = False, auc: float | None = 0.81, low: float | None = 0.7, sees: str = "pixels"
) -> dict:
    return {
        "features": {"name": sees, "version": 2, "length": 3072},
        "model": "logistic",
        "candidate": {"C": 1.0, "scaling": "<b>"},
        "calibration": {
            "slope": 1.0, "intercept": 0.0, "roc_auc": auc, "videos": 48, "fake": 24,
            "trim": 0.25,
        },
        "thresholds": {"aim": "equal_error", "frames": 0.0, "videos": 0.0},
        "verdict": synthetic.points(),
        "out_of_fold": {
            "fake": 31, "real": 17, "groups": 9, "note": "3 groups: no interval",
            "metrics": {"roc_auc": {"value": auc, "low": low, "high": 0.9}},
        },
        "training": {
            "run": "demo", "datasets": ["ffpp"], "protocol": "frame" if leaky else "grouped",
            "leaky": leaky, "videos": 48, "rows": 100, "fake": 50, "real": 50, "groups": 9,
        },
        "fingerprint": "f" * 64,
        "contains_training_images": False,
    }  # fmt: skip


def frame(
    index: int, score: float | str, reason: str = "", fps: str = "25.0", face: int = 0
) -> dict:
    box = {"x": str(8 + 25 * face), "y": "6", "width": "20", "height": "20"} if score != "" else {}
    row = dict.fromkeys(classify.SCORE_COLUMNS, "") | box | {"face": str(face) if box else ""}
    return row | {"video": NAME, "frame": str(index), "score": score, "reason": reason} | {
        "fps": fps, "sharpness": "9.0" if score != "" else "",
    }  # fmt: skip


@pytest.fixture
def page(tmp_path):
    """Writes the page of some frames; gives its path."""

    def written(rows: list[dict], bundle: dict, seen=None, prior: float = 0.25):
        found, each = classify.verdict(rows, bundle, prior)
        data = cv2.imencode(".jpg", np.full((40, 60, 3), 200, np.uint8))[1].tobytes()
        pictures = {int(row["frame"]): (60, data) for row in rows if row["frame"] != ""}
        verdict.write(tmp_path / "page.html", found, each, rows, bundle, pictures, seen or {})
        return tmp_path / "page.html"

    return written


@pytest.mark.parametrize("size", [browser.WIDE, browser.PHONE])
def test_a_page_tells_the_verdict_and_runs_nothing(page, size):
    faces = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    fitted = Fitted("logistic", {}, {"weights": np.linspace(-1, 1, 32 * 32 * 3)})
    rows = [frame(0, 4.0), frame(30, 3.0), frame(60, "", "no face found")]
    path = page(rows, record(), {0: verdict.looks(fitted, faces, "pixels")})
    with browser.opened(path, size, dark=size == browser.PHONE) as opened:
        opened.assert_sound()
        text = opened.text()
        broken = opened.handle.evaluate(
            "() => [...document.images].filter(image => !image.naturalWidth).length"
        )
    assert broken == 0
    assert "<img src=x onerror=alert(1)>{{ 7*7 }}\\u202e.mp4" in text
    assert "\nfake\n" in text
    assert "if 25 % of the submitted videos are fake" in text
    assert "It is no evidence about a person." in text
    assert "0:01.2: P(fake)" in text
    assert "0:02.4: no face found" in text
    assert "Which pixels the model uses" in text
    assert "48 videos, 50 fake and 50 real faces, 9 groups of people" in text
    assert "95 % interval 0.70 to 0.90; 31 fake and 17 real videos of 9 groups" in text


@pytest.mark.parametrize("size", [browser.WIDE, browser.PHONE])
def test_a_page_of_several_faces_tells_each_and_which_speaks(page, size):
    faces = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    fitted = Fitted("logistic", {}, {"weights": np.linspace(-1, 1, 32 * 32 * 3)})
    rows = []
    for index in (0, 30, 60):
        rows += [frame(index, -4.0), frame(index, 4.0, face=1)]
    rows += [frame(90, -3.0), frame(90, 9.0, face=2), frame(120, "", "no face found")]
    seen = {number: verdict.looks(fitted, faces, "pixels") for number in range(3)}
    path = page(rows, record(), seen)
    with browser.opened(path, size) as opened:
        opened.assert_sound()
        text = opened.text()
        figures = opened.handle.evaluate("() => document.querySelectorAll('svg.figure').length")
        ids = opened.handle.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert "\nfake\n" in text
    assert "Face 1 has the highest score. P(fake) allows for 2 faces" in text
    assert "of these, face 2 looks fake: P(fake) 1.00" in text
    # of odds of one to three, each of two faces has half
    assert "Face 0: no trace found, P(fake) 1 %, in 4 of 5 frames" in text
    assert "Face 1: fake, P(fake) 90 %, in 3 of 5 frames" in text
    assert (
        "Face 2: not judged, P(fake) 99 %, in 1 of 5 frames; a face is judged from 3 frames on"
    ) in text
    assert "0:00.0: face 0 P(fake) 1 %, face 1 P(fake) 90 %" in text
    assert "from 0.4" in text
    assert "below -0.4" in text
    assert "0:04.8: no face found" in text
    assert figures == 4  # the scale, and a timeline a face
    assert len(ids) == len(set(ids))


def test_the_score_of_a_test_comes_before_that_of_the_folds_and_each_is_called_what_it_is(page):
    own = page([frame(0, 4.0)], record()).read_text(encoding="utf-8")
    assert f"0.5 is chance; by {known_scores.FOLDS}" in own
    assert "<b>0.81</b>" in own
    counts = {"fake": 7, "real": 8, "groups": 6}
    folds = {"roc_auc": {"value": 0.72, "low": 0.6, "high": 0.8}, "candidates": 24} | counts
    test = {"roc_auc": {"value": 0.66, "low": 0.41, "high": 0.88}, "leaky": False, "note": ""}
    for value, shown, by in (
        (0.66, "0.66", known_scores.TEST), (None, "0.72", known_scores.CHOICE.format(24)),
    ):  # fmt: skip
        test["roc_auc"]["value"] = value
        bundle = record() | {
            "known": {"test": test | counts, "folds": folds, "shortcut": None, "null": None}
        }
        text = page([frame(0, 4.0)], bundle).read_text(encoding="utf-8")
        assert f"<b>{shown}</b>" in text
        assert f"7 fake and 8 real videos of 6 groups; 0.5 is chance; by {by}" in text
        assert "0.81" not in text
        found, _ = classify.verdict([frame(0, 4.0)], bundle, 0.5)
        assert (found["auc_of_people_unseen"], found["auc_from"]) == (float(shown), by)
        assert (
            f"AUC on people of ffpp that were not in training: {shown} (by {by});"
            in classify.text([found])
        )


def test_a_leaky_model_has_no_score_on_unseen_people(page):
    text = page([frame(0, 4.0)], record(leaky=True)).read_text(encoding="utf-8")
    assert text.count("LEAKY") >= 2
    assert "0.81" not in text


@pytest.mark.parametrize(
    ("how", "said"),
    [({"auc": None}, "undefined"), ({"low": None}, "3 groups: no interval")],
)
def test_a_score_without_sense_or_interval_says_so(page, how, said):
    assert said in page([frame(0, 4.0)], record(**how)).read_text(encoding="utf-8")


def test_a_video_that_is_none_has_a_page_with_its_reason(page):
    row = frame(0, "", "the file is empty")
    path = page([row | {"frame": "", "fps": ""}], record())
    with browser.opened(path, browser.PHONE) as opened:
        opened.assert_sound()
        text = opened.text()
    assert "undecided" in text
    assert "Why it is undecided. The file is empty." in text
    assert "P(fake)" not in text


def test_frames_are_numbered_where_the_frame_rate_is_unknown(page):
    known, unknown = (
        page([frame(30, 4.0, fps=fps)], record()).read_text(encoding="utf-8")
        for fps in ("25.0", "0.0")
    )
    assert "0:01.2" in known
    assert "frame 30:" not in known
    assert "frame 30:" in unknown
    assert not re.search(r"\d:\d\d\.\d", unknown)


def test_the_list_leads_to_every_page_with_the_fakes_first(tmp_path):
    rows = [
        {
            "video": NAME,
            "verdict": "no_trace",
            "probability": "0.1",
            "reason": "",
            "page": "p/a.html",
        },
        {"video": "b", "verdict": "fake", "probability": "0.7", "reason": "", "page": "p/b.html"},
        {"video": "c", "verdict": "undecided", "reason": "no such file"},
        {"video": "d", "verdict": "fake", "probability": "0.9", "reason": "", "page": "p/d.html"},
    ]
    verdict.write_list(tmp_path / "list.html", rows)
    with browser.opened(tmp_path / "list.html", browser.PHONE) as opened:
        opened.assert_sound()
        text = opened.text()
        links = opened.handle.evaluate(
            "() => [...document.links].map(link => link.getAttribute('href'))"
        )
    assert links == ["p/d.html", "p/b.html", "p/a.html"]
    assert "2 fake, 1 undecided, 1 no trace found" in text
    assert "no such file" in text


def test_a_forest_looks_where_its_trees_decide():
    # two trees: the first asks feature 5, then 2 on its left; the second is a leaf
    arrays = {
        "first_node": np.array([0, 5, 6]),
        "feature": np.array([5, 2, -1, -1, -1, -1], np.int32),
        "left": np.array([1, 2, -1, -1, -1, -1], np.int32),
        "right": np.array([4, 3, -1, -1, -1, -1], np.int32),
    }
    found = look.importance(Fitted("forest", {}, arrays), 8)
    assert found.tolist() == [0, 0, 0.5, 0, 0, 1, 0, 0]


def test_weights_are_red_towards_fake_and_blue_towards_real():
    weights = np.zeros((64, 64, 3))
    weights[8:24, 8:24], weights[40:56, 40:56] = 1, -1
    picture = look.picture(weights.ravel(), np.full((64, 64, 3), 128, np.uint8)).astype(int)
    assert picture[16, 16, 0] > picture[16, 16, 2] + 50
    assert picture[48, 48, 2] > picture[48, 48, 0] + 50
    assert np.ptp(picture[16, 48]) == 0


def test_a_kernel_svm_has_no_such_picture():
    fitted = Fitted("svm", {}, {"support_vectors": np.zeros((1, 12), np.uint8)})
    assert look.importance(fitted, 12) is None
    assert len(verdict.looks(fitted, np.zeros((1, 2, 2, 3), np.uint8), "pixels")) == 1
    assert verdict.looks(fitted, np.zeros((0, 2, 2, 3), np.uint8), "pixels") == []


def test_a_model_that_sees_no_pixels_has_no_picture_of_where_it_looks(page):
    fitted = Fitted("logistic", {}, {"weights": np.ones(3328)})
    assert verdict.looks(fitted, np.zeros((1, 2, 2, 3), np.uint8), "residuals") == []
    text = page([frame(0, 0.5)], record(sees="residuals")).read_text()
    assert "3072 features a face (residuals)" in text
    assert "Which pixels the model uses" not in text


def test_previews_are_few_small_and_boxed():
    assert thumbnails.chosen([0, 10]) == [0, 10]
    many = thumbnails.chosen(list(range(300)))
    assert (len(many), many[0], many[-1]) == (thumbnails.MOST, 0, 299)
    frame_bytes = cv2.imencode(".png", np.full((540, 960, 3), 100, np.uint8))[1].tobytes()
    small = thumbnails.shrunk(frame_bytes)
    assert cv2.imdecode(np.frombuffer(small, np.uint8), 1).shape == (270, 480, 3)
    named = thumbnails.boxed(small, [([200, 100, 400, 300], "#ff0000", "1")], 960)
    boxed = thumbnails.boxed(small, [([200, 100, 400, 300], "#ff0000", "")], 960)
    drawn = cv2.imdecode(np.frombuffer(boxed, np.uint8), 1).astype(int)
    blue, _, red = drawn[125, 100]
    assert red - blue > 80  # the box's left side, halved like the frame
    assert np.ptp(drawn[125, 200]) < 20
    label = cv2.imdecode(np.frombuffer(named, np.uint8), 1).astype(int)[55, 102:106]
    assert (label[:, 2] - label[:, 0] > 80).all()
    thin = cv2.imencode(".png", np.zeros((10, 10_000, 3), np.uint8))[1].tobytes()
    assert cv2.imdecode(np.frombuffer(thumbnails.shrunk(thin), np.uint8), 1).shape == (1, 480, 3)


def test_a_slug_names_the_page():
    assert pages.slug(NAME).startswith("img-src-x-onerror-alert-1-7-7-")
