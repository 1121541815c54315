"""Tests of candidates, of how they are dealt to jobs, and of the choice among them."""

import itertools

import numpy as np
import pytest

from deepfake.evaluation import search_table
from deepfake.models import sweep

SVM = {
    "kernel": ["rbf", "linear", "poly"],
    "C": [10.0, 0.1],
    "gamma": [0.5, "scale", 0.001, "auto"],
    "scaling": ["standard", "none"],
}
LOGISTIC = {"C": [1.0, 0.1], "scaling": ["standard", "none"], "intercept": ["free", "penalised"]}
FOREST = {
    "n_estimators": [500, 100],
    "max_features": ["sqrt", 0.2, 5],
    "max_depth": [None, 7],
    "min_samples_split": [2],
    "min_samples_leaf": [1, 4],
    "criterion": ["entropy", "gini"],
    "class_weight": ["balanced", None],
    "max_samples": [None, 0.5],
}
MESONET = {
    "epochs": [20, 5], "batch_size": [16, 32], "learning_rate": [1e-3, 1e-4],
    "augment": [True, False], "side": [128, 64],
}  # fmt: skip
GRIDS = {
    "svm": SVM,
    "logistic": LOGISTIC,
    "forest": FOREST,
    "mesonet": MESONET,
    "ridge": {"alpha": [10.0, 0.1], "scaling": ["standard", "none"]},
    "elasticnet": {"C": [10.0, 0.1], "l1_ratio": [0.1, 1.0]},
    "lda": {"shrinkage": [0.5, "auto", 0.1]},
    "qda": {"reg_param": [0.5, 0.1]},
    "knn": {"n_neighbors": [1, 20]},
    "mahalanobis": {"shrinkage": [0.1, "auto", 0.5]},
}


@pytest.mark.parametrize("model", GRIDS)
def test_every_combination_is_a_candidate_once(model):
    found = sweep.candidates(model, GRIDS[model])
    combinations = [
        dict(zip(GRIDS[model], v, strict=True)) for v in itertools.product(*GRIDS[model].values())
    ]
    for combination in combinations:
        if combination.get("kernel") == "linear":
            del combination["gamma"]
        assert found.count(combination) == 1
    assert all(candidate in combinations for candidate in found)


def test_a_linear_kernel_has_no_gamma_and_is_not_repeated_for_each():
    found = sweep.candidates("svm", SVM)
    linear = [candidate for candidate in found if candidate["kernel"] == "linear"]
    assert len(linear) == 2 * 2
    assert all("gamma" not in candidate for candidate in linear)
    assert len(found) == 4 + 2 * 2 * 4 * 2


def test_simpler_candidates_come_first():
    svm = sweep.candidates("svm", SVM)
    assert [c["kernel"] for c in svm] == ["linear"] * 4 + ["rbf"] * 16 + ["poly"] * 16
    rbf = [c for c in svm if c["kernel"] == "rbf" and c["scaling"] == "none"]
    assert [c["C"] for c in rbf] == [0.1] * 4 + [10.0] * 4
    assert [c["gamma"] for c in rbf[:4]] == ["auto", "scale", 0.001, 0.5]
    assert [c["C"] for c in sweep.candidates("logistic", LOGISTIC)] == [0.1, 1.0] * 4
    forest = sweep.candidates("forest", FOREST)
    assert [c["n_estimators"] for c in forest] == [100] * 96 + [500] * 96
    for model, first in {
        "ridge": {"alpha": 10.0, "scaling": "none"}, "elasticnet": {"C": 0.1, "l1_ratio": 1.0},
        "lda": {"shrinkage": "auto"}, "qda": {"reg_param": 0.5}, "knn": {"n_neighbors": 20},
        "mahalanobis": {"shrinkage": "auto"},
    }.items():  # fmt: skip
        assert sweep.candidates(model, GRIDS[model])[0] == first
    assert forest[0] == {
        "n_estimators": 100, "max_features": "sqrt", "max_depth": 7, "min_samples_split": 2,
        "min_samples_leaf": 4, "criterion": "gini", "class_weight": None,
        "max_samples": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("model", GRIDS)
def test_the_order_of_a_grid_does_not_matter(model):
    backwards = {name: values[::-1] for name, values in GRIDS[model].items()}
    assert sweep.candidates(model, backwards) == sweep.candidates(model, GRIDS[model])


def test_one_feature_and_all_features_are_two_candidates():
    found = sweep.candidates("forest", FOREST | {"max_features": [1, 1.0]})
    assert len(found) == 128
    families = sweep.chunks("forest", found, 99)
    for members in families:
        assert len({type(found[member]["max_features"]) for member in members}) == 1


@pytest.mark.parametrize("model", GRIDS)
@pytest.mark.parametrize("per_job", [1, 3, 100])
def test_chunks_cover_each_candidate_once(model, per_job):
    found = sweep.candidates(model, GRIDS[model])
    chunks = sweep.chunks(model, found, per_job)
    assert sorted(itertools.chain(*chunks)) == list(range(len(found)))
    for chunk in chunks:
        assert len({found[member].get("scaling") for member in chunk}) == 1
        assert model in ("forest", "mesonet") or len(chunk) <= per_job


@pytest.mark.parametrize("per_job", [1, 100])
@pytest.mark.parametrize(
    ("model", "setting", "families", "values"),
    [
        ("forest", "n_estimators", 3 * 2 * 2 * 2 * 2 * 2, [100, 500]),
        ("mesonet", "epochs", 16, [5, 20]),
    ],
)
def test_candidates_that_are_prefixes_of_one_another_share_a_job(
    model, setting, families, values, per_job
):
    found = sweep.candidates(model, GRIDS[model])
    chunks = sweep.chunks(model, found, per_job)
    assert len(chunks) == families
    for chunk in chunks:
        assert [found[member][setting] for member in chunk] == values
        others = [{k: v for k, v in found[m].items() if k != setting} for m in chunk]
        assert others[0] == others[1]


def test_only_scalings_that_are_asked_for_are_named():
    assert sweep.scalings(sweep.candidates("svm", SVM)) == ["none", "standard"]
    grid = LOGISTIC | {"scaling": ["none"]}
    assert sweep.scalings(sweep.candidates("logistic", grid)) == ["none"]
    assert sweep.scalings(sweep.candidates("forest", FOREST)) == []


def rows(scores: dict[int, list[float]]) -> list[dict[str, str]]:
    """A search table in which every metric has the same values."""
    return [
        {"candidate": str(number), "fold": str(fold)}
        | dict.fromkeys(search_table.SCORES, repr(value))
        for number, values in scores.items()
        for fold, value in enumerate(values)
    ]


def test_the_best_mean_over_the_folds_wins():
    found = rows({0: [0.9, 0.5], 1: [0.8, 0.8], 10: [0.7, 0.8], 2: [0.1, 0.99]})
    assert search_table.best(found, "roc_auc") == (1, dict.fromkeys(search_table.SCORES, 0.8))


def test_the_score_that_is_asked_for_decides():
    found = rows({0: [0.9], 1: [0.8]})
    found[1]["accuracy"] = "0.95"
    assert search_table.best(found, "accuracy")[0] == 1
    assert search_table.best(found, "roc_auc")[0] == 0


def test_ties_go_to_the_simpler_whatever_the_order_of_the_rows():
    found = rows({10: [0.8, 0.6], 9: [0.6, 0.8], 2: [0.7, 0.7], 0: [0.1, 0.1]})
    found.append(found.pop(0))
    assert search_table.best(found, "roc_auc")[0] == 2
    nearly = rows({1: [0.1 + 0.2, 0.3], 0: [0.3, 0.3]})
    assert search_table.best(nearly, "roc_auc")[0] == 0  # the last bit of a float is no reason


def test_a_candidate_that_did_not_finish_wins_only_where_none_did():
    found = rows({0: [0.9, 0.9], 1: [0.6, 0.6], 2: [0.7, 0.7]})
    found[1]["note"] = "did not converge"
    assert search_table.best(found, "roc_auc")[0] == 2
    assert search_table.note(found, 2) == ""
    for row in found:
        row["note"] = "did not converge"
    assert search_table.best(found, "roc_auc")[0] == 0
    assert search_table.note(found, 0) == "fold 0: did not converge; fold 1: did not converge"


def test_a_search_table_marks_what_did_not_finish():
    values = {3: np.array([0.0, 1.0]), 4: np.array([1.0, 0.0])}
    fake = np.array([False, True])
    found = search_table.table(values, fake, fold=1, threshold=0.5, notes={4: "did not converge"})
    assert [(row["candidate"], row["note"]) for row in found] == [(3, ""), (4, "did not converge")]
    assert "note" in search_table.COLUMNS


def test_search_tables_are_joined_by_number_of_candidate_and_fold():
    found = rows({10: [0.5, 0.5], 2: [0.5, 0.5]})
    joined = search_table.join(found[::-1], 2)
    assert [(row["candidate"], row["fold"]) for row in joined] == [
        ("2", "0"), ("2", "1"), ("10", "0"), ("10", "1"),
    ]  # fmt: skip


def test_a_candidate_missing_or_twice_on_a_fold_is_refused():
    found = rows({0: [0.5, 0.5], 1: [0.5, 0.5]})
    for wrong in (found[:3], found[:2], [*found, found[0]], [*found[:3], found[0]]):
        with pytest.raises(ValueError, match="each candidate and fold exactly once"):
            search_table.join(wrong, 2)


def test_out_of_fold_scores_reach_the_rows_they_belong_to():
    parts_of = ["train", "test", "train", "train", "unused", "train", "train"]
    fold_of = ["1", "", "0", "1", "", "0", "2"]
    matrix = [{"row": str(i), "video_id": f"v{i}"} for i in range(7)]
    split = [
        {"row": number, "part": part, "fold": fold}
        for number, (part, fold) in enumerate(zip(parts_of, fold_of, strict=True))
    ]
    # two jobs a fold or less: candidates 0 and 1 apart, rows of a fold in the matrix' order
    tables = [
        [{"candidate": "0", "fold": "0"}, {"candidate": "1", "fold": "0"}],
        [{"candidate": "1", "fold": "2"}],
        [{"candidate": "1", "fold": "1"}],
        [{"candidate": "0", "fold": "1"}],
        [{"candidate": "0", "fold": "2"}],
    ]
    values = [
        np.array([[-2.0, -5.0], [2.0, 5.0]]),
        np.array([[6.0]]),
        np.array([[0.5, 3.0]]),
        np.array([[-1.0, -3.0]]),
        np.array([[-6.0]]),
    ]
    found = search_table.out_of_fold(1, tables, values, matrix, split)
    assert [(row["row"], row["fold"], row["score"]) for row in found] == [
        ("0", "1", 0.5), ("2", "0", 2.0), ("3", "1", 3.0), ("5", "0", 5.0), ("6", "2", 6.0),
    ]  # fmt: skip


def test_scores_out_of_the_fold_are_of_every_training_row_or_it_is_an_error():
    rows = [{"row": str(row), "video_id": f"v{row}", "label": "fake"} for row in range(5)]
    parts = [("train", "0"), ("test", ""), ("train", "1"), ("train", "0"), ("train", "1")]
    split = [{"row": str(n), "part": p, "fold": fold} for n, (p, fold) in enumerate(parts)]
    searched = [[{"candidate": "0", "fold": str(fold)}, {"candidate": "1", "fold": str(fold)}]
                for fold in range(2)]  # fmt: skip
    values = [np.array([[0.0, 0.1], [0.2, 0.3]]) + fold for fold in range(2)]
    found = search_table.out_of_fold(1, searched, values, rows, split)
    assert [(row["row"], row["score"]) for row in found] == [
        ("0", 0.2), ("2", 1.2), ("3", 0.3), ("4", 1.3),
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"no scores of candidate 1 on fold 1$"):
        search_table.out_of_fold(1, searched[:1], values[:1], rows, split)
