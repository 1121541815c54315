"""MesoNet (Afchar et al. 2018): the small network Meso4 on faces shrunk to `side` pixels.

As in the paper: the layers, dropout, Adam, and faces changed a little in each epoch. Not as in the
paper: the rate of learning stays as it is, the side is a setting, and the number of epochs is
chosen on the folds, which is early stopping. Fewer epochs are a prefix of more, so a grid over
epochs trains once and scores on the way.
"""

from __future__ import annotations

import contextlib

import numpy as np

from deepfake.core import partial_files
from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import meso4
from deepfake.models.downscaled_faces import Shrunk
from deepfake.models.layout import Layout, demand
from deepfake.models.registry import Fitted, Training

THRESHOLD = 0.0
AT_ONCE = 64  # faces read to be judged
MAX_WEIGHT = 1e6  # ten layers of larger ones may leave the range of numbers
MAX_SIDE = 1024  # of the faces that a network sees
LAYOUTS: tuple[Layout, ...] = (  # one shape depends on the side of the faces
    {name: ("float64", shape) for name, shape in meso4.shapes(meso4.SHRINKAGE).items()}
    | {"dense1_kernel": ("float64", ("inputs", meso4.DENSE))},
)


def course(
    candidate: dict,
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
):
    """Losses, scores and arrays of a training: a `learning.Course`.

    Args:
        candidate: the settings. training: its folder keeps the checkpoint.
        train, held_out: positions of the rows to learn from, and of those to score.

    Raises:
        BusyError: another copy of this job trains in the folder.
    """
    from deepfake.models import learning  # TensorFlow, which a verdict need not wait for

    with partial_files.lock(training.folder) if training.folder else contextlib.nullcontext():
        faces = Shrunk(training.pixels, candidate["side"], training.folder)
        rows = faces, training.fake, train, held_out
        return learning.run(candidate, *rows, seed, threads, training.folder)


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Log odds of held-out rows for each candidate, trained on the rows `train`."""
    longest: dict[str, dict] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate["epochs"]):
        longest[_family(candidate)] = candidate
    courses = {
        family: course(candidate, training, train, held_out, seed, threads)
        for family, candidate in longest.items()
    }
    return [courses[_family(c)].scores[c["epochs"] - 1] for c in candidates]


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Train on all training rows."""
    every, none = np.arange(len(training.fake)), np.arange(0)
    trained = course(candidate, training, every, none, seed, threads)
    return Fitted("mesonet", candidate, trained.arrays, {"side": candidate["side"]})


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Log odds of fake of each row, float64 (n,)."""
    faces = Shrunk(matrix, fitted.settings["side"])
    positions = np.arange(matrix.shape[0])
    found = np.empty(len(positions))
    for first in range(0, len(positions), AT_ONCE):
        some = positions[first : first + AT_ONCE]
        found[some] = [meso4.logit(fitted.arrays, face) for face in faces.take(some)]
    return found


def _family(candidate: dict) -> str:
    """What candidates share that differ in their epochs alone."""
    return repr(sorted((name, value) for name, value in candidate.items() if name != "epochs"))


def check(arrays: dict[str, np.ndarray], length: int, record: dict) -> None:
    """Whether arrays and settings of a bundle fit each other: see `bundle_schema.check`."""
    side = record["settings"]["side"]
    whole = type(side) is int and 0 < side <= MAX_SIDE and side % meso4.SHRINKAGE == 0
    demand(whole, f"settings.side is {side!r}")
    for name, shape in meso4.shapes(side).items():
        demand(arrays[name].shape == shape, f"{name} is {arrays[name].shape}, not {shape}")
        sound = bool((np.abs(arrays[name]) <= MAX_WEIGHT).all())
        demand(sound, f"{name} holds numbers above {MAX_WEIGHT:g}")
