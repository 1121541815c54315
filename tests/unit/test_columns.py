"""Tests of linear models solved in the columns: the answers of the Gram matrix, and brute force."""

import numpy as np
import pytest

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import augmented_lagrangian, columns, gram, newton, svm
from deepfake.models import registry as models
from deepfake.models.registry import Training
from tests.unit import synthetic

N, P = 700, 60
TRAIN, HELD_OUT = np.arange(500), np.arange(500, N)
SCALINGS = ("standard", "none")
RIDGES = [{"alpha": a, "scaling": s} for a in (1e-6, 1.0, 1e4) for s in SCALINGS]
LOGISTICS = [
    {"C": C, "scaling": s, "intercept": intercept}
    for C in (1e-4, 1.0)
    for s in SCALINGS
    for intercept in ("free", "penalised")
] + [{"C": 1e6, "scaling": "standard", "intercept": "free"}]
MACHINES = [{"kernel": "linear", "C": C, "scaling": "standard"} for C in (1e-6, 1e-3, 0.1)]
MACHINES += [{"kernel": "linear", "C": C, "scaling": "none"} for C in (1e-7, 1e-5)]


def made(seed: int = 0, flipped: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose classes overlap and differ in size, some columns and rows repeated."""
    pixels, fake = synthetic.faces(N, P, seed)
    generator = np.random.default_rng(seed)
    fake = fake ^ (generator.random(N) < flipped) | (generator.random(N) < flipped)
    pixels[:, -1] = pixels[:, -2]
    pixels[3], fake[3] = pixels[4], fake[4]
    return pixels, fake


@pytest.fixture(scope="module")
def by_gram() -> Training:
    pixels, fake = made()
    matrix = InMemoryMatrix(pixels)
    return Training(matrix, fake, {s: gram.compute(matrix, s, TRAIN) for s in SCALINGS})


@pytest.fixture(scope="module")
def by_columns() -> Training:
    pixels, fake = made()
    return Training(InMemoryMatrix(pixels), fake)


def assert_same(found: np.ndarray, other: np.ndarray, tolerance: float) -> None:
    assert found.shape == other.shape
    assert np.abs(found - other).max() <= tolerance
    assert ((found >= 0) == (other >= 0)).all()


@pytest.mark.parametrize(("model", "grid"), [("ridge", RIDGES), ("logistic", LOGISTICS)])
def test_scores_are_those_of_the_gram_matrix(by_gram, by_columns, model, grid):
    first = models.score(model, grid, by_gram, TRAIN, HELD_OUT)
    second = models.score(model, grid, by_columns, TRAIN, HELD_OUT)
    for candidate, one, other in zip(grid, first, second, strict=True):
        assert one.std() > 0, candidate
        assert_same(other, one, 1e-6 * max(1.0, np.abs(one).max()))


@pytest.mark.parametrize("candidate", MACHINES, ids=synthetic.name)
def test_a_linear_machine_is_libsvms(by_gram, by_columns, candidate):
    (one,) = svm.score([candidate], by_gram, TRAIN, HELD_OUT, tolerance=1e-8)
    (other,) = svm.score([candidate], by_columns, TRAIN, HELD_OUT)
    assert not by_gram.notes
    assert not by_columns.notes
    assert_same(other, one, 1e-3 * one.std())


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("rows", [30, 500])
def test_classes_that_can_be_told_apart_are_no_harder(rows, C):
    """Few rows hold the margin then, fewer than there are columns; also with more columns."""
    pixels, _ = synthetic.faces(rows, P, seed=4)
    pixels = np.random.default_rng(0).integers(100, 140, pixels.shape).astype(np.uint8)
    fake = np.arange(rows) % 3 == 0
    pixels[fake, :3] += 60
    matrix, every = InMemoryMatrix(pixels), np.arange(rows)
    candidate = {"kernel": "linear", "C": C, "scaling": "standard"}
    with_gram = Training(matrix, fake, {"standard": gram.compute(matrix, "standard")})
    (one,) = svm.score([candidate], with_gram, every, every, tolerance=1e-6)
    without = Training(matrix, fake)
    (other,) = svm.score([candidate], without, every, every)
    assert not without.notes
    assert_same(other, one, 1e-3 * one.std())


@pytest.mark.parametrize(
    ("model", "candidate"),
    [("ridge", RIDGES[0]), ("logistic", LOGISTICS[0]), ("svm", MACHINES[1])],
    ids=["ridge", "logistic", "svm"],
)
def test_a_model_fitted_in_the_columns_is_kept_as_weights_as_any_linear_one(
    model, candidate, tmp_path
):
    pixels, fake = made()
    np.save(tmp_path / "matrix.npy", np.asfortranarray(pixels))
    matrix = Matrix(tmp_path / "matrix.npy")
    grams = {candidate["scaling"]: gram.compute(matrix, candidate["scaling"])}
    one = models.fit(model, candidate, Training(matrix, fake, grams))
    other = models.fit(model, candidate, Training(matrix, fake))
    assert other.arrays.keys() == one.arrays.keys() == {"weights"}
    assert other.settings.keys() == one.settings.keys()
    assert (other.candidate, other.contains_training_images) == (candidate, False)
    scores = models.decide(one, matrix)
    # libsvm stops at 1e-3
    tolerance = 5e-3 if model == "svm" else 1e-6 * max(1.0, np.abs(scores).max())
    assert np.abs(models.decide(other, matrix) - scores).max() <= tolerance


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("centred", [True, False])
def test_passes_over_the_rows_equal_numpy(scaling, centred, monkeypatch):
    monkeypatch.setattr(columns, "ROWS", 37)
    monkeypatch.setattr(columns, "SYRK", 41)
    pixels, _ = made()
    taken = columns.scaled(columns.Table(pixels), scaling, centred)
    deviation = np.where(np.ptp(pixels, axis=0) > 0, pixels.std(axis=0), 1)
    z = pixels - pixels.mean(axis=0) * (scaling == "standard" or centred)
    z = np.column_stack([z / deviation if scaling == "standard" else z, np.ones(N)])
    generator = np.random.default_rng(0)
    found, weights = generator.normal(size=P + 1), generator.random(N)

    def near(one: np.ndarray, other: np.ndarray) -> bool:
        return np.abs(one - other).max() <= 1e-8 * max(1.0, np.abs(other).max())

    assert near(taken.products, z.T @ z)
    some = np.flatnonzero(generator.random(N) < 0.4)
    signed = weights * generator.choice((-1.0, 1.0), N)
    hessian = gram.Products(P + 1, np.float64)
    taken.add_bent(hessian, weights[some], some)
    hessian.multiply(0.3)
    taken.add_bent(hessian, signed[others := np.flatnonzero(weights < 0.2)], others)
    wanted = 0.3 * z[some].T * weights[some] @ z[some] + z[others].T * signed[others] @ z[others]
    assert near(np.tril(hessian.lower()), np.tril(wanted))
    assert near(hessian.whole(), wanted)
    assert near(taken.values(found), z @ found)
    assert near(taken.combined(weights), z.T @ weights)
    assert near(taken.combined(weights, some), z[some].T @ weights[some])
    for rows in (some, np.arange(N), np.arange(0)):
        wanted = z[rows].T @ (weights[rows] * (z[rows] @ found))
        exact, short = (taken.bent(found, weights[rows], rows, k) for k in (np.float64, np.float32))
        assert near(exact, wanted)
        assert np.abs(short - wanted).max() <= 1e-3 * max(1.0, np.abs(wanted).max())
        assert len(rows) == 0 or not np.array_equal(short, exact)
    raw, intercept = taken.raw(found)
    assert near(pixels @ raw + intercept, z @ found)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_any_number_of_threads_gives_the_same_bytes(kind, monkeypatch):
    monkeypatch.setattr(columns, "ROWS", 37)
    pixels, _ = made()
    rows = pixels if kind == np.uint8 else np.sqrt(pixels.astype(np.float32))
    generator = np.random.default_rng(0)
    found, weights = generator.normal(size=P + 1), generator.random(N)

    def passes(threads: int) -> list[bytes]:
        if kind == np.uint8:
            taken = columns.scaled(columns.Table(rows), "standard", True, threads)
        else:
            taken = columns.centred(rows, threads)
        every = np.arange(N)
        bent = [taken.bent(found, weights, every, of) for of in (np.float64, np.float32)]
        arrays = *bent, taken.values(found), taken.combined(weights)
        return [array.tobytes() for array in arrays]

    assert passes(1) == passes(2) == passes(5)


def test_numbers_are_centred_as_numpy_does_it():
    pixels, _ = made()
    rows = np.sqrt(pixels.astype(np.float32))
    taken = columns.centred(rows)
    z = np.column_stack([rows - rows.mean(axis=0, dtype=np.float64), np.ones(N)])
    assert np.allclose(taken.products, z.T @ z, rtol=0, atol=1e-6)
    found = np.random.default_rng(0).normal(size=P + 1)
    assert np.allclose(taken.values(found), z @ found, rtol=0, atol=1e-9)
    raw, intercept = taken.raw(found)
    assert np.allclose(rows @ raw + intercept, z @ found, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "grid"), [("logistic", LOGISTICS), ("svm", MACHINES)], ids=["logistic", "svm"]
)
def test_products_of_some_rows_lead_to_the_same_optimum(by_columns, model, grid, monkeypatch):
    usual = models.score(model, grid, by_columns, TRAIN, HELD_OUT)
    made_of = []
    first = columns.Table.products
    monkeypatch.setattr(
        columns.Table,
        "products",
        lambda self, most=None: made_of.append(most) or first(self, most),
    )
    monkeypatch.setattr(columns, "SAMPLE", 2)
    found = models.score(model, grid, by_columns, TRAIN, HELD_OUT)
    assert set(made_of) == {2 * (P + 1)}
    for candidate, one, other in zip(grid, usual, found, strict=True):
        within = 1e-6 * max(1.0, np.abs(one).max()) if model == "logistic" else 1e-3 * one.std()
        assert np.abs(one - other).max() <= within, candidate


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_products_of_some_rows_are_near_those_of_all(scaling, free, monkeypatch):
    pixels, _ = made()
    exact = columns.scaled(columns.Table(pixels), scaling, free).estimate
    monkeypatch.setattr(columns, "SAMPLE", 5)
    near = columns.scaled(columns.Table(pixels), scaling, free).estimate
    assert not np.array_equal(near, exact)
    assert np.linalg.eigvalsh(near)[0] >= -1e-9 * near.trace()
    assert np.abs(near - exact).max() <= 0.3 * np.abs(exact).max()
    assert near.trace() == pytest.approx(exact.trace(), rel=0.1)


def test_candidates_of_a_fold_share_one_product(by_columns, monkeypatch):
    made_of = []
    first = columns.Table.__init__
    monkeypatch.setattr(
        columns.Table, "__init__", lambda self, rows: made_of.append(rows) or first(self, rows)
    )
    models.score("ridge", RIDGES, by_columns, TRAIN, HELD_OUT)
    assert [rows.dtype for rows in made_of] == [np.uint8]


def test_the_hessian_itself_is_made_where_the_product_is_too_far_from_it(by_columns, monkeypatch):
    candidate = [LOGISTICS[-1]]
    (usual,) = models.score("logistic", candidate, by_columns, TRAIN, HELD_OUT)
    monkeypatch.setattr(newton, "PATIENCE", 1)
    (always,) = models.score("logistic", candidate, by_columns, TRAIN, HELD_OUT)
    assert_same(always, usual, 1e-6 * np.abs(usual).max())


def test_a_machine_of_hardly_any_weight_ends_too():
    """Too weak to tell rows apart: nearly all coefficients of the smaller class are at C."""
    generator = np.random.default_rng(0)
    fake = generator.random(6000) < 0.84
    rows = generator.normal(size=(6000, 300))
    rows += fake[:, None] * 3 * generator.normal(size=300) / np.sqrt(300)
    rows *= np.arange(1, 301.0) ** -1
    found, finished = augmented_lagrangian.solve(
        columns.centred(rows.astype(np.float32)), fake, 1e-4
    )
    assert finished
    assert 0 < np.linalg.norm(found[:-1]) < 0.01
    assert found[-1] == pytest.approx(1, abs=1e-3)


def test_a_hessian_is_made_again_of_the_rows_alone_that_changed(by_columns, monkeypatch):
    (usual,) = models.score("svm", MACHINES[:1], by_columns, TRAIN, HELD_OUT)
    monkeypatch.setattr(newton, "PATIENCE", 1)
    monkeypatch.setattr(newton, "SHARE", 0)
    near_the_margin, read = [], []
    step, add = newton.InColumns.step, columns.Columns.add_bent
    monkeypatch.setattr(
        *(newton.InColumns, "step"),
        lambda self, found, curvature, slope: (
            near_the_margin.append(np.count_nonzero(curvature))
            or step(self, found, curvature, slope)
        ),
    )
    monkeypatch.setattr(
        *(columns.Columns, "add_bent"),
        lambda self, hessian, curvature, rows: (
            read.append((near_the_margin[-1], len(rows))) or add(self, hessian, curvature, rows)
        ),
    )
    (found,) = models.score("svm", MACHINES[:1], by_columns, TRAIN, HELD_OUT)
    assert_same(found, usual, 1e-3 * usual.std())
    all_rows, rows = map(sum, zip(*read, strict=True))
    assert len(read) > 2
    assert rows < 0.7 * all_rows


def test_a_machine_that_is_not_finished_says_so(by_columns, monkeypatch):
    monkeypatch.setattr(augmented_lagrangian, "ROUNDS", 2)
    fresh = Training(by_columns.pixels, by_columns.fake)
    models.score("svm", MACHINES[:2], fresh, TRAIN, HELD_OUT)
    assert (
        "did not converge: the augmented Lagrangian method was stopped after 2 rounds"
        in fresh.notes[1]
    )


def test_a_kernel_is_not_solved_in_the_columns(by_columns):
    candidate = {"kernel": "rbf", "C": 1.0, "gamma": "scale", "scaling": "standard"}
    with pytest.raises(ValueError, match="kernel rbf needs a Gram matrix, or landmarks"):
        models.score("svm", [candidate], by_columns, TRAIN, HELD_OUT)


@pytest.mark.parametrize("model", ["ridge", "logistic", "svm"])
def test_constant_columns_alone_give_finite_scores(model):
    rows = np.full((40, 5), 9, np.uint8)
    fake = np.arange(40) % 4 > 0
    grid = {"ridge": RIDGES[0], "logistic": LOGISTICS[4], "svm": MACHINES[1]}
    fitted = models.fit(model, grid[model], Training(InMemoryMatrix(rows), fake))
    scores = models.decide(fitted, InMemoryMatrix(rows))
    assert np.isfinite(scores).all()
    assert (scores > 0).all()


@pytest.mark.parametrize(("C", "kinds"), [(1e-4, {np.float32}), (1e6, {np.float32, np.float64})])
def test_steps_go_on_in_float64_where_the_noise_of_float32_is_too_much(
    by_columns, C, kinds, monkeypatch
):
    taken, first = set(), columns.Columns.bent
    monkeypatch.setattr(
        columns.Columns, "bent", lambda self, *words: taken.add(words[-1]) or first(self, *words)
    )
    candidate = {"C": C, "scaling": "standard", "intercept": "free"}
    models.score("logistic", [candidate], by_columns, TRAIN, HELD_OUT)
    assert taken == kinds
