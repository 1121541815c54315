"""Tests of ridge, elastic net, LDA, QDA and KNN against scikit-learn and against their formulas."""

import warnings

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from deepfake import gram, models, standardise
from deepfake.matrix import Faces
from deepfake.models import Fitted, Training, elasticnet
from tests.unit import synthetic


def some(n: int, p: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows with constant columns, labels, unseen rows; uint8 (n, p), bool (n,), uint8 (20, p)."""
    rows, fake = synthetic.faces(n, 400)
    unseen, _ = synthetic.faces(20, 400, seed=9)
    chosen = np.r_[35:45, 100 : 90 + p]  # ten columns that do not vary, or hardly
    return rows[:, chosen], fake, unseen[:, chosen]


def scaled(*tables: np.ndarray) -> list[np.ndarray]:
    scaler = StandardScaler().fit(tables[0].astype(float))
    return [scaler.transform(table.astype(float)) for table in tables]


def fit(model: str, candidate: dict, rows: np.ndarray, fake: np.ndarray) -> Fitted:
    grams = {s: gram.compute(Faces(rows), s) for s in ("none", "standard")}
    return models.fit(model, candidate, Training(Faces(rows), fake, grams))


@pytest.mark.parametrize("p", [40, 200], ids=["more rows", "more features"])
@pytest.mark.parametrize("scaling", ["none", "standard"])
@pytest.mark.parametrize("alpha", [1.0, 1e3])
def test_ridge_decides_like_scikit_learns(p, scaling, alpha):
    rows, fake, unseen = some(90, p)
    tables = scaled(rows, unseen) if scaling == "standard" else (rows.astype(float), unseen * 1.0)
    exact = RidgeClassifier(alpha=alpha).fit(tables[0], fake).decision_function(tables[1])
    fitted = fit("ridge", {"alpha": alpha, "scaling": scaling}, rows, fake)
    found = models.decide(fitted, Faces(unseen))
    assert np.allclose(found, exact, rtol=0, atol=1e-3 * np.abs(exact).max())


def objective(candidate: dict, rows, fake, weights: np.ndarray, intercept: float) -> float:
    """What the elastic net minimises, of standardised rows."""
    margins = np.where(fake, 1, -1) * (rows @ weights + intercept)
    share = candidate["l1_ratio"]
    penalty = share * np.abs(weights).sum() + (1 - share) * weights @ weights / 2
    return penalty + candidate["C"] * np.logaddexp(0, -margins).sum()


@pytest.mark.parametrize("p", [20, 120], ids=["more rows", "more features"])
@pytest.mark.parametrize("l1_ratio", [0.2, 1.0])
@pytest.mark.parametrize("C", [0.03, 0.3])
def test_the_elastic_net_reaches_the_optimum_of_saga(p, l1_ratio, C):
    rows, fake, _ = some(60, p)
    candidate = {"C": C, "l1_ratio": l1_ratio}
    fitted = fit("elasticnet", candidate, rows, fake)
    scaler = standardise.fit(Faces(rows), "standard")
    weights = fitted.arrays["weights"] * scaler.scale
    intercept = fitted.settings["intercept"] + fitted.arrays["weights"] @ scaler.mean
    (table,) = scaled(rows)
    direct = LogisticRegression(C=C, l1_ratio=l1_ratio, solver="saga", tol=1e-6, max_iter=5000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # saga may stop before it is there
        direct.fit(table, fake)
    ours = objective(candidate, table, fake, weights, intercept)
    theirs = objective(candidate, table, fake, direct.coef_[0], direct.intercept_.item())
    assert theirs / 1.01 < ours < theirs * (1 + 1e-6)
    # where the optimum is, whoever finds it: Karush, Kuhn and Tucker's conditions
    pull = C * (fake - 1 / (1 + np.exp(-(table @ weights + intercept))))
    assert abs(pull.sum()) < 1e-6
    slopes, used = table.T @ pull - (1 - l1_ratio) * weights, weights != 0
    assert (np.abs(slopes[~used]) < l1_ratio * 1.001).all()
    assert slopes[used] == pytest.approx(l1_ratio * np.sign(weights[used]), rel=0.01)
    assert used.any() == (C == 0.3 or l1_ratio == 0.2)


def test_the_elastic_net_leaves_out_every_feature_under_a_strong_penalty():
    rows, fake, unseen = some(60, 40)
    fake[:10] = True
    fitted = fit("elasticnet", {"C": 1e-6, "l1_ratio": 0.5}, rows, fake)
    assert not fitted.arrays["weights"].any()
    share = fake.mean()
    assert models.decide(fitted, Faces(unseen)) == pytest.approx(np.log(share / (1 - share)))


def test_an_elastic_net_of_too_many_features_is_refused_with_the_keys_to_turn(monkeypatch):
    monkeypatch.setattr(elasticnet, "most_columns", lambda rows: 3)
    rows, fake, _ = some(60, 40)
    with pytest.raises(ValueError, match=r"more than 3 features .*sweep.elasticnet.l1_ratio"):
        fit("elasticnet", {"C": 1.0, "l1_ratio": 0.5}, rows, fake)


@pytest.mark.parametrize("p", [40, 200], ids=["more rows", "more features"])
@pytest.mark.parametrize("shrinkage", ["auto", 0.01, 1.0])
def test_lda_decides_like_scikit_learns(p, shrinkage):
    rows, fake, unseen = some(90, p)
    table, asked = scaled(rows, unseen)
    direct = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(table, fake)
    found = models.decide(fit("lda", {"shrinkage": shrinkage}, rows, fake), Faces(unseen))
    assert found == pytest.approx(direct.decision_function(asked), rel=1e-6, abs=1e-6)


def test_lda_that_is_not_shrunken_takes_a_singular_covariance():
    rows, fake, unseen = some(30, 60)
    found = models.decide(fit("lda", {"shrinkage": 0.0}, rows, fake), Faces(np.r_[rows, unseen]))
    assert np.isfinite(found).all()
    assert ((found[:30] > 0) == fake).mean() > 0.9


def normal(table, asked, fake, share: float) -> np.ndarray:
    """Log odds of two normal distributions, by their whole covariance matrices."""
    odds = []
    for mine in (table[fake], table[~fake]):
        covariance = (1 - share) * np.cov(mine.T, bias=True) + share * np.eye(table.shape[1])
        apart = asked - mine.mean(axis=0)
        distance = np.einsum("ij,ij->i", apart, np.linalg.solve(covariance, apart.T).T)
        odds.append(np.log(len(mine)) - distance / 2 - np.linalg.slogdet(covariance)[1] / 2)
    return odds[0] - odds[1]


@pytest.mark.parametrize("p", [20, 120], ids=["more rows", "more features"])
@pytest.mark.parametrize("share", [1e-3, 0.5, 1.0])
def test_qda_is_of_two_normal_distributions_with_drawn_covariances(p, share):
    rows, fake, unseen = some(80, p)
    table, asked = scaled(rows, unseen)
    found = models.decide(fit("qda", {"reg_param": share}, rows, fake), Faces(unseen))
    exact = normal(table, asked, fake, share)
    assert found == pytest.approx(exact, rel=1e-6, abs=1e-6)
    if p < 40:
        direct = QuadraticDiscriminantAnalysis(reg_param=share).fit(table, fake)
        assert found == pytest.approx(direct.decision_function(asked), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("n_neighbors", [1, 7, 1000])
def test_knn_says_what_scikit_learns_neighbours_say(n_neighbors):
    rows, fake, unseen = some(80, 60)
    table, asked = scaled(rows, unseen)
    direct = KNeighborsClassifier(min(n_neighbors, 80)).fit(table, fake)
    found = models.decide(fit("knn", {"n_neighbors": n_neighbors}, rows, fake), Faces(unseen))
    assert found == pytest.approx(direct.predict_proba(asked)[:, 1])


def test_of_equally_near_neighbours_the_first_count():
    rows = np.repeat(np.array([[10, 0], [200, 0]], np.uint8), 4, axis=0)
    fake = np.array([True, False, False, False, False, True, True, True])
    found = models.decide(fit("knn", {"n_neighbors": 2}, rows, fake), Faces(rows[[0, 7]]))
    assert found.tolist() == [0.5, 0.5]
