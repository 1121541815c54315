"""The same checks of every model on every feature set."""

import itertools
import json

import numpy as np
import pytest

from deepfake import bundle, config, features, gram, models, sweep
from deepfake.matrix import Faces
from deepfake.models import Fitted, Training, average
from deepfake.report import charts
from tests.unit import synthetic
from tests.unit.test_bundle import FACTS

SIZE = 10  # of a face
LENGTHS = {name: features.length(name, SIZE) for name in (features.PIXELS, *features.NAMES)}
N, FAKES = 26, 13
TRAIN, HELD_OUT = np.arange(18), np.arange(18, N)
AVERAGED = ("logistic", "forest", "knn")
CALIBRATED = {"slope": 1.5, "intercept": -0.25}
QUICK = [name for name in models.NAMES if name != "mesonet"]  # its checks: test_mesonet.py
EVERY = list(itertools.product(QUICK, LENGTHS))


def vectors(length: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a feature set, uint8 (N, length), and labels; three columns tell the classes."""
    generator = np.random.default_rng(seed)
    fake = np.arange(N) % 2 == 0
    rows = generator.integers(100, 140, (N, length))
    rows[:, :3] += 60 * fake[:, None]
    return rows.astype(np.uint8), fake


def training(rows: np.ndarray, fake: np.ndarray, fitted_on: np.ndarray | None = None) -> Training:
    scalings = ("none", "standard")
    return Training(
        Faces(rows), fake, {s: gram.compute(Faces(rows), s, fitted_on) for s in scalings}
    )


def fit(model: str, rows: np.ndarray, fake: np.ndarray) -> Fitted:
    if model == "average":
        return average.join(members(rows, fake))
    return models.fit(model, synthetic.GRIDS[model][0], training(rows, fake), seed=1)


def members(rows: np.ndarray, fake: np.ndarray) -> dict[str, tuple[Fitted, dict]]:
    return {name: (fit(name, rows, fake), CALIBRATED) for name in AVERAGED}


def same(one: Fitted, other: Fitted) -> None:
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype
        assert array.tobytes() == other.arrays[name].tobytes(), name
    assert (one.candidate, one.settings) == (other.candidate, other.settings)
    assert (one.threshold, one.contains_training_images) == (
        other.threshold, other.contains_training_images,
    )  # fmt: skip


@pytest.mark.parametrize(("model", "features_"), EVERY)
def test_a_model_learns_a_feature_set_and_comes_back_from_its_bundle(model, features_, tmp_path):
    """Fitted, scored, fitted again to the same bytes, saved, loaded and asked."""
    rows, fake = vectors(LENGTHS[features_])
    unseen, _ = vectors(LENGTHS[features_], seed=5)
    fitted = fit(model, rows, fake)
    found = models.decide(fitted, Faces(unseen))
    assert found.shape == (N,)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert found[fake].mean() > found[~fake].mean()
    same(fit(model, rows, fake), fitted)
    seen = {"name": features_, "length": len(rows[0]), "version": features.version(features_)}
    bundle.save(fitted, FACTS | {"features": seen}, tmp_path, tmp_path / bundle.FILE)
    loaded, record = bundle.load(tmp_path)
    same(loaded, fitted)
    assert json.loads(json.dumps(record["candidate"])) == fitted.candidate
    assert models.decide(loaded, Faces(unseen)).tobytes() == found.tobytes()


SEARCHED = sorted(set(models.NAMES) - {"average"})


@pytest.mark.parametrize("model", sorted(set(QUICK) & set(SEARCHED)))
def test_scores_of_a_fold_are_the_same_each_time(model):
    rows, fake = vectors(LENGTHS["noise"])
    asked = model, synthetic.GRIDS[model], training(rows, fake, TRAIN), TRAIN, HELD_OUT
    first, second = models.score(*asked, seed=3), models.score(*asked, seed=3)
    assert [scores.tobytes() for scores in first] == [scores.tobytes() for scores in second]
    for scores in first:
        assert scores.shape == HELD_OUT.shape
        assert scores[fake[HELD_OUT]].mean() > scores[~fake[HELD_OUT]].mean()


@pytest.mark.parametrize("only", ["fake", "real"])
@pytest.mark.parametrize("model", SEARCHED)
def test_one_class_is_no_training(model, only):
    rows, _ = vectors(LENGTHS["lbp"])
    one = np.full(N, only == "fake")
    grid = synthetic.GRIDS.get(model, [{}])
    with pytest.raises(ValueError, match=f"all {N} training rows are {only}, and a model learns"):
        models.fit(model, grid[0], training(rows, one))
    folded = training(rows, np.where(np.arange(N) < 18, one, ~one), TRAIN)
    with pytest.raises(ValueError, match=f"all 18 training rows are {only}, and a model learns"):
        models.score(model, grid, folded, TRAIN, HELD_OUT)


@pytest.mark.parametrize("model", QUICK)
def test_constant_features_tell_no_row_from_another(model):
    rows, fake = np.full((N, 30), 200, np.uint8), np.arange(N) < FAKES
    found = models.decide(fit(model, rows, fake), Faces(rows))
    assert np.isfinite(found).all()
    assert np.ptp(found) < 1e-9


def test_every_list_names_every_model():
    assert models.NAMES == sweep.MODELS == tuple(config.Sweep.model_fields) == tuple(charts.AXES)
    looks = [(charts.COLOURS[name], charts.STROKES[name]) for name in models.NAMES]
    assert len(set(looks)) == len(models.NAMES)
    assert set(sweep.NARROW) < set(models.NAMES)
