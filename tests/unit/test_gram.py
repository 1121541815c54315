"""Tests of inner products against numpy, of their exactness and of what the scaler looks at."""

import tracemalloc

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from deepfake.features import matrix
from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import gram, standardise
from deepfake.models.gram import Gram
from deepfake.models.standardise import Scaler
from tests.unit import synthetic

N, P = 40, 2500


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return synthetic.faces(N, P)[0]


@pytest.fixture(scope="module")
def file(pixels, tmp_path_factory) -> Matrix:
    folder = tmp_path_factory.mktemp("gram")
    np.save(folder / "matrix.npy", np.asfortranarray(pixels))
    return Matrix(folder / "matrix.npy")


def standardised(pixels: np.ndarray, fitted_on: np.ndarray) -> np.ndarray:
    """As scikit-learn does it, in float64."""
    mean, scale = pixels[fitted_on].mean(axis=0), pixels[fitted_on].std(axis=0)
    return (pixels - mean) / np.where(scale == 0, 1, scale)


def assert_near(found: np.ndarray, exact: np.ndarray, rows: np.ndarray, others: np.ndarray):
    """Within 1e-5 of the lengths of the two rows of each product."""
    lengths = np.sqrt(np.outer((rows**2).sum(axis=1), (others**2).sum(axis=1)))
    assert (np.abs(found - exact) <= 1e-5 * lengths).all()


def integers(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one.astype(np.int64) @ other.astype(np.int64).T


def test_products_of_raw_pixels_are_exact(pixels, file):
    found = gram.compute(file, "none")
    assert (found.products == integers(pixels, pixels)).all()
    assert (found.sums == pixels.sum(axis=1, dtype=np.int64)).all()


@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_no_second_array_is_as_large_as_the_products(scaling):
    """Of many rows the products are nearly all that a job holds."""
    seen = InMemoryMatrix(np.random.default_rng(0).integers(0, 256, (3000, 4), np.uint8))
    tracemalloc.start()
    try:
        square = gram.compute(seen, scaling).products.nbytes
        assert tracemalloc.get_traced_memory()[1] < 1.8 * square
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", [0, 255])
def test_extreme_pixels_are_exact_too(value):
    pixels = np.full((3, 5000), value, np.uint8)
    assert (gram.compute(InMemoryMatrix(pixels), "none").products == integers(pixels, pixels)).all()


def test_products_of_raw_pixels_have_the_same_bits_for_any_blocks_and_threads(
    file, pixels, monkeypatch
):
    found = []
    for columns in (gram.EXACT, 512, 77):
        for threads in (1, 2):
            monkeypatch.setattr(gram, "EXACT", columns)
            with threadpool_limits(threads):
                found.append(gram.compute(file, "none").products.tobytes())
                found.append(gram.compute(InMemoryMatrix(pixels), "none").products.tobytes())
    assert len(set(found)) == 1


@pytest.mark.parametrize("floats", [gram.FLOATS, N * 300])
def test_standardised_products_equal_numpy_in_float64(pixels, file, monkeypatch, floats):
    monkeypatch.setattr(gram, "FLOATS", floats)
    rows = standardised(pixels, np.arange(N))
    found = gram.compute(file, "standard")
    assert_near(found.products, rows @ rows.T, rows, rows)


def test_products_of_no_more_features_than_rows_are_float64():
    pixels = np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)
    for p, most in ((60, 1e-13), (20, 1e-13)):
        rows = standardised(pixels[:, :p], np.arange(60))
        found = gram.compute(InMemoryMatrix(pixels[:, :p]), "standard")
        assert found.exact
        assert np.abs(found.products - rows @ rows.T).max() < most * p
        values = np.linalg.eigvalsh(found.products)
        assert (np.abs(values[: 60 - min(p, 59)]) < 1e-11).all()
    assert not gram.compute(InMemoryMatrix(pixels[:59]), "standard").exact


def test_a_feature_that_hardly_varies_is_standardised_as_well_as_the_others():
    pixels = np.full((2000, 30), 254, np.uint8)
    pixels[5, :10] = 255
    rows = standardised(pixels, np.arange(2000))
    found = gram.compute(InMemoryMatrix(pixels), "standard").products
    assert np.allclose(found, rows @ rows.T, rtol=1e-5, atol=1e-9)


def test_statistics_come_from_the_fitted_rows_alone(pixels):
    fitted_on, others = np.arange(0, N, 2), np.arange(1, N, 2)
    changed = pixels.copy()
    changed[others] = 255 - changed[others] // 3
    grams = [gram.compute(InMemoryMatrix(p), "standard", fitted_on) for p in (pixels, changed)]
    inside = np.ix_(fitted_on, fitted_on)
    assert np.allclose(grams[0].products[inside], grams[1].products[inside], rtol=1e-6)
    assert not np.allclose(grams[0].products, grams[1].products, rtol=1e-2)
    assert grams[0].varying == grams[1].varying
    for p, found in zip((pixels, changed), grams, strict=True):
        rows = standardised(p, fitted_on)
        assert_near(found.products, rows @ rows.T, rows, rows)


def test_variance_is_what_gamma_scale_asks_for(pixels):
    fitted_on = np.arange(0, N, 2)
    scaled = gram.compute(InMemoryMatrix(pixels), "standard", fitted_on)
    rows = standardised(pixels, fitted_on)[fitted_on]
    assert 0 < rows.var() < 1  # constant features make it less than one
    assert scaled.variance(fitted_on) == pytest.approx(rows.var(), rel=1e-12)
    raw = gram.compute(InMemoryMatrix(pixels), "none")
    assert raw.variance(fitted_on) == pytest.approx(pixels[fitted_on].var(), rel=1e-12)
    assert raw.variance(fitted_on) != pytest.approx(pixels.var(), rel=1e-12)


def test_every_feature_is_reported_once_to_the_progress(file):
    for scaling in ("none", "standard"):
        done = []
        gram.compute(file, scaling, step=done.append)
        assert sum(done) == P


@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_the_scaler_of_rows_equals_numpy(pixels, file, scaling):
    fitted_on = np.arange(3, N)
    scaler = standardise.fit(file.at(fitted_on), scaling)
    if scaling == "none":
        assert scaler == Scaler()
    else:
        deviation = pixels[fitted_on].std(axis=0)
        assert np.allclose(scaler.mean, pixels[fitted_on].mean(axis=0), rtol=1e-14)
        assert np.allclose(scaler.scale, np.where(deviation == 0, 1, deviation), rtol=1e-12)
    found = np.vstack([scaler.apply(block, first) for first, block in file.blocks(300)])
    exact = pixels if scaling == "none" else standardised(pixels, fitted_on)
    assert np.allclose(found.T, exact, rtol=1e-5, atol=1e-6)


def test_cross_products_of_raw_pixels_are_exact(pixels, file):
    others = synthetic.faces(9, P, seed=5)[0]
    products, ours, theirs = gram.cross(file, InMemoryMatrix(others), Scaler())
    assert (products == integers(pixels, others)).all()
    assert (ours == integers(pixels, pixels).diagonal()).all()
    assert (theirs == integers(others, others).diagonal()).all()


def test_cross_products_of_few_extreme_rows_are_exact_too():
    one, other = np.full((1, 5000), 255, np.uint8), np.zeros((2, 5000), np.uint8)
    products, ours, theirs = gram.cross(InMemoryMatrix(one), InMemoryMatrix(other), Scaler())
    assert products.tolist() == [[0, 0]]
    assert (ours.tolist(), theirs.tolist()) == ([5000 * 255**2], [0, 0])


@pytest.mark.parametrize("floats", [gram.FLOATS, 60 * 200])
def test_cross_products_of_standardised_rows_equal_numpy(pixels, file, monkeypatch, floats):
    monkeypatch.setattr(gram, "FLOATS", floats)
    fitted_on = np.arange(N)
    others = pixels[[3, 1, 4]]
    rows = standardised(pixels, fitted_on)
    products, *norms = gram.cross(file, InMemoryMatrix(others), standardise.fit(file, "standard"))
    assert_near(products, rows @ rows[[3, 1, 4]].T, rows, rows[[3, 1, 4]])
    squares = (rows**2).sum(axis=1)
    assert np.allclose(norms[0], squares, rtol=1e-5)
    assert np.allclose(norms[1], squares[[3, 1, 4]], rtol=1e-5)


@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_projections_equal_numpy(pixels, file, scaling, monkeypatch):
    monkeypatch.setattr(matrix, "BLOCK", N * 300)  # several blocks
    rows = pixels.astype(float) if scaling == "none" else standardised(pixels, np.arange(N))
    scaler = standardise.fit(file, scaling)
    coefficients = np.random.default_rng(3).normal(size=N)
    found = gram.project(file, scaler, coefficients)
    assert np.allclose(found, rows.T @ coefficients, rtol=1e-9, atol=1e-9)


def test_dot_equals_numpy(pixels, file, monkeypatch):
    monkeypatch.setattr(matrix, "BLOCK", N * 300)
    weights = np.random.default_rng(4).normal(size=P)
    assert np.allclose(gram.dot(file, weights), pixels @ weights, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_a_saved_gram_is_loaded_as_it_was(pixels, tmp_path, scaling):
    found = gram.compute(InMemoryMatrix(pixels), scaling)
    gram.save(found, tmp_path / "products.npy", tmp_path / "facts.json")
    files = {"products": [tmp_path / "products.npy"], "facts": [tmp_path / "facts.json"]}
    loaded = gram.load_all([scaling], files, [{"scaling": scaling}])[scaling]
    assert isinstance(loaded, Gram)
    assert (loaded.products == found.products).all()
    assert (loaded.p, loaded.varying) == (found.p, found.varying)
    assert np.array_equal(loaded.sums, found.sums)
    assert loaded.variance(np.arange(N)) == found.variance(np.arange(N))


def test_a_job_without_grams_loads_none():
    assert gram.load_all([], {}, [{"n_estimators": 5}]) == {}
    assert gram.load_all(["none"], {"products": ["absent"], "facts": ["absent"]}, []) == {}
