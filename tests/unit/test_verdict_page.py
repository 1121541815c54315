"""The page of a judged video, opened in a browser; and where a model looks."""

import cv2
import numpy as np
import pytest

from deepfake import classify, previews
from deepfake.models import Fitted
from deepfake.report import look, pages, verdict
from tests import browser

NAME = "clips/<img src=x onerror=alert(1)>{{ 7*7 }}\u202e.mp4"


def record(
    *, leaky: bool = False, auc: float | None = 0.81, low: float | None = 0.7, sees: str = "pixels"
) -> dict:
    return {
        "features": {"name": sees, "version": 2, "length": 3072},
        "model": "logistic",
        "candidate": {"C": 1.0, "scaling": "<b>"},
        "calibration": {"slope": 1.0, "intercept": 0.0, "roc_auc": auc},
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


def frame(index: int, score: float | str, reason: str = "", fps: str = "25.0") -> dict:
    box = {"x": "8", "y": "6", "width": "20", "height": "20"} if score != "" else {}
    row = dict.fromkeys(classify.SCORE_COLUMNS, "")
    return row | box | {"video": NAME, "frame": str(index), "score": score, "reason": reason} | {
        "fps": fps, "sharpness": "9.0" if score != "" else "",
    }  # fmt: skip


@pytest.fixture
def page(tmp_path):
    """Writes the page of some frames; gives its path."""

    def written(rows: list[dict], bundle: dict, seen=(), prior: float = 0.25):
        found = classify.verdict(rows, bundle, prior, (0.4, 0.6))
        data = cv2.imencode(".jpg", np.full((40, 60, 3), 200, np.uint8))[1].tobytes()
        pictures = {int(row["frame"]): (60, data) for row in rows if row["frame"] != ""}
        verdict.write(
            tmp_path / "page.html", found, rows, bundle, pictures, seen, (0.4, 0.6)
        )  # fmt: skip
        return tmp_path / "page.html"

    return written


@pytest.mark.parametrize("size", [browser.WIDE, browser.PHONE])
def test_a_page_tells_the_verdict_and_runs_nothing(page, size):
    faces = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    fitted = Fitted("logistic", {}, {"weights": np.linspace(-1, 1, 32 * 32 * 3)})
    rows = [frame(0, 4.0), frame(30, 3.0), frame(60, "", "no face found")]
    path = page(rows, record(), verdict.looks(fitted, faces, "pixels"))
    with browser.opened(path, size, dark=size == browser.PHONE) as opened:
        opened.assert_sound()
        text = opened.text()
        broken = opened.handle.evaluate(
            "() => [...document.images].filter(image => !image.naturalWidth).length"
        )
    assert broken == 0
    assert "<img src=x onerror=alert(1)>{{ 7*7 }}\\u202e.mp4" in text
    assert "\nfake\n" in text
    assert "if 25 % of the videos that are asked about are fake" in text
    assert "It is no evidence about a person." in text
    assert "0:01.2: P(fake)" in text
    assert "0:02.4: no face found" in text
    assert "Where the model looks" in text
    assert "48 videos, 50 fake and 50 real faces, 9 groups of people" in text
    assert "95 % interval 0.70 to 0.90; 31 fake and 17 real videos of 9 groups" in text


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
    assert "No usable face: the file is empty." in text
    assert "P(fake)" not in text


def test_frames_are_numbered_where_the_frame_rate_is_unknown(page):
    text = page([frame(30, 4.0, fps="0.0")], record()).read_text(encoding="utf-8")
    assert "frame 30:" in text


def test_the_list_leads_to_every_page_with_the_fakes_first(tmp_path):
    rows = [
        {"video": NAME, "verdict": "real", "probability": "0.1", "reason": "", "page": "p/a.html"},
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
    assert "2 fake, 1 undecided, 1 real" in text
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
    assert "3072 numbers a face (residuals)" in text
    assert "Where the model looks" not in text


def test_previews_are_few_small_and_boxed():
    assert previews.chosen([0, 10]) == [0, 10]
    many = previews.chosen(list(range(300)))
    assert (len(many), many[0], many[-1]) == (previews.MOST, 0, 299)
    frame_bytes = cv2.imencode(".png", np.full((540, 960, 3), 100, np.uint8))[1].tobytes()
    small = previews.shrunk(frame_bytes)
    assert cv2.imdecode(np.frombuffer(small, np.uint8), 1).shape == (270, 480, 3)
    boxed = previews.boxed(small, [200, 100, 400, 300], 960, "#ff0000")
    drawn = cv2.imdecode(np.frombuffer(boxed, np.uint8), 1).astype(int)
    blue, _, red = drawn[125, 100]
    assert red - blue > 80  # the box's left side, halved like the frame
    assert np.ptp(drawn[125, 200]) < 20
    thin = cv2.imencode(".png", np.zeros((10, 10_000, 3), np.uint8))[1].tobytes()
    assert cv2.imdecode(np.frombuffer(previews.shrunk(thin), np.uint8), 1).shape == (1, 480, 3)


def test_a_slug_names_the_page():
    assert pages.slug(NAME).startswith("img-src-x-onerror-alert-1-7-7-")
