"""Tests of the models against scikit-learn fitted directly, and of what all models share."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import forest, gram, logistic, standardise, svm
from deepfake.models import registry as models
from deepfake.models.registry import Fitted, Training
from tests.unit import synthetic

N, P = 90, 1200
STRICT = 1e-6  # libsvm's tolerance where solutions are compared


def learn(pixels: InMemoryMatrix | Matrix, fake: np.ndarray, fitted_on: np.ndarray | None = None):
    scalings = ("none", "standard")
    grams = {scaling: gram.compute(pixels, scaling, fitted_on) for scaling in scalings}
    return Training(pixels, fake, grams)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return synthetic.faces(N, P)


@pytest.fixture(scope="module")
def unseen() -> np.ndarray:
    return synthetic.faces(50, P, seed=9)[0]


@pytest.fixture(scope="module")
def training(data) -> Training:
    pixels, fake = data
    return learn(InMemoryMatrix(pixels), fake)


def scaled(candidate: dict, model):
    """A pipeline of scikit-learn with the candidate's scaling."""
    return make_pipeline(*[StandardScaler()] * (candidate["scaling"] == "standard"), model)


def direct_svm(candidate: dict):
    machine = SVC(
        C=candidate["C"],
        kernel=candidate["kernel"],
        gamma=candidate.get("gamma", "scale"),
        tol=STRICT,
    )
    return scaled(candidate, machine)


SVMS = [
    {"kernel": kernel, "C": C, "scaling": scaling} | ({} if gamma is None else {"gamma": gamma})
    for kernel, gammas in {
        "rbf": ("scale", "auto", 3e-4),
        "linear": (None,),
        "poly": ("scale", "auto", 1e-3),
    }.items()
    for gamma in gammas
    for scaling in ("standard", "none")
    for C in (0.5, 20.0)
    if not (scaling == "none" and gamma in (3e-4, 1e-3))  # of no use at raw pixels' size
]


def assert_decisions(found: np.ndarray, exact: np.ndarray, kernel: str) -> None:
    tolerance = 1e-5 if kernel == "rbf" else 1e-4
    assert np.abs(found - exact).max() <= tolerance * max(1, np.abs(exact).max())
    assert ((found >= 0) == (exact >= 0)).all()


@pytest.mark.parametrize("candidate", SVMS, ids=synthetic.name)
def test_an_svm_decides_like_libsvm_fitted_on_the_pixels(training, data, unseen, candidate):
    pixels, fake = data
    direct = direct_svm(candidate).fit(pixels.astype(float), fake)
    fitted = svm.fit(candidate, training, tolerance=STRICT)
    asked = np.vstack([pixels, unseen])
    exact = direct.decision_function(asked.astype(float))
    assert (exact >= 0).any()
    assert (exact < 0).any()
    assert_decisions(models.decide(fitted, InMemoryMatrix(asked)), exact, candidate["kernel"])


def test_an_svm_with_default_settings_predicts_like_libsvm(training, data, unseen):
    pixels, fake = data
    candidate = {"kernel": "rbf", "C": 1.0, "gamma": "scale", "scaling": "standard"}
    direct = make_pipeline(StandardScaler(), SVC()).fit(pixels.astype(float), fake)
    found = models.decide(svm.fit(candidate, training), InMemoryMatrix(unseen))
    assert_decisions(found, direct.decision_function(unseen.astype(float)), "rbf")


def test_an_svm_that_libsvm_cannot_finish_is_stopped_and_marked(monkeypatch):
    """Labels by chance in few features and a huge C: libsvm would go on for hours."""
    monkeypatch.setattr(svm, "most_steps", lambda rows: 100_000)
    generator = np.random.default_rng(0)
    pixels = InMemoryMatrix(generator.integers(0, 256, (80, 3), np.uint8))
    training = learn(pixels, generator.random(80) < 0.5)
    hard = {"kernel": "linear", "C": 1e9, "scaling": "standard"}
    half = np.arange(0, 80, 2)
    easy = hard | {"C": 1e-6}
    scores = models.score("svm", [easy, hard], training, half, half + 1)
    assert list(training.notes) == [1]
    assert "did not converge: libsvm was stopped after 100,000 steps" in training.notes[1]
    assert np.isfinite(scores[1]).all()
    training.notes.clear()
    models.fit("svm", hard, training)
    assert list(training.notes) == [0]


def test_raw_pixels_of_full_faces_keep_their_kernel(unseen):
    """Distances of 307,200 raw pixels are differences of sums too large for float32."""
    pixels, fake = synthetic.faces(24, 307_200)
    candidate = {"kernel": "rbf", "C": 100.0, "gamma": "scale", "scaling": "none"}
    raw = gram.compute(InMemoryMatrix(pixels), "none")
    fitted = svm.fit(
        candidate, Training(InMemoryMatrix(pixels), fake, {"none": raw}), tolerance=STRICT
    )
    direct = direct_svm(candidate).fit(pixels.astype(float), fake)
    exact = direct.decision_function(pixels.astype(float))
    assert np.abs(models.decide(fitted, InMemoryMatrix(pixels)) - exact).max() < 1e-5


# candidates of which a fold is scored; the third fold's rows are held out
FOLD = np.arange(N) % 3 == 2
TRAIN, HELD_OUT = np.flatnonzero(~FOLD), np.flatnonzero(FOLD)


@pytest.fixture(scope="module")
def fold(data) -> Training:
    """All training rows, scaled as the fold's own training rows say."""
    pixels, fake = data
    return learn(InMemoryMatrix(pixels), fake, TRAIN)


def test_scores_of_a_fold_are_those_of_svms_fitted_on_its_training_rows(fold, data):
    pixels, fake = data
    found = svm.score(SVMS, fold, TRAIN, HELD_OUT, tolerance=STRICT)
    for candidate, scores in zip(SVMS, found, strict=True):
        direct = direct_svm(candidate).fit(pixels[TRAIN].astype(float), fake[TRAIN])
        exact = direct.decision_function(pixels[HELD_OUT].astype(float))
        assert_decisions(scores, exact, candidate["kernel"])


@pytest.mark.parametrize(("model", "candidate"), synthetic.CANDIDATES, ids=synthetic.name)
def test_scores_of_a_fold_are_those_of_a_model_fitted_on_its_rows_alone(
    fold, data, model, candidate
):
    pixels, fake = data
    alone = learn(InMemoryMatrix(pixels[TRAIN]), fake[TRAIN])
    fitted = models.module(model).fit(candidate, alone, seed=5)
    (scores,) = models.module(model).score([candidate], fold, TRAIN, HELD_OUT, seed=5)
    decided = models.decide(fitted, InMemoryMatrix(pixels[HELD_OUT]))
    size = np.abs(decided).max()
    near = 1e-9 if model == "forest" else 1e-3 if candidate.get("kernel") == "poly" else 1e-4
    assert np.allclose(scores, decided, rtol=0, atol=near * size)
    sure = np.abs(decided - fitted.threshold) > near * size
    assert ((scores >= fitted.threshold) == (decided >= fitted.threshold))[sure].all()


def features(candidate: dict, pixels: np.ndarray) -> np.ndarray:
    if candidate["scaling"] == "none":
        return pixels.astype(float)
    return StandardScaler().fit_transform(pixels.astype(float))


def objective(candidate: dict, rows, fake, weights: np.ndarray, intercept: float) -> float:
    """What L2-penalised logistic regression minimises, of scaled rows and their weights."""
    margins = np.where(fake, 1, -1) * (rows @ weights + intercept)
    found = weights @ weights / 2 + candidate["C"] * np.logaddexp(0, -margins).sum()
    return found + (intercept**2 / 2 if candidate["intercept"] == "penalised" else 0)


def direct_logistic(candidate: dict, rows, fake) -> LogisticRegression:
    solver = "liblinear" if candidate["intercept"] == "penalised" else "lbfgs"
    direct = LogisticRegression(C=candidate["C"], solver=solver, tol=1e-10, max_iter=3000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lbfgs does not reach its tolerance on raw pixels
        return direct.fit(rows, fake)


def plain() -> tuple[np.ndarray, np.ndarray]:
    return synthetic.faces(70, 600)


def duplicates() -> tuple[np.ndarray, np.ndarray]:
    """Each of 20 rows three times."""
    pixels, fake = plain()
    return np.vstack([pixels, pixels[:20], pixels[:20]]), np.hstack([fake, fake[:20], fake[:20]])


def contradictions() -> tuple[np.ndarray, np.ndarray]:
    """Ten rows again with the other label."""
    pixels, fake = plain()
    return np.vstack([pixels, pixels[:10]]), np.hstack([fake, ~fake[:10]])


def siblings() -> tuple[np.ndarray, np.ndarray]:
    """A row of the other class for each, which differs by one grey level in 15 pixels."""
    pixels, fake = plain()
    near = pixels.copy()
    for number, row in enumerate(near):
        row[np.random.default_rng(number).choice(np.arange(120, 600), 15, replace=False)] ^= 1
    return np.vstack([pixels, near]), np.hstack([fake, ~fake])


def more_rows_than_features() -> tuple[np.ndarray, np.ndarray]:
    pixels, fake = synthetic.faces(150, 400)
    return pixels[:, 70:110], fake


@pytest.mark.parametrize("C", [0.01, 1.0, 10_000.0])
@pytest.mark.parametrize("intercept", ["free", "penalised"])
@pytest.mark.parametrize("scaling", ["standard", "none"])
@pytest.mark.parametrize(
    "rows", [plain, duplicates, contradictions, siblings, more_rows_than_features]
)
def test_logistic_regression_reaches_the_optimum_of_a_direct_fit(rows, scaling, intercept, C):
    if scaling == "standard" and C > 1:
        C = 10.0  # float32 products of standardised pixels carry no more
    pixels, fake = rows()
    candidate = {"C": C, "scaling": scaling, "intercept": intercept}
    fitted = logistic.fit(candidate, learn(InMemoryMatrix(pixels), fake))
    scaler = standardise.fit(InMemoryMatrix(pixels), scaling)
    weights, free = fitted.arrays["weights"], fitted.settings["intercept"]
    if scaling == "standard":
        weights, free = weights * scaler.scale, free + weights @ scaler.mean
    scaled_rows = features(candidate, pixels)
    direct = direct_logistic(candidate, scaled_rows, fake)
    ours = objective(candidate, scaled_rows, fake, weights, free)
    theirs = objective(candidate, scaled_rows, fake, direct.coef_[0], direct.intercept_.item())
    assert ours <= theirs * (1 + 1e-6)
    found = models.decide(fitted, InMemoryMatrix(pixels))
    exact = direct.decision_function(scaled_rows)
    # A row in both classes is said to be neither; and where lbfgs stops short of the optimum that
    # we reach, its decisions are off at the boundary, for other rows on other processors.
    said = np.abs(exact) > max(1e-3, 0.05 * exact.std())
    assert said.mean() > 0.4
    assert ((found >= 0) == (exact >= 0))[said].all()


@pytest.mark.parametrize("scaling", ["standard", "none"])
@pytest.mark.parametrize("intercept", ["free", "penalised"])
def test_logistic_regression_predicts_unseen_rows_like_a_direct_fit(
    training, data, unseen, scaling, intercept
):
    pixels, fake = data
    candidate = {"C": 1.0, "scaling": scaling, "intercept": intercept}
    found = models.decide(logistic.fit(candidate, training), InMemoryMatrix(unseen))
    direct = scaled(candidate, direct_logistic(candidate, features(candidate, pixels), fake))
    if scaling == "standard":
        direct[0].fit(pixels.astype(float))
    exact = direct.decision_function(unseen.astype(float))
    assert ((found >= 0) == (exact >= 0)).all()
    assert np.abs(found - exact).max() < 0.01 * np.abs(exact).max()


@pytest.mark.parametrize("intercept", ["free", "penalised"])
@pytest.mark.parametrize("seed", [0, 2])
def test_logistic_regression_almost_without_a_penalty_is_solved_too(intercept, seed):
    """Nearly all rows are so far on their side that they hardly bend the objective."""
    generator = np.random.default_rng(seed)
    pixels = 128 + generator.normal(size=(60, 500)) * 30
    pixels += generator.normal(size=(60, 3)) @ generator.normal(size=(3, 500)) * 40
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    pixels[:5], pixels[5:8] = 255, 0
    fake = generator.random(60) < 0.3
    candidate = {"C": 1e12, "scaling": "none", "intercept": intercept}
    found = models.decide(
        logistic.fit(candidate, learn(InMemoryMatrix(pixels), fake)), InMemoryMatrix(pixels)
    )
    assert ((found >= 0) == fake)[8:].all()
    equal = np.where(np.arange(60) < 5, fake[:5].mean(), fake[5:8].mean())[:8]
    with np.errstate(divide="ignore"):
        least = -np.log(np.where(fake[:8], equal, 1 - equal)).sum()
    loss = np.logaddexp(0, -np.where(fake, 1, -1) * found).sum()
    assert loss == pytest.approx(least, rel=1e-6)


def test_logistic_regression_on_constant_pixels_says_the_base_rate():
    pixels, fake = np.full((12, 30), 200, np.uint8), np.arange(12) < 9
    for scaling in ("standard", "none"):
        candidate = {"C": 1.0, "scaling": scaling, "intercept": "free"}
        found = models.decide(
            logistic.fit(candidate, learn(InMemoryMatrix(pixels), fake)), InMemoryMatrix(pixels)
        )
        assert found == pytest.approx([np.log(9 / 3)] * 12, abs=1e-6)


FORESTS = synthetic.GRIDS["forest"]


def test_a_forest_that_is_undecided_says_fake_as_the_originals_does(training, unseen):
    """The original counts fake as class 0, and scikit-learn takes the first of equal classes."""
    candidate = FORESTS[0] | {"n_estimators": 4}
    found = models.decide(forest.fit(candidate, training, seed=3), InMemoryMatrix(unseen))
    assert (found == 0.5).any()
    assert forest.THRESHOLD <= 0.5


def test_a_smaller_forest_is_the_start_of_a_larger_one(fold):
    """Candidates in any order; scores equal those of forests that are grown alone."""
    sizes = [5, 12, 1, 12, 8]
    candidates = [FORESTS[i % 2] | {"n_estimators": size} for i, size in enumerate(sizes)]
    together = forest.score(candidates, fold, TRAIN, HELD_OUT, seed=4)
    for candidate, scores in zip(candidates, together, strict=True):
        (alone,) = forest.score([candidate], fold, TRAIN, HELD_OUT, seed=4)
        assert (scores == alone).all()
    assert not np.array_equal(together[0], together[4])


@pytest.mark.parametrize("size", [1, 5, 12, 40])
def test_a_forest_grown_in_parts_is_the_same_bytes(fold, size):
    candidates = [FORESTS[0] | {"n_estimators": trees} for trees in (12, 5, 7)]
    columns, rows = fold.pixels.mapped()
    parts = [range(first, min(first + size, 12)) for first in range(0, 12, size)]
    votes = [
        np.array([*forest.votes(columns, rows[HELD_OUT], grown)])
        for part in parts
        for grown in [
            forest.grow(candidates[0], columns, rows[TRAIN], fold.fake[TRAIN], part, seed=4)
        ]
    ]
    whole = forest.score(candidates, fold, TRAIN, HELD_OUT, seed=4)
    for one, other in zip(whole, forest.score_votes(candidates, votes), strict=True):
        assert one.tobytes() == other.tobytes()
    packed = [
        forest.pack(forest.grow(candidates[0], columns, rows, fold.fake, part, seed=4))
        for part in [*parts, range(0)]  # the last of a larger candidate's parts is empty
    ]
    joined, fitted = forest.join(candidates[0], packed), forest.fit(candidates[0], fold, seed=4)
    assert joined.candidate == fitted.candidate
    for name, array in fitted.arrays.items():
        assert joined.arrays[name].dtype == array.dtype
        assert joined.arrays[name].tobytes() == array.tobytes(), name


def test_many_rows_are_judged_by_compiled_code_as_few_are_without(training, unseen, monkeypatch):
    fitted = forest.fit(FORESTS[0], training, seed=4)
    few = models.decide(fitted, InMemoryMatrix(unseen))
    monkeypatch.setattr(forest, "_leaves", None)
    with pytest.raises(TypeError):
        models.decide(fitted, InMemoryMatrix(unseen))
    monkeypatch.setattr(forest, "COMPILING_PAYS", 0)
    assert models.decide(fitted, InMemoryMatrix(unseen)).tobytes() == few.tobytes()


def test_a_forest_that_lacks_trees_is_refused(fold):
    fitted = forest.fit(FORESTS[0], fold)
    with pytest.raises(ValueError, match="7 trees were grown, not 9"):
        forest.join(FORESTS[0] | {"n_estimators": 9}, [fitted.arrays])
    with pytest.raises(ValueError, match="7 trees were grown, not 9"):
        forest.score_votes([FORESTS[0] | {"n_estimators": 9}], [np.zeros((7, 3))])


def test_forests_of_one_feature_and_of_all_features_are_not_mistaken(fold):
    candidates = [FORESTS[0] | {"max_features": number} for number in (1, 1.0)]
    together = forest.score(candidates, fold, TRAIN, HELD_OUT, seed=4)
    for candidate, scores in zip(candidates, together, strict=True):
        (alone,) = forest.score([candidate], fold, TRAIN, HELD_OUT, seed=4)
        assert (scores == alone).all()


def test_a_forest_depends_on_its_seed(training, unseen):
    found = [
        models.decide(forest.fit(FORESTS[0], training, seed=seed), InMemoryMatrix(unseen))
        for seed in (1, 2)
    ]
    assert not np.array_equal(*found)


def test_every_model_but_the_slow_one_has_its_candidates_in_these_tests():
    assert {*synthetic.GRIDS, "average", "mesonet"} == set(models.NAMES)


@pytest.mark.parametrize(("model", "candidate"), synthetic.CANDIDATES, ids=synthetic.name)
def test_every_model_learns_raw_pixels_from_a_file_as_from_memory(
    data, unseen, tmp_path, model, candidate
):
    """Constant features are among them; a second time gives the same bits."""
    pixels, fake = data
    np.save(tmp_path / "matrix.npy", np.asfortranarray(np.vstack([unseen, pixels])))
    file = Matrix(tmp_path / "matrix.npy")
    rows = np.arange(len(unseen), len(unseen) + N)
    fitted: list[Fitted] = [
        models.module(model).fit(candidate, learn(seen, fake), seed=1)
        for seen in (file.at(rows), file.at(rows), InMemoryMatrix(pixels))
    ]
    for other in fitted[1:]:
        assert other.arrays.keys() == fitted[0].arrays.keys()
        for name, array in fitted[0].arrays.items():
            assert other.arrays[name].tobytes() == array.tobytes(), name
        assert other.settings == fitted[0].settings
    from_file = models.decide(fitted[0], file)
    from_memory = models.decide(fitted[0], InMemoryMatrix(np.vstack([unseen, pixels])))
    assert from_file.shape == (len(unseen) + N,)
    assert from_file.dtype == np.float64
    assert np.isfinite(from_file).all()
    assert np.allclose(from_file, from_memory, rtol=1e-6, atol=1e-6 * np.abs(from_file).max())
    # better than a coin on the rows it learned
    said = from_file[rows] >= fitted[0].threshold
    assert (said == fake).mean() > 0.7
    keeps_rows = bool({"support_vectors", "rows"} & fitted[0].arrays.keys())
    assert fitted[0].contains_training_images == keeps_rows


@pytest.mark.parametrize("model", synthetic.GRIDS)
def test_every_model_scores_candidates_in_the_order_given(fold, model):
    candidates = synthetic.GRIDS[model]
    forwards = models.module(model).score(candidates, fold, TRAIN, HELD_OUT, seed=1)
    backwards = models.module(model).score(candidates[::-1], fold, TRAIN, HELD_OUT, seed=1)
    assert [scores.shape for scores in forwards] == [HELD_OUT.shape] * len(candidates)
    for one, other in zip(forwards, backwards[::-1], strict=True):
        assert (one == other).all()
    assert len({scores.tobytes() for scores in forwards}) == len(candidates)


@pytest.mark.parametrize("model", synthetic.GRIDS)
def test_no_model_looks_at_the_held_out_rows_labels_or_pixels(data, model):
    pixels, fake = data
    changed = pixels.copy()
    changed[HELD_OUT[1:]] = 255 - changed[HELD_OUT[1:]]
    lied = fake.copy()
    lied[HELD_OUT] = ~lied[HELD_OUT]
    scores = [
        models.module(model).score(
            synthetic.GRIDS[model], learn(InMemoryMatrix(p), f, TRAIN), TRAIN, HELD_OUT[:1]
        )
        for p, f in ((pixels, fake), (changed, lied))
    ]
    for one, other in zip(*scores, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_training_rows_and_folds_come_from_the_split(data, tmp_path):
    pixels, fake = data
    np.save(tmp_path / "matrix.npy", np.asfortranarray(pixels))
    rows = [{"row": str(i), "label": "fake" if f else "real"} for i, f in enumerate(fake)]
    parts = ["train" if i % 3 else "test" if i % 2 else "unused" for i in range(N)]
    split = [
        {"row": i, "part": p, "fold": str(i % 5) if p == "train" else ""}
        for i, p in enumerate(parts)
    ]
    found, folds = models.training(rows, split, Matrix(tmp_path / "matrix.npy"))
    expected = np.flatnonzero(np.arange(N) % 3)
    assert (found.pixels.take(np.arange(len(expected))) == pixels[expected]).all()
    assert (found.fake == fake[expected]).all()
    assert (folds == expected % 5).all()


def test_an_unknown_model_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown model 'os'; known are average, elasticnet, "):
        models.module("os")
