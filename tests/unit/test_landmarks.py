"""Tests of machines by landmarks: with all rows as landmarks the exact ones, and brute force."""

import dataclasses

import numpy as np
import pytest

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import columns, gram, landmarks, layout, svm
from deepfake.models import registry as models
from deepfake.models.catalogue import SPECS
from deepfake.models.registry import Training
from deepfake.models.specs import svm as specs_svm
from deepfake.workflow import checks
from tests.unit import synthetic
from tests.unit.test_model_checks import settings
from tests.unit.test_plan import plan

N, P = 160, 60
TRAIN, HELD_OUT = np.arange(110), np.arange(110, N)
EXACT = [
    {"kernel": kernel, "C": C, "gamma": gamma, "scaling": scaling}
    for kernel, C, gamma, scaling in (
        ("rbf", 2.0, "scale", "standard"),
        ("rbf", 0.5, "scale", "none"),
        ("rbf", 30.0, 0.002, "standard"),
        ("poly", 1.0, "auto", "standard"),
    )
]


@pytest.fixture(scope="module")
def training() -> Training:
    pixels, fake = synthetic.faces(N, P, 1)
    fake = fake ^ (np.random.default_rng(1).random(N) < 0.15)
    groups = np.array([f"person {row // 8}" for row in range(N)], object)
    return Training(InMemoryMatrix(pixels), fake, groups=groups)


def with_grams(training: Training) -> Training:
    grams = {s: gram.compute(training.pixels, s, TRAIN) for s in ("standard", "none")}
    return dataclasses.replace(training, grams=grams)


@pytest.mark.parametrize("candidate", EXACT, ids=synthetic.name)
def test_all_rows_as_landmarks_give_the_exact_machine(training, candidate, monkeypatch):
    monkeypatch.setattr(landmarks, "NOISE", 1e-12)
    monkeypatch.setattr(landmarks, "KERNEL_BYTES", 1)
    monkeypatch.setattr(landmarks, "HELD", 50 * P)
    monkeypatch.setattr(landmarks, "FEWEST", 37)  # rows of a block
    monkeypatch.setattr(columns, "SAMPLE", 0.7)
    (exact,) = svm.score([candidate], with_grams(training), TRAIN, HELD_OUT, tolerance=1e-8)
    (found,) = svm.score([candidate | {"landmarks": 10**6}], training, TRAIN, HELD_OUT)
    assert np.abs(found - exact).max() <= 5e-3 * exact.std()
    assert ((found >= 0) == (exact >= 0)).all()


def test_more_landmarks_come_nearer_to_the_exact_machine(training):
    exact = EXACT[0]
    (wanted,) = svm.score([exact], with_grams(training), TRAIN, HELD_OUT)
    grid = [exact | {"landmarks": count} for count in (4, 30, 90)]
    apart = [
        np.abs(scores - wanted).mean() for scores in svm.score(grid, training, TRAIN, HELD_OUT)
    ]
    assert apart[0] > 2 * apart[1] > 2 * apart[2]


def test_candidates_of_all_kinds_keep_their_places(training):
    """Exact and approximate ones, of several numbers of landmarks, in one call and alone."""
    grid = [
        EXACT[0] | {"landmarks": 20},
        EXACT[1],
        EXACT[0] | {"landmarks": 20, "C": 0.1},
        {"kernel": "linear", "C": 0.01, "scaling": "standard"},
        EXACT[3] | {"landmarks": 9},
    ]
    whole = with_grams(training)
    together = svm.score(grid, whole, TRAIN, HELD_OUT, seed=3)
    for candidate, scores in zip(grid, together, strict=True):
        (alone,) = svm.score([candidate], whole, TRAIN, HELD_OUT, seed=3)
        assert np.allclose(scores, alone, atol=1e-9, rtol=0), candidate
        assert scores.std() > 0
    assert len({scores.tobytes() for scores in together}) == len(grid)


def test_a_machine_by_landmarks_is_kept_as_its_landmarks(training, tmp_path):
    np.save(tmp_path / "matrix.npy", np.asfortranarray(training.pixels.take(np.arange(N))))
    stored = dataclasses.replace(training, pixels=Matrix(tmp_path / "matrix.npy"))
    candidate = EXACT[0] | {"landmarks": 25}
    fitted = models.fit("svm", candidate, stored, seed=5)
    assert fitted.contains_training_images
    drawn = landmarks.draw(training.groups, 25, 5)
    assert (fitted.arrays["support_vectors"] == training.pixels.take(drawn)).all()
    every = np.arange(N)
    (scores,) = svm.score([candidate], training, every, every, seed=5)
    assert np.allclose(models.decide(fitted, stored.pixels), scores, atol=1e-9, rtol=0)
    other = models.fit("svm", candidate, stored, seed=6)
    assert (other.arrays["support_vectors"] != fitted.arrays["support_vectors"]).any()


def test_landmarks_are_dealt_evenly_to_groups_and_fewer_are_among_more():
    groups = np.repeat(["a", "b", "c", "d"], [1000, 100, 10, 3]).astype(object)
    mixed = np.random.default_rng(0).permutation(groups)
    before: set[int] = set()
    for count, wanted in ((8, [2, 2, 2, 2]), (40, [14, 13, 10, 3]), (43, [15, 15, 10, 3])):
        drawn = landmarks.draw(mixed, count, seed=4)
        assert (np.diff(drawn) > 0).all()
        assert before < set(drawn)
        before = set(drawn)
        found = sorted((np.count_nonzero(mixed[drawn] == group) for group in "abcd"), reverse=True)
        assert found == sorted(wanted, reverse=True)
    assert (landmarks.draw(mixed, 2000, seed=4) == np.arange(len(mixed))).all()
    assert (landmarks.draw(mixed, 40, 4) == landmarks.draw(mixed, 40, 4)).all()
    assert (landmarks.draw(mixed, 40, 4) != landmarks.draw(mixed, 40, 5)).any()


def test_equal_rows_are_no_obstacle():
    pixels = np.full((30, P), 200, np.uint8)
    alike = Training(InMemoryMatrix(pixels), np.arange(30) < 12)
    every = np.arange(30)
    (scores,) = svm.score([EXACT[0] | {"landmarks": 7}], alike, every, every)
    assert np.isfinite(scores).all()
    assert np.ptp(scores) < 1e-9


# The sweep, and what its jobs request.

VIDEOS = [
    {"video_id": f"v{n}", "path": f"v{n}.mp4", "label": ("real", "fake")[n % 2], "batch": "b0"}
    for n in range(20)
]
GRID = {"kernel": ["linear", "rbf"], "landmarks": ["none", 1024, 2048]}


def test_only_kernels_have_landmarks_and_none_of_them_is_the_exact_machine():
    found = plan(500, 50, sweep={"svm": GRID}).candidates["svm"]
    assert [(c["kernel"], c.get("landmarks")) for c in found] == [
        ("linear", None), ("rbf", 1024), ("rbf", 2048), ("rbf", None),
    ]  # fmt: skip
    assert found == sorted(found, key=SPECS["svm"].order)


def test_landmarks_need_no_gram_matrix_and_are_searched_apart():
    some = plan(500, 50, sweep={"svm": GRID})
    approximate, exact = (some.chunks["svm"][name] for name in ("c001", "c000"))
    assert (exact, approximate) == ([0, 3], [1, 2])
    assert some.grams("svm", "pixels", "c000", "1") == ["standard.1"]
    assert some.grams("svm", "pixels", "c001", "1") == []
    alone = plan(500, 50, sweep={"svm": GRID | {"kernel": ["rbf"], "landmarks": [1024]}})
    assert not [rule for rule, _ in alone.jobs() if rule == "gram"]


def test_jobs_request_by_their_landmarks():
    on = {"features": "residuals", "protocol": "grouped", "model": "svm"}
    few, many = (
        plan(500, 50, sweep={"svm": {"landmarks": [count]}}, search={"max_gram_rows": 10})
        for count in (64, 2048)
    )
    search = on | {"chunk": "c000", "fold": "0"}
    assert few.formulas("search", search) == few.formulas("fit", on) == ["svm landmarks"]
    assert few.formulas("evaluate", on) == ["svm evaluate"]
    assert few.mem_mb("search", search) < many.mem_mb("search", search)
    mixed = plan(500, 50, sweep={"svm": GRID})
    assert mixed.formulas("fit", on) == ["svm fit", "svm landmarks"]
    assert mixed.formulas("search", search) == ["svm"]
    assert mixed.formulas("search", search | {"chunk": "c001"}) == ["svm landmarks"]
    assert few.size(on).compared == 64
    some = plan(20, 5, sweep={"svm": {"landmarks": [10**6]}})
    assert some.size(search).landmarks == some.size(search).training
    assert mixed.size(on).compared == mixed.size(on).training


def test_models_that_compare_with_no_rows_do_not_count_as_comparing_with_all():
    sweep = {"svm": {"landmarks": [64]}, "forest": {}, "average": {}}
    on = {"features": "residuals", "protocol": "grouped", "model": "average"}
    assert plan(500, 50, sweep=sweep).size(on).compared == 64


def test_formulas_go_by_the_blocks_that_are_read():
    assert (specs_svm.BLOCK, specs_svm.HELD) == (landmarks.KERNEL_BYTES, landmarks.HELD)


def test_a_stored_matrix_is_read_once_for_many_blocks(training, tmp_path, monkeypatch):
    np.save(tmp_path / "matrix.npy", np.asfortranarray(training.pixels.take(np.arange(N))))
    matrix, reads = Matrix(tmp_path / "matrix.npy"), []
    first = Matrix.take
    monkeypatch.setattr(Matrix, "take", lambda *how: reads.append(how) or first(*how))
    monkeypatch.setattr(landmarks, "KERNEL_BYTES", 1)
    monkeypatch.setattr(landmarks, "FEWEST", 7)
    found = list(landmarks.blocks(matrix, 5))
    assert len(reads) == 1
    assert [some.stop - some.start for some, _ in found] == [7] * (N // 7) + [N % 7]
    assert (np.concatenate([rows for _, rows in found]) == first(matrix, np.arange(N))).all()


@pytest.mark.parametrize("count", ["many", 0, True, 3])
def test_a_bundle_whose_landmarks_are_not_its_rows_is_refused(training, count):
    fitted = models.fit("svm", EXACT[0] | {"landmarks": 25}, training)
    record = {"candidate": fitted.candidate | {"landmarks": count}, "settings": fitted.settings}
    with pytest.raises(layout.Refused, match="landmarks"):
        svm.check(fitted.arrays, P, record)


def test_above_the_limit_of_rows_landmarks_are_taken_and_named_in_a_refusal():
    limit = {"features": ["pixels", "lbp"], "search": {"max_gram_rows": 10}}
    taken = settings("svm", {"landmarks": [16]}, **limit)
    assert not [line for line in checks.problems(taken, VIDEOS) if "max_gram_rows" in line]
    mixed = settings("svm", {"landmarks": ["none", 16]}, **limit)
    (line,) = (line for line in checks.problems(mixed, VIDEOS) if "max_gram_rows" in line)
    assert line.startswith("sweep.svm on pixels and lbp: ")
    assert "svm of kernel rbf or poly with sweep.svm.landmarks (an approximation)" in line
