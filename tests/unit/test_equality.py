"""The comparison of two runs finds what it should: otherwise equal runs prove nothing."""

import json
import shutil

import numpy as np
import pytest

from tests.equality import assert_same_results

SCORES = "pixels/grouped/evaluation/svm/frames.tsv"


@pytest.fixture
def two(tmp_path):
    """Two folders of results that are equal."""
    one = tmp_path / "one"
    for name in ("splits", "logs", "pixels/grouped/evaluation/svm", "pixels/grouped/models/svm"):
        (one / name).mkdir(parents=True)
    (one / "splits/grouped.tsv").write_text("row\tpart\n0\ttest\n")
    (one / "logs/split.log").write_text("done in 1.0 s\n")
    (one / SCORES).write_text("row\tscore\tpredicted\n0\t1.25\tfake\n")
    np.save(one / "pixels/grouped/models/svm/weights.npy", np.arange(3.0))
    facts = {"arrays": {"weights": {"sha256": "aa"}}, "threshold": 0.5, "classes": ["fake"]}
    (one / "pixels/grouped/models/svm/bundle.json").write_text(json.dumps(facts))
    shutil.copytree(one, tmp_path / "two")
    return one, tmp_path / "two"


def test_equal_runs_pass_whatever_their_logs_say(two):
    (two[1] / "logs/split.log").write_text("done in 2.0 s\n")
    assert_same_results(*two)


def test_numbers_that_differ_by_less_than_a_billionth_pass(two):
    path = two[1] / SCORES
    path.write_text(path.read_text().replace("1.25", "1.2500000000001"))
    np.save(two[1] / "pixels/grouped/models/svm/weights.npy", np.arange(3.0) + 1e-12)
    record = two[1] / "pixels/grouped/models/svm/bundle.json"
    record.write_text(record.read_text().replace('"aa"', '"bb"').replace("0.5", "0.5000000000001"))
    assert_same_results(*two)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (SCORES, "fake", "real"),
        (SCORES, "1.25", "1.2500001"),
        ("splits/grouped.tsv", "0", "0.0"),
        ("pixels/grouped/models/svm/bundle.json", "0.5", "0.50001"),
        ("pixels/grouped/models/svm/bundle.json", "fake", "real"),
    ],
)
def test_what_differs_is_named(two, file, old, new):
    path = two[1] / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(AssertionError, match=file.rsplit("/", 1)[1]):
        assert_same_results(*two)


@pytest.mark.parametrize("array", [np.arange(3.0) + 1e-6, np.arange(4.0), np.arange(3)])
def test_another_array_is_named(two, array):
    np.save(two[1] / "pixels/grouped/models/svm/weights.npy", array)
    with pytest.raises(AssertionError, match=r"weights\.npy"):
        assert_same_results(*two)


def test_a_missing_file_is_named(two):
    (two[1] / SCORES).unlink()
    with pytest.raises(AssertionError, match=r"only in one.*frames\.tsv"):
        assert_same_results(*two)


def test_a_file_of_no_class_is_named(two):
    for folder in two:
        (folder / "new.html").write_text("same")
    with pytest.raises(AssertionError, match=r"gives no class to .*new\.html"):
        assert_same_results(*two)
