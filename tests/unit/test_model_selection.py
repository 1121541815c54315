"""Which model of a run is best, and which one verdicts come from."""

import json

import pytest

from deepfake.evaluation import model_selection
from deepfake.inference import bundle_json
from deepfake.models.catalogue import RANKS

LENGTH = {"pixels": 307_200, "residuals": 3328, "lbp": 20}


def evaluated(
    features: str, model: str, folds: float | None, *, protocol="grouped", leaky=False, images=False
) -> dict:
    """An evaluation record, as far as a choice looks at it."""
    return {
        "protocol": protocol,
        "features": {"name": features, "length": LENGTH[features]},
        "model": model,
        "rank": RANKS[model],
        "folds": {"leaky": leaky, "roc_auc": {"value": folds, "low": None, "high": None}},
        "leaky": leaky,
        "contains_training_images": images,
    }


def test_the_best_of_the_folds_is_what_verdicts_come_from():
    found = [evaluated("pixels", "svm", 0.6), evaluated("lbp", "forest", 0.7)]
    assert model_selection.best(found) is found[1]
    assert model_selection.recommended(found)["bundle"] == "lbp/grouped/models/forest"


def test_equal_scores_go_to_the_simpler():
    """Fewer features, then the simpler model; what a table shows as equal is equal."""
    found = [evaluated("pixels", "logistic", 0.8004), evaluated("residuals", "forest", 0.8001)]
    found += [evaluated("residuals", "svm", 0.7999), evaluated("residuals", "logistic", 0.79)]
    assert model_selection.name(model_selection.best(found)) == "residuals svm"


def test_of_models_of_one_score_the_simplest_is_best():
    order = (
        "ridge", "logistic", "elasticnet", "lda", "mahalanobis", "svm", "forest", "multilinear",
        "qda", "knn", "mesonet", "average",
    )  # fmt: skip
    assert set(RANKS) == set(order)
    for number in range(len(order)):
        found = [evaluated("lbp", model, 0.7) for model in order[number:]]
        assert model_selection.best(found[::-1])["model"] == order[number]


@pytest.mark.parametrize(
    "unfit", [{"leaky": True}, {"images": True}, {"protocol": "frame", "leaky": True}]
)
def test_verdicts_come_from_no_leaky_model_and_from_none_with_faces_in_it(unfit):
    found = [evaluated("residuals", "svm", 0.99, **unfit), evaluated("pixels", "forest", 0.6)]
    assert model_selection.recommended(found)["bundle"] == "pixels/grouped/models/forest"
    assert model_selection.recommended(found[:1])["bundle"] is None


def test_undefined_scores_are_never_the_best():
    found = [evaluated("lbp", "logistic", None), evaluated("pixels", "forest", 0.3)]
    assert model_selection.best(found) is found[1]
    assert model_selection.recommended(found[:1])["bundle"] is None


def compared(one: tuple, other: tuple, *values, score: str = "roc_auc") -> dict:
    names = ("protocol", "one_features", "one", "other_features", "other", "score")
    row = dict(zip(names, ("grouped", *one, *other, score), strict=True))
    return row | dict(zip(("difference", "low", "high"), values, strict=True))


def test_the_best_is_set_against_the_best_of_each_other_feature_set():
    """Whichever of the two the comparison names first, and also where there is no interval."""
    found = [evaluated("pixels", "svm", 0.6), evaluated("pixels", "forest", 0.5)]
    found += [evaluated("residuals", "svm", 0.9), evaluated("lbp", "svm", 0.7)]
    pairs = [
        compared(("pixels", "svm"), ("residuals", "svm"), 0.9, 0.9, 0.9, score="accuracy"),
        compared(("pixels", "svm"), ("residuals", "svm"), -0.2, -0.3, -0.1),
        compared(("residuals", "svm"), ("lbp", "svm"), "0.1", "", ""),
    ]
    assert model_selection.lines(found, pairs, "results/x") == [
        "Best on the folds of the grouped split: residuals svm, ROC AUC of videos 0.900",
        "  on the test, minus pixels svm: +0.200 [+0.10, +0.30]",
        "  on the test, minus lbp svm: +0.100",
        "For verdicts: results/x/residuals/grouped/models/svm",
    ]


def test_what_a_leak_made_best_is_stamped():
    found = [evaluated("pixels", "svm", 0.6, leaky=True), evaluated("lbp", "svm", 0.5, leaky=True)]
    pairs = [compared(("pixels", "svm"), ("lbp", "svm"), 0.1, None, None)]
    *lines, last = model_selection.lines(found, pairs, "results/x")
    assert all(line.endswith(" LEAKY") for line in lines)
    why = "every model has a leaky split, or contains training faces, or has no score"
    assert last == f"For verdicts: none; {why}"


def test_a_runs_folder_stands_for_the_bundle_that_it_recommends(tmp_path):
    assert bundle_json.find(str(tmp_path)) == str(tmp_path)
    told = model_selection.recommended([evaluated("lbp", "svm", 0.7)])
    (tmp_path / "best.json").write_text(json.dumps(told))
    assert bundle_json.find(f"{tmp_path}/") == f"{tmp_path}/lbp/grouped/models/svm"
    (tmp_path / "bundle.json").touch()
    assert bundle_json.find(str(tmp_path)) == str(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"bundle": null, "why": "all leak"}', "no model for verdicts: all leak; name a model's"),
        ('{"bundle": "../../etc"}', "names no model of the run"),
        ('{"bundle": ["a"]}', "names no model of the run"),
        ("[]", "names no model of the run"),
        ("{", "best.json cannot be read"),
    ],
)
def test_a_run_that_recommends_no_model_of_its_own_is_refused(tmp_path, text, reason):
    (tmp_path / "best.json").write_text(text)
    with pytest.raises(bundle_json.RecordError, match=reason):
        bundle_json.find(str(tmp_path))


def test_a_winner_whose_fit_did_not_finish_says_so():
    found = [evaluated("lbp", "elasticnet", 0.9), evaluated("lbp", "svm", 0.5)]
    pairs: list[dict] = []
    assert not any("finish" in line for line in model_selection.lines(found, pairs, "results/x"))
    found[0]["unfinished"] = "fold 1: did not converge"
    lines = model_selection.lines(found, pairs, "results/x")
    assert [number for number, line in enumerate(lines) if "did not finish" in line] == [1, 3]
    assert lines[-1] == "  its fit did not finish: fold 1: did not converge"
    assert model_selection.recommended(found)["unfinished"] == "fold 1: did not converge"
    found[0]["unfinished"] = ""
    assert "unfinished" not in model_selection.recommended(found)
