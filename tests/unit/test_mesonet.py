"""Tests of the network: how it learns, goes on after it was killed, and answers from a bundle."""

import json
import logging
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.inference import bundle
from deepfake.inference.bundle import BundleError
from deepfake.models import learning, meso4, mesonet
from deepfake.models import registry as models
from deepfake.models.downscaled_faces import Shrunk
from deepfake.models.registry import Fitted, Training
from tests.unit.clips import SCRIPTS
from tests.unit.test_bundle import FACTS, edit, replace

N, SIZE = 60, 40
CANDIDATE = {
    "epochs": 5, "batch_size": 8, "learning_rate": 0.01, "augment": True, "side": 32,
}  # fmt: skip
HELD_OUT = np.arange(N) % 3 == 0
TRAIN, ASKED = np.flatnonzero(~HELD_OUT), np.flatnonzero(HELD_OUT)
SEED = 3


def faces() -> tuple[np.ndarray, np.ndarray]:
    """Faces uint8 (N, SIZE * SIZE * 3); the fake ones are smoother."""
    import cv2

    generator = np.random.default_rng(0)
    fake = generator.permutation(np.arange(N) % 2 == 0)
    pixels = generator.normal(128, 60, (N, SIZE, SIZE, 3))
    pixels[fake] = [3 * (cv2.blur(face, (3, 3)) - 128) + 128 for face in pixels[fake]]
    return np.clip(pixels, 0, 255).astype(np.uint8).reshape(N, -1), fake


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return faces()


@pytest.fixture(scope="module")
def course(data) -> learning.Course:
    """A training that nobody disturbed."""
    pixels, fake = data
    return mesonet.course(CANDIDATE, Training(InMemoryMatrix(pixels), fake), TRAIN, ASKED, SEED)


@pytest.fixture(scope="module")
def fitted(course) -> Fitted:
    return Fitted("mesonet", CANDIDATE, course.arrays, {"side": CANDIDATE["side"]})


def test_it_learns_what_tells_faces_apart(data, course):
    _, fake = data
    assert course.losses[-1] < 0.7 * course.losses[0]
    assert ((course.scores[-1] >= mesonet.THRESHOLD) == fake[ASKED]).mean() > 0.8


KILLED = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
from deepfake.features.matrix import Matrix
from deepfake.models import learning, mesonet
from deepfake.models.registry import Training

whole = learning._batches
def batches(candidate, faces, fake, train, seed, epoch):
    for number, batch in enumerate(whole(candidate, faces, fake, train, seed, epoch)):
        if epoch == 2 and number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        yield batch
learning._batches = batches

candidate, matrix, labels, rows, folder = sys.argv[1:]
training = Training(Matrix(matrix, np.load(rows)), np.load(labels), folder=Path(folder))
mesonet.fit(json.loads(candidate), training, seed=3)
"""


def test_a_killed_training_goes_on_to_the_same_weights(data, course, tmp_path, caplog):
    """By SIGKILL in the midst of an epoch; and a fit, from a file, is the training of a fold."""
    pixels, fake = data
    np.save(tmp_path / "matrix.npy", np.asfortranarray(pixels))
    np.save(tmp_path / "labels.npy", fake[TRAIN])
    np.save(tmp_path / "rows.npy", TRAIN)
    files = [str(tmp_path / f"{name}.npy") for name in ("matrix", "labels", "rows")]
    folder = tmp_path / "checkpoint"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(CANDIDATE), *files, str(folder)],
        env={"PYTHONPATH": str(SCRIPTS)},
        stderr=subprocess.PIPE,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert sorted(path.suffix or path.name for path in folder.iterdir()) == [".npz", "lock"]
    training = Training(Matrix(tmp_path / "matrix.npy", TRAIN), fake[TRAIN], folder=folder)
    with caplog.at_level(logging.INFO):
        resumed = mesonet.fit(CANDIDATE, training, SEED)
    assert "going on after epoch 2" in caplog.text
    assert resumed.arrays.keys() == course.arrays.keys()
    for name, array in course.arrays.items():
        assert resumed.arrays[name].tobytes() == array.tobytes(), name


def test_fewer_epochs_are_a_prefix_and_held_out_labels_are_not_seen(data, course):
    pixels, fake = data
    lied = np.where(HELD_OUT, ~fake, fake)
    candidates = [CANDIDATE | {"epochs": epochs} for epochs in (2, 1)]
    found = mesonet.score(candidates, Training(InMemoryMatrix(pixels), lied), TRAIN, ASKED, SEED)
    assert [scores.tobytes() for scores in found] == [
        course.scores[epochs].tobytes() for epochs in (1, 0)
    ]


def test_a_checkpoint_of_anything_else_is_not_taken(data):
    pixels, fake = data
    shrunk = Shrunk(InMemoryMatrix(pixels), 32)
    other = pixels.copy()
    other[7, 5] ^= 255
    known = [CANDIDATE, shrunk, fake, TRAIN, ASKED, SEED, 1]
    changed = [
        (0, CANDIDATE | {"learning_rate": 0.02}), (0, CANDIDATE | {"epochs": 9}),
        (1, Shrunk(InMemoryMatrix(other), 32)), (2, ~fake), (3, TRAIN[1:]),
        (4, ASKED[1:]), (5, 4), (6, 2),
    ]  # fmt: skip
    keys = {learning._key(*known)}
    for place, value in changed:
        keys.add(learning._key(*known[:place], value, *known[place + 1 :]))
    assert len(keys) == 1 + len(changed)
    assert learning._key(*known) in keys


def test_a_checkpoint_that_was_cut_short_is_not_taken(tmp_path, caplog):
    file = tmp_path / "checkpoint.npz"
    learning._save(file, [], [0.5], [np.zeros(3)])
    losses, scores = learning._load(file, [])
    assert losses == [0.5]
    assert np.array_equal(scores, [np.zeros(3)])
    content = file.read_bytes()
    for cut in (0, 10, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:cut])
        assert learning._load(file, []) is None
    assert "starts anew" in caplog.text


def test_the_first_weights_depend_on_the_seed():
    first, again, other = (
        learning._network(CANDIDATE, seed, 1)[0].get_weights()[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_bundle_answers_as_keras_does(data, course, fitted):
    pixels, _ = data
    found = models.decide(fitted, InMemoryMatrix(pixels[ASKED]))
    assert found.dtype == np.float64
    assert np.abs(found - course.scores[-1]).max() < 1e-4 * np.abs(found).max()


@pytest.mark.parametrize("side", [4, 6, 10, 16])
def test_a_shrunk_face_is_the_mean_of_its_area(tmp_path, side, monkeypatch):
    """From memory and from a file, with some rows of it, in slices of faces and of lines."""
    pixels = np.random.default_rng(4).integers(0, 256, (N, 300), np.uint8)
    square = pixels.reshape(N, 10, 10, 3).astype(float)
    fine = square.repeat(side, axis=1).repeat(side, axis=2)  # whole pixels of either grid
    exact = fine.reshape(N, side, 10, side, 10, 3).mean(axis=(2, 4))
    rows = np.arange(N)[::-2]
    np.save(tmp_path / "matrix.npy", np.asfortranarray(pixels))
    monkeypatch.setattr("deepfake.models.downscaled_faces.SLICE", 7)
    monkeypatch.setattr("deepfake.models.downscaled_faces.BLOCK", N * side * 8)
    from_file = Shrunk(Matrix(tmp_path / "matrix.npy", rows), side, tmp_path)
    few = np.array([3, 0, 29])
    for found, expected in (
        (Shrunk(InMemoryMatrix(pixels), side).take(np.arange(N)), exact),
        (from_file.take(few), exact[rows[few]]),
    ):
        assert found.dtype == np.uint8
        assert np.array_equal(found, np.floor(expected + 0.5 + 1e-9))
    assert [path.name for path in tmp_path.iterdir()] == ["matrix.npy"]


def test_rows_that_are_no_faces_are_refused():
    with pytest.raises(ValueError, match="100 features are no square RGB face"):
        Shrunk(InMemoryMatrix(np.zeros((2, 100), np.uint8)), 32)


@pytest.fixture
def saved(tmp_path) -> Path:
    """A bundle of a network that nobody trained."""
    generator = np.random.default_rng(1)
    arrays = {name: generator.normal(size=shape) for name, shape in meso4.shapes(32).items()}
    fitted = Fitted("mesonet", CANDIDATE, arrays, {"side": 32})
    folder = tmp_path / "mesonet"
    bundle.save(fitted, FACTS, folder, folder / bundle.FILE)
    loaded, _ = bundle.load(folder)
    assert loaded.arrays.keys() == arrays.keys()
    assert all(np.array_equal(loaded.arrays[name], array) for name, array in arrays.items())
    return folder


FRESH = """
import sys
import numpy as np
from deepfake.features.matrix import InMemoryMatrix
from deepfake.inference import bundle
from deepfake.models import registry as models
fitted, record = bundle.load(sys.argv[1])
print(models.decide(fitted, InMemoryMatrix(np.full((2, 300), 90, np.uint8))).tolist())
heavy = {"sklearn", "tensorflow", "keras", "cv2", "scipy"} & set(sys.modules)
assert not heavy and not record["contains_training_images"], heavy
"""


def test_a_fresh_process_without_tensorflow_decides_the_same(saved):
    told = subprocess.run(
        [sys.executable, "-c", FRESH, str(saved)],
        env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    fitted, _ = bundle.load(saved)
    expected = models.decide(fitted, InMemoryMatrix(np.full((2, 300), 90, np.uint8)))
    np.testing.assert_allclose(json.loads(told.stdout), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("conv2_kernel", lambda a: a[:, :, :4], "conv2_kernel is"),
        ("dense1_kernel", lambda a: np.vstack([a, a]), "dense1_kernel is"),
        ("norm3_scale", lambda a: a * np.inf, "not finite"),
        ("norm4_shift", lambda a: a + 1e7, "holds numbers above 1e"),
        ("dense2_bias", lambda a: a.astype(np.float32), "not what"),
        ("conv1_bias", lambda a: a[:, None], "not what"),
    ],
)
def test_a_wrong_array_is_refused_even_with_its_hash(saved, name, change, reason):
    with np.errstate(invalid="ignore"):
        replace(saved, name, change(np.load(saved / f"{name}.npy")))
    with pytest.raises(BundleError, match=reason):
        bundle.load(saved)


@pytest.mark.parametrize("side", [0, -32, 48, 64, 32.0, True, "32", None, 32 * 10**9])
def test_a_side_that_is_not_the_networks_is_refused(saved, side):
    edit(saved, lambda record: record["settings"].update(side=side))
    with pytest.raises(BundleError):
        bundle.load(saved)


def test_the_heaviest_weights_that_are_allowed_give_a_finite_score():
    arrays = {name: np.full(shape, mesonet.MAX_WEIGHT) for name, shape in meso4.shapes(64).items()}
    assert np.isfinite(meso4.logit(arrays, np.full((64, 64, 3), 255, np.uint8)))
