"""The same checks of every model, from its configuration to its verdict.

A new model is two files, `scripts/deepfake/models/NAME.py` and `models/specs/NAME.py`, and is taken
through all of these by being there: see `test_new_model.py`.
"""

import dataclasses
import itertools
import json
import re

import numpy as np
import pytest

from deepfake.core import codehash
from deepfake.features import registry as features
from deepfake.features.matrix import InMemoryMatrix
from deepfake.inference import bundle, classify
from deepfake.inference.bundle import BundleError
from deepfake.models import average, catalogue, gram, sweep
from deepfake.models import registry as models
from deepfake.models.catalogue import SPECS
from deepfake.models.model_spec import ModelSpec
from deepfake.models.registry import Fitted, Training
from deepfake.report import charts
from deepfake.workflow import checks, config, extra_jobs, resources
from deepfake.workflow.plan import Plan
from tests.unit import synthetic
from tests.unit.test_bundle import FACTS, edit, replace

SIZE = 10  # of a face
LENGTHS = {name: features.length(name, SIZE) for name in (features.PIXELS, *features.NAMES)}
N, FAKES = 26, 13
TRAIN, HELD_OUT = np.arange(18), np.arange(18, N)
AVERAGED = ("logistic", "forest", "knn")
CALIBRATED = {"slope": 1.5, "intercept": -0.25}
EVERYONE = list(SPECS)
SEARCHED = [name for name in EVERYONE if not SPECS[name].combines]
QUICK = [name for name in EVERYONE if name != "mesonet"]  # its training: test_mesonet.py
EVERY = [
    (name, features_)
    for name, features_ in itertools.product(QUICK, LENGTHS)
    if LENGTHS[features_] <= (SPECS[name].max_columns or LENGTHS[features_])
]
RULE_SCRIPTS = ("search", "choose", "fit", "evaluate", "average", "selection", "summary", "report")


def vectors(length: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a feature set, uint8 (N, length), and labels.

    A tenth of the columns is higher in the fakes; another one varies in the real rows alone.
    """
    generator = np.random.default_rng(seed)
    fake = np.arange(N) % 2 == 0
    rows = generator.integers(100, 140, (N, length))
    tenth = max(3, length // 10)
    rows[:, :tenth] += 60 * fake[:, None]
    rows[:, tenth : 2 * tenth] += (50 * generator.choice([-1, 1], N) * ~fake)[:, None]
    return rows.astype(np.uint8), fake


def training(rows: np.ndarray, fake: np.ndarray, fitted_on: np.ndarray | None = None) -> Training:
    scalings = ("none", "standard")
    return Training(
        InMemoryMatrix(rows),
        fake,
        {s: gram.compute(InMemoryMatrix(rows), s, fitted_on) for s in scalings},
    )


def defaults(model: str) -> dict[str, list]:
    """Every key of a model's grid with its default."""
    return SPECS[model].grid().model_dump(mode="json")


def candidates(model: str) -> list[dict]:
    """Some small candidates; of a new model its defaults."""
    return synthetic.GRIDS.get(model) or sweep.candidates(model, defaults(model))


def fit(model: str, rows: np.ndarray, fake: np.ndarray) -> Fitted:
    if model == "average":
        return average.join(members(rows, fake))
    return models.fit(model, candidates(model)[0], training(rows, fake), seed=1)


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
    found = models.decide(fitted, InMemoryMatrix(unseen))
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
    assert models.decide(loaded, InMemoryMatrix(unseen)).tobytes() == found.tobytes()


@pytest.mark.parametrize("model", [name for name in SEARCHED if name in QUICK])
def test_scores_of_a_fold_are_the_same_each_time(model):
    rows, fake = vectors(LENGTHS["noise"])
    asked = model, candidates(model), training(rows, fake, TRAIN), TRAIN, HELD_OUT
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
    grid = candidates(model)
    with pytest.raises(ValueError, match=f"all {N} training rows are {only}, and a model learns"):
        models.fit(model, grid[0], training(rows, one))
    folded = training(rows, np.where(np.arange(N) < 18, one, ~one), TRAIN)
    with pytest.raises(ValueError, match=f"all 18 training rows are {only}, and a model learns"):
        models.score(model, grid, folded, TRAIN, HELD_OUT)


@pytest.mark.parametrize("model", QUICK)
def test_constant_features_tell_no_row_from_another(model):
    rows, fake = np.full((N, 30), 200, np.uint8), np.arange(N) < FAKES
    found = models.decide(fit(model, rows, fake), InMemoryMatrix(rows))
    assert np.isfinite(found).all()
    assert np.ptp(found) < 1e-9


# The record.


def test_names_are_those_of_modules_and_records():
    assert set(models.NAMES) == set(SPECS)
    assert all(isinstance(spec, ModelSpec) for spec in SPECS.values())
    positions, ranks = ([getattr(s, of) for s in SPECS.values()] for of in ("position", "rank"))
    assert positions == sorted(set(positions))
    assert len(set(ranks)) == len(ranks)
    assert {*SPECS}.isdisjoint(resources.OF_RULES.keys() - {"average"})  # one name, one formula


@pytest.mark.parametrize("model", EVERYONE)
def test_a_record_cannot_be_changed(model):
    with pytest.raises(dataclasses.FrozenInstanceError):
        SPECS[model].rank = 0
    with pytest.raises(TypeError):
        SPECS[model].formulas["search"] = None


@pytest.mark.parametrize("model", EVERYONE)
def test_no_job_depends_on_a_record(model):
    """So a formula of memory that changes runs no job again."""
    for script in RULE_SCRIPTS:
        found, _ = codehash.dependencies(script, f"models.{model}")
        assert f"deepfake/models/{model}.py" in found
        assert not [name for name in found if re.search("/specs/[a-z]|model_spec|job_size", name)]


# The configuration.


def settings(model: str, grid: dict | None = None, **more) -> config.Config:
    """A model alone, or with what it joins."""
    others = {"forest": {}, "logistic": {}} if SPECS[model].combines else {}
    return config.load({"sweep": others | {model: grid or {}}} | more, "x")


@pytest.mark.parametrize("model", EVERYONE)
def test_its_keys_are_known_with_their_meaning_and_no_others(model):
    filled = settings(model).model_dump(mode="json")["sweep"][model]
    assert filled == defaults(model)
    documented = {path: what for path, _, what, _ in config.keys()}
    for name in filled:
        assert documented[f"sweep.{model}.{name}"]
    with pytest.raises(config.ConfigError, match=rf"sweep\.{model}\.oracle: unknown key"):
        settings(model, {"oracle": [1]})
    with pytest.raises(config.ConfigError, match=rf"sweep\.{model}\.{next(iter(filled))}\b"):
        settings(model, {next(iter(filled)): [{}]})


# The search.


@pytest.mark.parametrize("model", EVERYONE)
def test_candidates_have_one_order_whatever_order_their_values_are_written_in(model):
    several: dict[str, list] = {}
    for candidate in candidates(model):
        for name, value in candidate.items():
            if value not in several.setdefault(name, []):
                several[name].append(value)
    grid = defaults(model) | several
    found = sweep.candidates(model, grid)
    assert found == sweep.candidates(model, {name: v[::-1] for name, v in grid.items()})
    assert found == sorted(found, key=SPECS[model].order)
    assert len(found) == len({json.dumps(one, sort_keys=True) for one in found})
    assert all(SPECS[model].axis in one for one in found)
    dealt = [number for job in sweep.chunks(model, found, 2) for number in job]
    assert sorted(dealt) == ([] if SPECS[model].combines else [*range(len(found))])


# The plan and what its jobs ask for.


def planned(model: str, videos: int, **more) -> tuple[Plan, list[tuple[str, dict]]]:
    """A run of a model on few pixels, and its jobs and those of the targets beside it."""
    rows = [
        {"video_id": f"v{n}", "path": f"v{n}.mp4", "batch": f"b{n // 5}", "group_id": f"g{n // 2}"}
        | {"label": "real" if n % 2 else "fake"}
        for n in range(videos)
    ]
    chosen = settings(model, faces={"size": 32}, features=["pixels", "lbp"], **more)
    assert checks.problems(chosen, rows) == []
    made = Plan(chosen, rows)
    return made, [*made.jobs(), *extra_jobs.jobs(chosen, made)]


@pytest.mark.parametrize("model", EVERYONE)
def test_a_run_of_it_has_its_jobs_on_the_features_that_it_takes(model):
    spec, (made, jobs) = SPECS[model], planned(model, 20)
    rules = {rule for rule, wildcards in jobs if wildcards.get("model") == model}
    searched = {"average"} if spec.combines else {spec.search_rule, "choose", "fit"}
    assert rules >= {*searched, "evaluate", "robustness_scores"}
    assert ("gram" in {rule for rule, _ in jobs}) == any(
        SPECS[name].uses_gram for name in made.candidates
    )
    seen = {w["features"] for rule, w in jobs if rule == "evaluate" and w["model"] == model}
    assert seen == ({"pixels"} if spec.pixels_only else {"pixels", "lbp"})


@pytest.mark.parametrize("model", EVERYONE)
def test_each_job_asks_for_something_and_for_no_less_where_there_are_more_videos(model):
    (small, jobs), (large, _) = planned(model, 20), planned(model, 200)
    for rule, wildcards in jobs:
        asked = [
            (made.mem_mb(rule, wildcards), made.threads(rule, wildcards)) for made in (small, large)
        ]
        assert 500 <= asked[0][0] <= asked[1][0]
        assert 1 <= asked[0][1] <= asked[1][1]
        minutes = [made.minutes(rule, wildcards) for made in (small, large)]
        assert 10 <= minutes[0] <= minutes[1] * asked[1][1]


@pytest.mark.parametrize("model", [name for name, spec in SPECS.items() if spec.max_columns])
def test_a_feature_set_with_too_many_columns_is_refused_by_its_name(model):
    rows = [{"video_id": "v", "path": "v", "label": "real", "batch": "b", "group_id": "g"}]
    (line, *_) = checks.problems(settings(model), rows)
    assert line.startswith(f"sweep.{model}: ")
    assert f"up to {SPECS[model].max_columns:,} columns" in line


# The bundle.


def saved(model: str, folder) -> tuple[Fitted, np.ndarray]:
    """A fitted model as a bundle in a folder, and rows that it has not learnt from."""
    rows, fake = vectors(LENGTHS["lbp"])
    fitted = fit(model, rows, fake)
    seen = {"name": "lbp", "length": len(rows[0]), "version": features.version("lbp")}
    bundle.save(fitted, FACTS | {"features": seen}, folder, folder / bundle.FILE)
    return fitted, vectors(LENGTHS["lbp"], seed=5)[0]


@pytest.mark.parametrize("model", QUICK)
def test_an_array_that_is_not_what_it_must_be_is_refused(model, tmp_path):
    """Shorter along any axis, of another type, not finite, or not there."""
    fitted, _ = saved(model, tmp_path)
    for name, array in fitted.arrays.items():
        broken = [np.delete(array, -1, axis) for axis in range(array.ndim)]
        broken += [array[None], array.astype(np.float32)]
        if array.dtype == np.float64:
            broken.append(array * np.nan)
        for wrong in broken:
            replace(tmp_path, name, wrong)
            with pytest.raises(BundleError):
                bundle.load(tmp_path)
        replace(tmp_path, name, array)
        same(bundle.load(tmp_path)[0], fitted)
    record = (tmp_path / bundle.FILE).read_text()
    for name in fitted.arrays:
        edit(tmp_path, lambda record, name=name: record["arrays"].pop(name))
        with pytest.raises(BundleError, match="does not hold the arrays"):
            bundle.load(tmp_path)
        (tmp_path / bundle.FILE).write_text(record)


@pytest.mark.parametrize("model", QUICK)
def test_a_bundle_without_one_of_its_settings_is_refused(model, tmp_path):
    fitted, _ = saved(model, tmp_path)
    record = (tmp_path / bundle.FILE).read_text()
    for name in fitted.settings:
        edit(tmp_path, lambda record, name=name: record["settings"].pop(name))
        with pytest.raises(BundleError):
            bundle.load(tmp_path)
        (tmp_path / bundle.FILE).write_text(record)


# The verdict.


@pytest.mark.parametrize("model", QUICK)
def test_a_fake_video_gets_the_larger_probability(model, tmp_path):
    saved(model, tmp_path)
    loaded, record = bundle.load(tmp_path)
    rows, fake = vectors(LENGTHS["lbp"])
    said = {}
    for label in (True, False):
        faces = [
            {"video_id": "v", "frame": str(n), "face": "0", "status": "kept", "crop_row": n}
            | {"x": 0, "y": 0, "width": 100, "height": 100, "confidence": 1, "sharpness": 50}
            for n in range((fake == label).sum())
        ]
        scored = classify.frame_scores(faces, rows[fake == label], loaded)
        said[label], _ = classify.verdict(scored, record, 0.5)
        assert said[label]["faces"] == 1
        assert 0 <= said[label]["probability"] <= 1
    assert said[True]["probability"] > said[False]["probability"]


# The page.


@pytest.mark.parametrize("model", EVERYONE)
def test_its_search_is_drawn_along_its_axis(model):
    spec = SPECS[model]
    assert spec.axis in spec.grid.model_fields
    found = [
        {"settings": sweep.candidates(model, defaults(model))[0] | {spec.axis: value}}
        | {"mean": 0.7, "low": 0.6, "high": 0.8}
        for value in (1.0, 10.0)
    ]
    drawn, lines = charts.search("figure", model, found, "ROC AUC")
    assert spec.axis in drawn
    assert "<svg" in drawn
    assert lines == 1


def test_no_two_models_look_alike_in_a_chart():
    looks = [(charts.COLOURS[name], charts.STROKES[name]) for name in EVERYONE]
    assert len(set(looks)) == len(EVERYONE)
    assert list(catalogue.on_pages(EVERYONE)) == EVERYONE
