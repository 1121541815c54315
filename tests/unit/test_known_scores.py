"""Tests of what is known of a model: its test before its folds, and each called what it is."""

import copy
import json

import pytest

from deepfake.inference import known_scores
from deepfake.models.layout import Refused

COUNTS = {"fake": 30, "real": 20, "groups": 9}


def auc(value, low=None, high=None) -> dict:
    return {"value": value, "low": low, "high": high}


def record(model="svm", value=0.7, leaky=False) -> dict:
    """Of an evaluation."""
    videos = {"metrics": {"roc_auc": auc(value, 0.5, 0.9)}, "note": ""} | COUNTS
    return {
        "protocol": "grouped",
        "features": {"name": "lbp"},
        "model": model,
        "leaky": leaky,
        "videos": videos,
    }


def choice(model="svm", value=0.8, candidates=6) -> dict:
    found = {"features": "lbp", "model": model, "chosen": 0.9, "candidates": candidates}
    return found | {"roc_auc": auc(value, 0.6, 0.95), "draws": 50} | COUNTS


SELECTION = {
    "models": {"lbp svm": choice(), "lbp forest": choice("forest", 0.75, 3)},
    "all": choice("svm", 0.78, 9),
}


def bundle(beside=None, leaky=False, value=0.9, unseen=True) -> dict:
    found = {"training": {"leaky": leaky}, "calibration": {"roc_auc": value}}
    if unseen:
        found["out_of_fold"] = {"metrics": {"roc_auc": auc(value, 0.8, 1.0)}, "note": ""} | COUNTS
    return found | ({"known": beside} if beside else {})


def test_the_best_of_all_was_chosen_among_all_candidates_and_another_among_its_own():
    assert known_scores.of(record(), SELECTION)["folds"]["candidates"] == 9
    assert known_scores.of(record("forest"), SELECTION)["folds"]["candidates"] == 3


def test_a_test_is_preferred_then_the_corrected_folds_then_those_that_chose():
    found = known_scores.auc(bundle(known_scores.of(record(), SELECTION)))
    assert (found["value"], found["low"], found["source"]) == (0.7, 0.5, known_scores.TEST)
    for beside in (record(value=None), record(leaky=True)):
        found = known_scores.auc(bundle(known_scores.of(beside, SELECTION)))
        assert (found["value"], found["high"]) == (0.78, 0.95)
        assert found["source"] == "the folds, corrected for the choice among 9 candidates"
    found = known_scores.auc(bundle())
    assert (found["value"], found["low"], found["source"]) == (0.9, 0.8, known_scores.FOLDS)
    assert known_scores.auc(bundle(unseen=False))["value"] == 0.9
    assert "optimistically biased" in known_scores.FOLDS


def test_of_a_leaky_training_or_of_one_class_nothing_is_known():
    assert known_scores.auc(bundle(known_scores.of(record(), SELECTION), leaky=True)) is None
    assert known_scores.auc(bundle(value=None)) is None


def test_what_is_written_is_read(tmp_path):
    assert known_scores.read(tmp_path) is None
    found = known_scores.of(record(), SELECTION)
    (tmp_path / known_scores.FILE).write_text(json.dumps(found))
    assert known_scores.read(tmp_path) == found | {"null": None}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda k: k.pop("test"),
        lambda k: k["test"]["roc_auc"].update(value=7),
        lambda k: k["test"]["roc_auc"].update(low="0.5"),
        lambda k: k["test"]["roc_auc"].update(value=True),
        lambda k: k["folds"].update(candidates="<b>"),
        lambda k: k["folds"].update(groups=None),
        lambda k: k["test"].update(note=3),
        lambda k: k["test"].update(leaky="no"),
        lambda k: k.update(test=[]),
    ],
)
def test_a_malformed_file_is_refused(tmp_path, spoil):
    found = copy.deepcopy(known_scores.of(record(), SELECTION))
    spoil(found)
    (tmp_path / known_scores.FILE).write_text(json.dumps(found))
    with pytest.raises(Refused, match=r"known\.json"):
        known_scores.read(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "NaN", '{"test": {"roc_auc": {"value": NaN}}}'])
def test_a_file_that_is_no_such_thing_is_refused(tmp_path, text):
    (tmp_path / known_scores.FILE).write_text(text)
    with pytest.raises(Refused, match=r"known\.json"):
        known_scores.read(tmp_path)


def test_an_untrained_number_and_exchanged_labels_stand_beside_a_score(tmp_path):
    named = {"protocol": "grouped", "features": "lbp", "model": "svm"}
    rows = [
        named | {"measure": measure, "training_roc_auc": auc_of, "roc_auc": 0.6}
        | {"roc_auc_low": 0.4, "roc_auc_high": None}
        for measure, auc_of in (("noise", 0.55), ("sharpness", 0.82))
    ]  # fmt: skip
    found = known_scores.of(record(), SELECTION, rows)
    assert found["shortcut"] == {"measure": "sharpness of the face", "roc_auc": auc(0.6, 0.4)}
    (tmp_path / known_scores.FILE).write_text(json.dumps(found))
    null = {"null_mean": 0.5, "null_95": 0.66, "as_good": 0.03, "draws": 99, "note": ""}
    (tmp_path / known_scores.NULL).write_text(json.dumps(null))
    assert known_scores.read(tmp_path) == found | {"null": null}
    (tmp_path / known_scores.NULL).write_text(json.dumps(null | {"null_95": "<b>"}))
    with pytest.raises(Refused, match=r"null\.json is malformed"):
        known_scores.read(tmp_path)
