"""The page of an enrolment, and a person's model on the page of a verdict, in a browser."""

import numpy as np
import pytest

from deepfake.inference import classify
from deepfake.person import answers, enrolment, windows
from deepfake.person.model import PersonModel
from deepfake.report import person, verdict
from tests import browser
from tests.unit.test_verdict_page import NAME, frame, record

MODEL = PersonModel(np.zeros((2, 190), np.float32), np.ones(2), 0.5, 0.1, -0.2)
SIZES = pytest.mark.parametrize("size", [browser.WIDE, browser.PHONE])


def enrolled(path, others: np.ndarray):
    own, videos = np.array([0.3, 0.1, -0.2, 0.4]), [NAME, NAME, "b.mp4", "c.mp4"]
    known = enrolment.measured(own, videos, others, ["d.mp4"] * len(others))
    scores = [(enrolment.PERSON, videos, own), (enrolment.OTHER, ["d.mp4"] * len(others), others)]
    rows = [
        {"video": video, "of": of, "start": "0.0", "score": score}
        for of, names, values in scores
        for video, score in zip(names, values, strict=True)
    ]
    followed = {"windows": "2", "followed": "0.97", "eye_distance": "31.5", "longest": "11.0"}
    followed |= {"ended_by": "cut: 1", "reason": ""}
    whole = [
        {"video": NAME, "of": "person", "score": 0.2} | followed,
        {"video": "e.mp4", "of": "person", "windows": 0, "reason": "no such file"},
    ]
    person.write_enrolment(path, "ada", known, MODEL, rows, whole)
    return path


@SIZES
def test_an_enrolment_has_its_rates_with_intervals_and_says_that_it_is_biometric(tmp_path, size):
    path = enrolled(tmp_path / "page.html", np.array([-0.4, -0.1, 0.2]))
    with browser.opened(path, size) as page:
        page.assert_sound()
        text = page.text()
    assert "Biometric data of a person." in text
    assert "needs their consent" in text
    assert "with mesh signals in place of action units" in text
    assert NAME.replace("\u202e", "\\u202e") in text
    assert "no such file" in text
    assert "97 %" in text
    assert "no interval: one video" in text  # of the others
    assert text.count("95% interval") == 2  # false alarms


def test_without_other_people_it_says_that_they_were_not_measured(tmp_path):
    with browser.opened(enrolled(tmp_path / "page.html", np.empty(0))) as page:
        assert "not measured" in page.text()


@SIZES
@pytest.mark.parametrize("scores", [[], [0.2, 0.1, -0.3], [-0.5]])
def test_a_verdict_has_the_movements_beside_it(tmp_path, scores, size):
    rows = [frame(0, 4.0), frame(30, 3.0)]
    found, each = classify.verdict(rows, record(), 0.5)
    reason = "" if scores else "too short: no face was found"
    followed = {"video_id": NAME, "reason": reason, "note": "only a part was used"}
    moved = [
        {"start": str(start), "end": str(start + windows.SECONDS), "score": str(score)}
        for start, score in enumerate(scores)
    ]
    answer = {key: str(value) for key, value in answers.answer(followed, scores, "ada").items()}
    section = person.section(answer, moved)
    path = tmp_path / "page.html"
    verdict.write(path, found, each, rows, record(), {}, {}, section)
    with browser.opened(path, size) as page:
        page.assert_sound()
        text = page.text()
    assert "Movements of ada" in text
    assert "Only a part was used." in text
    assert "biometric data of a person and needs their consent" in text
    expected = ["Too short: no face was found.", "Does not fit", "", "Fits"][len(scores)]
    assert expected in text
    assert ("windows of 10 seconds fit" in text) == bool(scores)
    verdict.write(path, found, each, rows, record(), {}, {})
    with browser.opened(path) as page:
        assert "Movements of" not in page.text()
