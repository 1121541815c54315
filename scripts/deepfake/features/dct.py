"""Mean size of the coefficients of 8 x 8 blocks, in the face, in the ring and their difference.

Giudice, Guarnera and Battiato 2021, "Fighting deepfakes by detecting GAN DCT anomalies", Journal of
Imaging 7(8): the AC coefficients of a block's discrete cosine transform are Laplacian (Lam and
Goodman 2000, "A mathematical analysis of the DCT coefficient distributions for images"), and the
scale of each is a feature. Codecs quantise such blocks, and a pasted face was encoded elsewhere, on
another grid. The variant here:

- luma at native pixels, in 8 x 8 blocks on the grid of the decoded frame, not of the crop; blocks
  that the crop's edge cuts are left out;
- orthonormal DCT-II; for each of the 63 AC coefficients the scale of the Laplacian by maximum
  likelihood, the mean of |c|, over the blocks wholly in the face's ellipse, and over those wholly
  outside;
- its logarithm to base 2, above what rounding to whole grey levels adds; then the face's less the
  ring's.

Sums are of whole numbers, so they are the same on every machine. A frame that was turned or
rescaled after it was decoded has the grid of the picture as it is shown.
"""

from __future__ import annotations

import math

import numpy as np

from deepfake.features import native

NAME = "dct"
VERSION = 1

SIDE = 8  # of a block, in pixels
VALUES = ("face", "ring", "difference")
COEFFICIENTS = [(down, across) for down in range(SIDE) for across in range(SIDE)][1:]
LABELS = [(value, *place) for value in VALUES for place in COEFFICIENTS]
LENGTH = len(LABELS)
STEPS = 20  # codes of a doubling
ZERO = np.repeat([40, 40, 128], len(COEFFICIENTS))  # its code, by LABELS
FLOOR = math.sqrt(native.FLOOR)
UNIT = 2**24  # of a weight: 2**19 blocks have a sum below 2**53, which float64 holds exactly


def _weights() -> np.ndarray:
    """Whole weights of a block's pixels in each of COEFFICIENTS, float64 (64, 63)."""
    frequency, place = np.arange(SIDE)[:, None], np.arange(SIDE)
    waves = np.cos(np.pi * frequency * (2 * place + 1) / (2 * SIDE)) * math.sqrt(2 / SIDE)
    waves[0] = math.sqrt(1 / SIDE)
    return np.rint(UNIT * np.kron(waves, waves).T)[:, 1:]


WEIGHTS = _weights()


def vector(
    crop: np.ndarray,
    box: tuple[int, int, int, int],
    corner: tuple[int, int] = (0, 0),
    *_: object,
) -> np.ndarray:
    """Features of a face in the order of LABELS, uint8 (LENGTH,): steps of 1/20 of a doubling.

    Scales from -2 on; differences around 128.
    """
    return native.coded(STEPS * values(crop, box, corner) + ZERO)


def values(
    crop: np.ndarray, box: tuple[int, int, int, int], corner: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """Scales of a face in the order of LABELS, float32 (LENGTH,): log2 of grey levels.

    A region without a block has the scale 0, and a difference to it is 0.

    Args:
        crop, box, corner: see `registry`.
    """
    found = blocks(native.luma(crop), corner).astype(np.float64)
    inner = blocks(native.face(crop.shape, box), corner)
    regions = np.stack([inner.all(axis=1), ~inner.any(axis=1)])
    counted = regions.sum(axis=1)
    sizes = found @ WEIGHTS
    total = regions.astype(np.float64) @ np.abs(sizes, out=sizes)
    scale = total / UNIT / np.maximum(counted, 1)[:, None]
    face, ring = np.round(np.log2(scale + FLOOR), native.DIGITS)
    apart = face - ring if counted.all() else np.zeros(len(COEFFICIENTS))
    return np.concatenate([face, ring, apart]).astype(np.float32)


def blocks(pixels: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
    """The whole blocks of a crop on its frame's grid, (blocks, 64), by rows.

    Args:
        pixels: (height, width). corner: x, y of the first one in the frame.
    """
    left, top = (-place % SIDE for place in corner)
    rest = pixels[top:, left:]
    rows, columns = (side // SIDE for side in rest.shape)
    whole = rest[: SIDE * rows, : SIDE * columns]
    tiles = whole.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2)
    return tiles.reshape(rows * columns, SIDE * SIDE)
