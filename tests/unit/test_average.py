"""Tests of the average of models: its members' probabilities, and none of it seen before."""

import numpy as np
import pytest

from deepfake.evaluation import calibration, search_table
from deepfake.features.matrix import InMemoryMatrix
from deepfake.models import average
from deepfake.models import registry as models
from deepfake.workflow import config
from deepfake.workflow.plan import Plan
from tests.unit import synthetic, test_model_checks


def table(seed: int, videos: int = 24) -> list[dict]:
    """Out-of-fold scores of two frames a video, in three folds."""
    generator = np.random.default_rng(seed)
    return [
        {"row": str(2 * video + frame), "video_id": f"v{video:02}", "group_id": f"g{video:02}",
         "label": "fake" if video % 2 else "real", "fold": str(video % 3),
         "score": repr(float(generator.normal() + 2 * (video % 2)))}
        for video in range(videos)
        for frame in range(2)
    ]  # fmt: skip


def scores(rows: list[dict]) -> np.ndarray:
    return np.array([row["score"] for row in rows])


def test_its_score_on_a_fold_is_the_mean_of_probabilities_that_the_other_folds_teach():
    tables = {"svm": table(0), "forest": table(1)}
    found = average.out_of_fold(tables)
    assert [row["row"] for row in found] == [row["row"] for row in tables["svm"]]
    for fold in "012":
        mine = np.array([row["fold"] == fold for row in found])
        expected = []
        for rows in tables.values():
            fake, means, _ = calibration.videos([row for row in rows if row["fold"] != fold], 0.0)
            values = np.array([float(row["score"]) for row in rows])[mine]
            expected.append(calibration.probability(calibration.fit(fake, means), values))
        assert scores(found)[mine] == pytest.approx(np.mean(expected, axis=0))


def test_no_score_of_a_fold_depends_on_the_folds_own_labels():
    before = average.out_of_fold({"svm": table(0), "forest": table(1)})
    lied = {name: table(seed) for name, seed in (("svm", 0), ("forest", 1))}
    for rows in lied.values():
        for row in rows:
            if row["fold"] == "1":
                row["label"] = "real" if row["label"] == "fake" else "fake"
    after = average.out_of_fold(lied)
    own = np.array([row["fold"] == "1" for row in before])
    assert (scores(before)[own] == scores(after)[own]).all()
    assert (scores(before)[~own] != scores(after)[~own]).any()


def test_members_of_other_rows_are_refused():
    with pytest.raises(ValueError, match="svm, forest are not the same rows"):
        average.out_of_fold({"svm": table(0), "forest": table(1)[1:]})


def test_the_table_of_its_folds_has_every_metric():
    rows = search_table.by_fold(average.out_of_fold({"svm": table(0), "forest": table(1)}), 0.5)
    assert [row["fold"] for row in rows] == ["0", "1", "2"]
    number, means = search_table.best(rows, "roc_auc")
    assert number == 0
    assert means["roc_auc"] > 0.8


def test_it_says_the_mean_of_its_members_probabilities_and_keeps_them_whole():
    rows, fake = synthetic.faces(30, 60)
    members = test_model_checks.members(rows, fake)
    fitted = average.join(members)
    chances = [
        calibration.probability(calibrated, models.decide(one, InMemoryMatrix(rows)))
        for one, calibrated in members.values()
    ]
    found = models.decide(fitted, InMemoryMatrix(rows))
    assert found == pytest.approx(np.mean(chances, axis=0))
    assert fitted.contains_training_images  # knn is one of them
    for name, (one, calibrated) in members.items():
        again, told = average.member(fitted, name)
        assert told == calibrated
        assert again.settings == one.settings
        assert again.arrays.keys() == one.arrays.keys()
    backwards = average.join(dict(reversed(members.items())))
    assert models.decide(backwards, InMemoryMatrix(rows)).tobytes() == found.tobytes()


RECORD = {"model": "svm", "preprocessing": {}, "features": {"name": "pixels"}, "domain": {}}


def test_members_of_other_trainings_are_refused():
    one = RECORD | {"training": {"seed": 1}, "versions": {"numpy": "2"}}
    other = one | {"model": "forest", "versions": {"numba": "0"}}
    assert average.facts([one, other])["versions"] == {"numpy": "2", "numba": "0"}
    with pytest.raises(ValueError, match="svm and forest differ in their training"):
        average.facts([one, other | {"training": {"seed": 2}}])


def load(sweep: dict) -> config.Config:
    return config.load({"sweep": sweep}, "my.yaml")


@pytest.mark.parametrize(
    ("members", "expected"),
    [([], ["svm", "forest", "ridge"]), (["ridge", "svm"], ["svm", "ridge"])],
    ids=["all", "some"],
)
def test_its_members_are_those_named_or_the_whole_sweep(members, expected):
    settings = load({"ridge": {}, "forest": {}, "svm": {}, "average": {"members": members}})
    plan = Plan(settings, [])
    assert plan.members("average") == expected
    assert plan.candidates["average"] == [{"members": expected}]
    assert plan.chunks["average"] == {}
    jobs = [rule for rule, wildcards in plan.jobs() if wildcards.get("model") == "average"]
    assert jobs == ["average", "evaluate"]


def test_its_jobs_are_as_large_as_its_largest_member():
    """A forest in parts is grown once, for itself."""
    grids = {"svm": {}, "forest": {"n_estimators": 2000}}
    plan = Plan(load(grids | {"average": {}}), [])
    assert plan.parts("average") == {}
    assert plan.size({"model": "average"}).trees == 2000
    alone = Plan(load(grids), [])
    assert sum(rule == "grow" for rule, _ in plan.jobs()) == sum(
        rule == "grow" for rule, _ in alone.jobs()
    )
    asked = {"protocol": "grouped", "features": "pixels", "model": "average"}
    for rule in ("average", "evaluate"):  # an SVM's support vectors are rows of the matrix
        assert plan.mem_mb(rule, asked) == plan.mem_mb("evaluate", asked | {"model": "svm"})


@pytest.mark.parametrize(
    ("grids", "largest", "slowest"),
    [
        ({"forest": {"n_estimators": 2000}, "mesonet": {"side": 256}}, "forest", "mesonet"),
        ({"mesonet": {"side": 256}, "svm": {}, "logistic": {}}, "svm", "mesonet"),
        ({"forest": {"n_estimators": 20_000}, "svm": {}}, "svm", "forest"),
    ],
)
def test_its_evaluation_asks_for_the_most_that_a_member_asks_for(grids, largest, slowest):
    videos = [{"video_id": f"v{n}", "label": "fake", "batch": "b0"} for n in range(2000)]
    plan = Plan(load(grids | {"average": {}}), videos)
    asked = {
        model: {"protocol": "grouped", "features": "pixels", "model": model}
        for model in plan.candidates
    }
    for ask, member in ((plan.mem_mb, largest), (plan.minutes, slowest)):
        alone = {model: ask("evaluate", asked[model]) for model in grids}
        assert max(alone.values()) == alone[member] > min(alone.values())
        assert ask("evaluate", asked["average"]) == alone[member]
        assert ask("average", asked["average"]) >= max(
            alone[model] for model in grids if model in ("svm", "mesonet")
        )


def test_on_features_that_its_network_does_not_see_nothing_is_asked_for_it():
    plan = Plan(load({"svm": {}, "ridge": {}, "mesonet": {}, "average": {}}), [])
    seen = {name: {"features": name, "model": "average"} for name in ("pixels", "lbp")}
    assert plan.size(seen["pixels"]).side == 128
    assert plan.size(seen["lbp"]).side == 0
    assert "mesonet evaluate" in plan.formulas("evaluate", seen["pixels"])
    assert "mesonet evaluate" not in plan.formulas("evaluate", seen["lbp"])


@pytest.mark.parametrize(
    ("sweep", "reason"),
    [
        ({}, "names no model; give at least one of svm, logistic"),
        ({"svm": {}}, "average needs two models or more, each named once"),
        ({"svm": {}, "forest": {}, "x": ["svm"]}, "average needs two models or more"),
        ({"svm": {}, "forest": {}, "x": ["svm", "svm"]}, "average needs two models or more"),
        ({"svm": {}, "forest": {}, "x": ["svm", "lda"]}, "average.members names lda; the sweep"),
        ({"svm": {}, "forest": {}, "x": ["svm", "average"]}, "average.members names average"),
    ],
)
def test_an_average_of_what_the_sweep_has_not_is_refused(sweep, reason):
    members = sweep.get("x", [])
    sweep = {name: grid for name, grid in sweep.items() if name != "x"}
    with pytest.raises(config.ConfigError, match=reason):
        load(sweep | {"average": {"members": members}})


def test_a_member_that_did_not_finish_is_named():
    records = {"svm": {"search": {}}, "elasticnet": {"search": {"note": "fold 1: so far"}}}
    assert average.unfinished(records) == "elasticnet: fold 1: so far"
    assert average.unfinished({"svm": {"search": {}}}) == ""
