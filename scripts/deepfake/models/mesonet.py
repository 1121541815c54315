"""MesoNet (Afchar et al. 2018): the small network Meso4 on faces shrunk to `side` pixels.

As in the paper: the layers, dropout, Adam, and faces changed a little in each epoch. Not as in the
paper: the rate of learning stays as it is, the side is a setting, and the number of epochs is
chosen on the folds, which is early stopping. Fewer epochs are a prefix of more, so a grid over
epochs trains once and scores on the way.
"""

from __future__ import annotations

import numpy as np

from deepfake.matrix import Faces, Matrix
from deepfake.models import Fitted, Training, meso4
from deepfake.shrunk import Shrunk

THRESHOLD = 0.0
AT_ONCE = 64  # faces read to be judged


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
    """
    from deepfake.models import learning  # TensorFlow, which a verdict need not wait for

    if training.folder:
        training.folder.mkdir(parents=True, exist_ok=True)
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


def decide(fitted: Fitted, seen: Matrix | Faces) -> np.ndarray:
    """Log odds of fake of each row seen, float64 (n,)."""
    faces = Shrunk(seen, fitted.settings["side"])
    positions = np.arange(seen.shape[0])
    found = np.empty(len(positions))
    for first in range(0, len(positions), AT_ONCE):
        some = positions[first : first + AT_ONCE]
        found[some] = [meso4.logit(fitted.arrays, face) for face in faces.take(some)]
    return found


def _family(candidate: dict) -> str:
    """What candidates share that differ in their epochs alone."""
    return repr(sorted((name, value) for name, value in candidate.items() if name != "epochs"))
