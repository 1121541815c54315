"""Share answered and error among the answered."""

import numpy as np
import pytest

from deepfake.evaluation import answers

POINTS = {"fake": {"at": 1.0}, "no_trace": {"at": -1.0}}


def table(*rows):
    """(label, score) each; every video is a group of its own."""
    return [
        {"label": label, "score": score, "group_id": f"g{number}"}
        for number, (label, score) in enumerate(rows)
    ]


ROWS = [
    ("fake", 2.0), ("fake", 1.0), ("fake", 0.0), ("fake", -2.0),
    ("real", -3.0), ("real", -1.0), ("real", 0.5), ("real", 4.0), ("real", -1.5), ("real", -1.2),
]  # fmt: skip


def test_shares_are_counted_among_those_that_they_are_of():
    found = answers.judge(table(*ROWS), POINTS, level=0.95)
    expected = {"answered": 7 / 10, "error": 2 / 7, "false_alarms": 1 / 6, "found": 2 / 4}
    expected["missed"] = 1 / 4
    assert {name: found[name]["value"] for name in expected} == pytest.approx(expected)
    for name in answers.SHARES:
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]


def test_without_an_answer_there_is_no_error_and_without_groups_no_interval():
    never = {"fake": {"at": None}, "no_trace": {"at": None}}
    found = answers.judge(table(*ROWS), never, level=0.95)
    assert (found["answered"]["value"], found["error"]["value"]) == (0, None)
    few = answers.judge(table(*ROWS[2:5]), POINTS, level=0.95)
    assert few["answered"] == {"value": 2 / 3, "low": None, "high": None}


def test_the_curve_answers_the_surest_first():
    fake = np.array([label == "fake" for label, _ in ROWS])
    values = np.array([score for _, score in ROWS])
    found = answers.curve(fake, values, 0.0)
    coverage, risk = zip(*((one["coverage"], one["risk"]) for one in found), strict=True)
    assert (coverage[0], risk[0]) == (0.1, 1.0)  # the real video of score 4
    assert (coverage[1], risk[1]) == (0.2, 0.5)
    assert (coverage[-1], risk[-1]) == (1.0, np.mean((values >= 0) != fake))
    assert list(coverage) == sorted(coverage)
    many = answers.curve(np.arange(5000) % 2 == 0, np.arange(5000.0), 2500)
    assert len(many) == answers.MOST_POINTS
    assert many[-1]["coverage"] == 1
