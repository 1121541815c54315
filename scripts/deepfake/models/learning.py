"""Training Meso4 with Keras, epoch by epoch; a killed training goes on after its last epoch.

An epoch's order of faces and their changes are drawn from the seed and the epoch's number alone,
and all else that it depends on is in the checkpoint: the weights, the statistics of the batch
normalisation, Adam's moments, and the generators of dropout. So a training that was killed ends
in the same bytes as one that was not, with the same number of threads.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepfake.core import codehash, partial_files, tensorflow_setup
from deepfake.models import meso4
from deepfake.models.downscaled_faces import Shrunk

log = logging.getLogger("deepfake")

DROPOUT = 0.5
MOMENTUM = 0.9  # of the moving statistics: an epoch of few faces has few steps
EPSILON = 1e-3  # beside a variance
# Changes of a face, each up to so much: degrees, share of its side, of its size, of brightness.
TURN, SHIFT, ZOOM, LIGHT = 10.0, 0.05, 0.1, 0.15
UNFIT = (ValueError, OSError, EOFError, LookupError, zipfile.BadZipFile)  # a file cut short


@dataclass
class Course:
    """What a training gave, epoch by epoch.

    Attributes:
        arrays: of `meso4.shapes`, after the last epoch.
        losses: mean binary cross-entropy of the training rows in each epoch, float64 (epochs,).
        scores: log odds of each held-out row after each epoch, float64 (epochs, held out).
    """

    arrays: dict[str, np.ndarray]
    losses: np.ndarray
    scores: np.ndarray


def run(
    candidate: dict[str, Any],
    faces: Shrunk,
    fake: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
    folder: Path | None = None,
) -> Course:
    """Train on some faces and score others after every epoch.

    Args:
        candidate: epochs, batch_size, learning_rate, augment, side.
        faces: all of them. fake: bool (n,), their labels. train, held_out: positions of each.
        folder: of the checkpoint, which is written after every epoch; none without one.
    """
    network, optimizer = _network(candidate, seed, threads)
    state = [*network.variables, *optimizer.variables]
    losses: list[float] = []
    scores: list[np.ndarray] = []
    file = folder and folder / f"{_key(candidate, faces, fake, train, held_out, seed, threads)}.npz"
    if file and (found := _load(file, state)):
        losses, scores = found
        log.info("going on after epoch %d, from %s", len(losses), file)
    for epoch in range(len(losses), candidate["epochs"]):
        total = 0.0
        for pixels, labels in _batches(candidate, faces, fake, train, seed, epoch):
            total += len(labels) * float(network.train_on_batch(pixels, labels))
        losses.append(total / len(train))
        scores.append(_scored(network, faces, held_out, candidate["batch_size"]))
        log.info("epoch %d of %d: loss %.4f", epoch + 1, candidate["epochs"], losses[-1])
        if file:
            _save(file, state, losses, scores)
    return Course(_arrays(network), np.array(losses), np.array(scores))


def _network(candidate: dict[str, Any], seed: int, threads: int):
    """The network for training and its optimizer, both with all their variables."""
    tf = tensorflow_setup.tensorflow(threads)
    import keras

    tf.config.experimental.enable_op_determinism()
    seeds = (int(number) % 2**31 for number in np.random.SeedSequence(seed).generate_state(8))

    def drawn() -> dict:
        return {"kernel_initializer": keras.initializers.GlorotUniform(seed=next(seeds))}

    layers = [keras.Input((candidate["side"], candidate["side"], 3))]
    for filters, kernel, pooling in meso4.BLOCKS:
        layers += [
            keras.layers.Conv2D(filters, kernel, padding="same", activation="relu", **drawn()),
            keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON),
            keras.layers.MaxPooling2D(pooling),
        ]
    layers += [
        keras.layers.Flatten(),
        keras.layers.Dropout(DROPOUT, seed=next(seeds)),
        keras.layers.Dense(meso4.DENSE, **drawn()),
        keras.layers.LeakyReLU(negative_slope=meso4.LEAK),
        keras.layers.Dropout(DROPOUT, seed=next(seeds)),
        keras.layers.Dense(1, **drawn()),
    ]
    network = keras.Sequential(layers)
    optimizer = keras.optimizers.Adam(candidate["learning_rate"])
    network.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    optimizer.build(network.trainable_variables)
    return network, optimizer


def _arrays(network) -> dict[str, np.ndarray]:
    """The arrays of `meso4.shapes`, float64."""
    weights = [weight.astype(np.float64) for weight in network.get_weights()]
    found: dict[str, np.ndarray] = {}
    for number in range(1, len(meso4.BLOCKS) + 1):
        kernel, bias, gamma, beta, mean, variance = weights[:6]
        del weights[:6]
        scale = gamma / np.sqrt(variance + EPSILON)
        found |= {f"conv{number}_kernel": kernel, f"conv{number}_bias": bias}
        found |= {f"norm{number}_scale": scale, f"norm{number}_shift": beta - mean * scale}
    names = ("dense1_kernel", "dense1_bias", "dense2_kernel", "dense2_bias")
    return found | dict(zip(names, weights, strict=True))


def _batches(
    candidate: dict[str, Any],
    faces: Shrunk,
    fake: np.ndarray,
    train: np.ndarray,
    seed: int,
    epoch: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The faces of an epoch in a new order, float32 (m, side, side, 3), and their labels (m, 1).

    All batches are of a size, but for one face: a small one would sway batch normalisation.
    """
    generator = np.random.default_rng([seed, epoch])
    batches = -(-len(train) // candidate["batch_size"])
    for some in np.array_split(generator.permutation(train), batches):
        pixels = faces.take(some).astype(np.float32)
        if candidate["augment"]:
            pixels = np.stack([_changed(face, generator) for face in pixels])
        yield pixels / np.float32(255), fake[some].astype(np.float32)[:, None]


def _changed(face: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A face turned, shifted, enlarged, mirrored and lit a little otherwise, at random."""
    import cv2

    side = len(face)
    turn, zoom, right, down, light, *colours = generator.uniform(-1, 1, 8)
    place = cv2.getRotationMatrix2D((side / 2, side / 2), turn * TURN, 1 + zoom * ZOOM)
    place[:, 2] += SHIFT * side * np.array([right, down])
    face = cv2.warpAffine(face, place, (side, side), borderMode=cv2.BORDER_REPLICATE)
    if generator.random() < 0.5:
        face = face[:, ::-1]
    gain = 1 + LIGHT * (light + np.array(colours)) / 2
    return np.clip(face * gain, 0, 255).astype(np.float32)


def _scored(network, faces: Shrunk, positions: np.ndarray, size: int) -> np.ndarray:
    """Log odds of some faces, float64 (n,)."""
    found = np.empty(len(positions))
    for first in range(0, len(positions), size):
        pixels = faces.take(positions[first : first + size]).astype(np.float32) / np.float32(255)
        found[first : first + size] = network.predict_on_batch(pixels)[:, 0]
    return found


def _key(
    candidate: dict[str, Any],
    faces: Shrunk,
    fake: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int,
    threads: int,
) -> str:
    """A name for all that a training depends on, the code too: no other checkpoint is taken."""
    facts = [candidate, seed, threads, codehash.of("train"), faces.digest()]
    rows = [array.tolist() for array in (fake, train, held_out)]
    return hashlib.sha256(json.dumps([facts, rows]).encode()).hexdigest()


def _save(file: Path, state: list, losses: list[float], scores: list[np.ndarray]) -> None:
    """Write a checkpoint, whole or not at all."""
    arrays = {f"variable{number}": variable.numpy() for number, variable in enumerate(state)}
    file.parent.mkdir(parents=True, exist_ok=True)
    part = partial_files.path_for(file)
    with open(part, "wb") as stored:
        np.savez(stored, losses=np.array(losses), scores=np.array(scores), **arrays)
        stored.flush()
        os.fsync(stored.fileno())
    part.replace(file)


def _load(file: Path, state: list) -> tuple[list[float], list[np.ndarray]] | None:
    """Losses and scores of a checkpoint, whose state is taken on; None where there is none."""
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = [stored[f"variable{number}"] for number in range(len(state))]
            losses, scores = stored["losses"], stored["scores"]
    except UNFIT as error:
        log.warning("%s cannot be read, so the training starts anew: %s", file, error)
        return None
    for variable, array in zip(state, arrays, strict=True):
        variable.assign(array)
    return list(losses), list(scores)
