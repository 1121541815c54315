"""Tests of ridge, elastic net, LDA, QDA, KNN and distances to real rows.

Against scikit-learn, and against their formulas.
"""

import warnings

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf, empirical_covariance, shrunk_covariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from deepfake.features.matrix import InMemoryMatrix
from deepfake.models import elasticnet, gram, linear, standardise
from deepfake.models import registry as models
from deepfake.models.registry import Fitted, Training
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
    grams = {s: gram.compute(InMemoryMatrix(rows), s) for s in ("none", "standard")}
    return models.fit(model, candidate, Training(InMemoryMatrix(rows), fake, grams))


@pytest.mark.parametrize("p", [40, 200], ids=["more rows", "more features"])
@pytest.mark.parametrize("scaling", ["none", "standard"])
@pytest.mark.parametrize("alpha", [1.0, 1e3])
def test_ridge_decides_like_scikit_learns(p, scaling, alpha):
    rows, fake, unseen = some(90, p)
    tables = scaled(rows, unseen) if scaling == "standard" else (rows.astype(float), unseen * 1.0)
    exact = RidgeClassifier(alpha=alpha).fit(tables[0], fake).decision_function(tables[1])
    fitted = fit("ridge", {"alpha": alpha, "scaling": scaling}, rows, fake)
    found = models.decide(fitted, InMemoryMatrix(unseen))
    assert np.allclose(found, exact, rtol=0, atol=1e-3 * np.abs(exact).max())


@pytest.mark.parametrize("alpha", [1e-6, 1e-2, 1.0])
def test_ridge_of_more_rows_than_features_is_that_of_the_features(alpha):
    """Nothing is learned from what rounding adds to them, however weak the penalty."""
    generator = np.random.default_rng(3)
    rows = generator.integers(0, 256, (300, 20), np.uint8)
    rows[:, 7] = 9
    fake = generator.random(300) < 0.4
    (table,) = scaled(rows)
    sign = np.where(fake, 1.0, -1.0)
    inner = table.T @ table + alpha * np.eye(20)
    exact = table @ np.linalg.solve(inner, table.T @ (sign - sign.mean())) + sign.mean()
    grams = {"standard": gram.compute(InMemoryMatrix(rows), "standard")}
    training = Training(InMemoryMatrix(rows), fake, grams)
    candidate = {"alpha": alpha, "scaling": "standard"}
    found = models.decide(models.fit("ridge", candidate, training), InMemoryMatrix(rows))
    assert found == pytest.approx(exact, rel=0, abs=1e-9)
    every = np.arange(300)
    (scores,) = models.score("ridge", [candidate], training, every, every)
    assert scores == pytest.approx(exact, rel=0, abs=1e-9)


@pytest.mark.parametrize("penalised", [False, True])
@pytest.mark.parametrize(("n", "p"), [(300, 20), (30, 30), (30, 29), (30, 28), (30, 100)])
def test_rows_have_no_more_directions_than_features_and_rows(n, p, penalised):
    """Of float32 products too, whose noise may be above what is taken for it."""
    generator = np.random.default_rng(n + p)
    rows = generator.integers(0, 256, (n, p), np.uint8)
    rows[:, 0] = 9
    noisy = gram.compute(InMemoryMatrix(rows), "standard").products
    noise = generator.normal(0, 1e-4, (n, n))
    rotated = linear.Rotated(noisy + noise @ noise.T, p - 1, True, penalised)
    most = min(n, p) if penalised else min(n - 1, p - 1)
    assert len(rotated.lengths) == most
    assert rotated.lengths.min() > 1e-5


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
    scaler = standardise.fit(InMemoryMatrix(rows), "standard")
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
    assert models.decide(fitted, InMemoryMatrix(unseen)) == pytest.approx(
        np.log(share / (1 - share))
    )


def twins(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Fakes that are hardly different from their reals: what a strong fit must tell apart."""
    generator = np.random.default_rng(seed)
    reals = generator.normal(128, 40, (n // 2, p))
    rows = np.r_[reals, reals + generator.normal(size=reals.shape)]
    return np.clip(rows, 0, 255).astype(np.uint8), np.arange(n) >= n // 2


def clips(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten faces of each of some clips, a shift of all features apart by class."""
    generator = np.random.default_rng(seed)
    fake = np.repeat(np.arange(n // 10) % 2 == 0, 10)
    rows = generator.normal(128, 30, (n // 10, p)).repeat(10, axis=0)
    rows += generator.normal(0, 4, (n, p)) + np.outer(fake, generator.normal(0, 6, p))
    return np.clip(rows, 0, 255).astype(np.uint8), fake


@pytest.mark.parametrize(
    ("rows", "fake", "C", "l1_ratio"),
    [
        (*twins(100, 30, 0), 1000.0, 0.5),
        (*twins(100, 200, 0), 1000.0, 0.5),
        (*twins(200, 50, 1), 1000.0, 1.0),
        (*clips(1000, 80, 0), 100.0, 1.0),
        (*clips(1000, 80, 3), 1000.0, 1.0),
    ],
    ids=["twins", "wide twins", "twins, lasso", "clips", "clips, strong"],
)
def test_the_elastic_net_reaches_the_optimum_where_it_is_flat_or_steep(rows, fake, C, l1_ratio):
    """By the duality gap of all features, computed here from its formula."""
    candidate = {"C": C, "l1_ratio": l1_ratio}
    training = Training(InMemoryMatrix(rows), fake)
    fitted = models.fit("elasticnet", candidate, training)
    assert training.notes == {}
    (table,) = scaled(rows)
    scaler = standardise.fit(InMemoryMatrix(rows), "standard")
    weights = fitted.arrays["weights"] * scaler.scale
    intercept = fitted.settings["intercept"] + fitted.arrays["weights"] @ scaler.mean
    sign = np.where(fake, 1.0, -1.0)
    pulled = 1 / (1 + np.exp(sign * (table @ weights + intercept)))
    pull = C * sign * pulled
    pull -= pull.sum() / len(pull)  # rounding: a dual point is balanced
    slopes = np.abs(table.T @ pull)
    share = min(1.0, 1 / slopes.max()) if l1_ratio == 1 else 1.0
    pulled = np.clip(share * np.abs(pull) / C, 1e-300, 1 - 1e-16)
    dual = -C * (pulled * np.log(pulled) + (1 - pulled) * np.log(1 - pulled)).sum()
    if l1_ratio < 1:
        dual -= (np.maximum(slopes - l1_ratio, 0) ** 2).sum() / (2 * (1 - l1_ratio))
    primal = objective(candidate, table, fake, weights, intercept)
    assert abs(primal - dual) < 1e-8 * primal


def test_a_candidate_that_did_not_converge_is_marked(monkeypatch):
    monkeypatch.setattr(elasticnet, "HALVINGS", 0)  # no step is taken
    rows, fake = clips(200, 30, 0)
    every, half = {"C": 100.0, "l1_ratio": 1.0}, np.arange(0, 200, 2)
    training = Training(InMemoryMatrix(rows), fake)
    models.score("elasticnet", [{"C": 1e-6, "l1_ratio": 0.5}, every], training, half, half + 1)
    assert list(training.notes) == [1]
    assert training.notes[1].startswith("did not converge: its objective may be ")
    training.notes.clear()
    models.fit("elasticnet", every, training)
    assert list(training.notes) == [0]


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
    found = models.decide(fit("lda", {"shrinkage": shrinkage}, rows, fake), InMemoryMatrix(unseen))
    assert found == pytest.approx(direct.decision_function(asked), rel=1e-6, abs=1e-6)


def test_lda_that_is_not_shrunken_leaves_out_what_does_not_vary():
    rows, fake, unseen = some(90, 40)
    table, asked = scaled(rows, unseen)
    varying = np.ptp(table, axis=0) > 0
    assert varying.sum() < 40
    direct = LinearDiscriminantAnalysis(solver="lsqr").fit(table[:, varying], fake)
    found = models.decide(fit("lda", {"shrinkage": 0.0}, rows, fake), InMemoryMatrix(unseen))
    assert found == pytest.approx(direct.decision_function(asked[:, varying]), rel=1e-6, abs=1e-6)


def test_lda_that_is_not_shrunken_is_refused_where_its_covariance_is_singular():
    """Its scores would be of the order of 1e12."""
    generator = np.random.default_rng(0)
    rows, fake = generator.integers(0, 256, (40, 60), np.uint8), np.arange(40) % 2 == 0
    told = (
        r"^lda with shrinkage 0: 40 training rows .* of 39 features.* sweep.lda.shrinkage to auto"
    )
    with pytest.raises(ValueError, match=told):
        fit("lda", {"shrinkage": 0.0}, rows[:, :39], fake)
    assert np.isfinite(fit("lda", {"shrinkage": 0.0}, rows[:, :38], fake).arrays["weights"]).all()
    fit("lda", {"shrinkage": 1e-3}, rows, fake)


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
    found = models.decide(fit("qda", {"reg_param": share}, rows, fake), InMemoryMatrix(unseen))
    exact = normal(table, asked, fake, share)
    assert found == pytest.approx(exact, rel=1e-6, abs=1e-6)
    if p < 40:
        direct = QuadraticDiscriminantAnalysis(reg_param=share).fit(table, fake)
        assert found == pytest.approx(direct.decision_function(asked), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("p", [20, 39, 120], ids=["more rows", "as many", "more features"])
def test_the_distance_to_real_rows_is_that_of_scikit_learns_ledoit_wolf(p):
    """Also of features that are constant among the real rows."""
    rows, fake, unseen = some(80, p)
    assert np.ptp(rows[~fake], axis=0).min() == 0
    table, asked = scaled(rows[~fake], unseen)
    direct = LedoitWolf().fit(table)
    fitted = fit("mahalanobis", {"shrinkage": "auto"}, rows, fake)
    assert fitted.settings["shrinkage"] == pytest.approx(direct.shrinkage_, rel=1e-9)
    assert 0 < direct.shrinkage_ < 1
    found = models.decide(fitted, InMemoryMatrix(unseen)) * p
    assert found == pytest.approx(direct.mahalanobis(asked), rel=1e-9)
    every = np.arange(len(rows))
    training = Training(InMemoryMatrix(np.r_[rows, unseen]), np.r_[fake, np.zeros(20, bool)])
    asked = [{"shrinkage": "auto"}, {"shrinkage": 0.3}]
    scored, _ = models.score("mahalanobis", asked, training, every, len(rows) + np.arange(20))
    assert scored * p == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("share", [1e-3, 0.3, 1.0])
def test_the_distance_under_a_given_shrinkage_is_that_of_its_formula(share):
    rows, fake, unseen = some(80, 60)
    table, asked = scaled(rows[~fake], unseen)
    covariance = shrunk_covariance(empirical_covariance(table), share)
    exact = np.einsum("ij,ij->i", asked, np.linalg.solve(covariance, asked.T).T) / 60
    found = models.decide(
        fit("mahalanobis", {"shrinkage": share}, rows, fake), InMemoryMatrix(unseen)
    )
    assert found == pytest.approx(exact, rel=1e-9)


def test_a_covariance_of_too_few_rows_to_be_told_is_shrunken_wholly():
    """Its doubt is above its spread, so all that is left is the mean variance."""
    rows = np.random.default_rng(0).integers(0, 256, (16, 4), dtype=np.uint8)
    fake = np.arange(16) >= 8
    table, asked = scaled(rows[:8], rows[8:])
    assert LedoitWolf().fit(table).shrinkage_ == 1
    fitted = fit("mahalanobis", {"shrinkage": "auto"}, rows, fake)
    assert fitted.settings["shrinkage"] == 1
    assert models.decide(fitted, InMemoryMatrix(rows[8:])) == pytest.approx((asked**2).mean(axis=1))


@pytest.mark.parametrize("reals", [1, 2, 3])
def test_a_few_real_rows_give_finite_distances(reals):
    """Of two rows Ledoit and Wolf's shrinkage is 0, and their covariance has one direction."""
    rows, fake, unseen = some(80, 60)
    chosen = np.r_[np.flatnonzero(fake), np.flatnonzero(~fake)[:reals]]
    fitted = fit("mahalanobis", {"shrinkage": "auto"}, rows[chosen], fake[chosen])
    assert np.isfinite(models.decide(fitted, InMemoryMatrix(unseen))).all()


def test_no_fake_row_changes_the_distance_to_the_real_ones():
    rows, fake, unseen = some(80, 60)
    others = rows.copy()
    others[fake] = 255 - others[fake]
    one, other = (fit("mahalanobis", {"shrinkage": "auto"}, some, fake) for some in (rows, others))
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert array.tobytes() == other.arrays[name].tobytes()
    assert one.settings == other.settings
    assert (
        models.decide(one, InMemoryMatrix(others[fake])).min()
        > models.decide(one, InMemoryMatrix(unseen)).max()
    )


def test_real_rows_that_were_never_seen_have_a_distance_near_its_threshold():
    generator = np.random.default_rng(0)
    mixed = np.eye(12) + generator.normal(size=(12, 12)) / 5
    rows = np.clip(128 + generator.normal(size=(4000, 12)) @ mixed * 20, 0, 255).astype(np.uint8)
    fake = np.arange(4000) % 4 == 0
    fitted = fit("mahalanobis", {"shrinkage": "auto"}, rows[:2000], fake[:2000])
    found = models.decide(fitted, InMemoryMatrix(rows[2000:]))
    assert fitted.threshold == 1
    assert found.mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("n_neighbors", [1, 7, 1000])
def test_knn_says_what_scikit_learns_neighbours_say(n_neighbors):
    rows, fake, unseen = some(80, 60)
    table, asked = scaled(rows, unseen)
    direct = KNeighborsClassifier(min(n_neighbors, 80)).fit(table, fake)
    found = models.decide(
        fit("knn", {"n_neighbors": n_neighbors}, rows, fake), InMemoryMatrix(unseen)
    )
    assert found == pytest.approx(direct.predict_proba(asked)[:, 1])


def test_of_equally_near_neighbours_the_first_count():
    rows = np.repeat(np.array([[10, 0], [200, 0]], np.uint8), 4, axis=0)
    fake = np.array([True, False, False, False, False, True, True, True])
    found = models.decide(fit("knn", {"n_neighbors": 2}, rows, fake), InMemoryMatrix(rows[[0, 7]]))
    assert found.tolist() == [0.5, 0.5]
