"""Co-occurrences of high-pass residuals, inside the face and in the ring around it.

Fridrich and Kodovsky 2012, "Rich models for steganalysis of digital images", IEEE Transactions on
Information Forensics and Security 7(3): their `spam` submodels s1, s2, s3 and s35. That one of
them tells manipulated pictures is from Cozzolino, Poggi and Verdoliva 2017, "Recasting
residual-based local descriptors as convolutional neural networks"; that it differs between a
splice and its surroundings, and the square roots, from their "Splicebuster" of 2015. The variant:

- luma at native pixels; the linear residuals `native.residuals` (no minimum or maximum ones);
- quantised with step q = c, the residual's order or the weight of its centre: 1, 2, 3, 4 and 12,
  halves away from zero, and truncated to -2 ... 2 (their T = 2, SRMQ1);
- runs of four neighbours, and the two runs of three in each, along the differences and across
  them; those of rows and columns are added, and for the squares also along and across;
- a run, its reverse and its negative are one bin: 169 bins of four, 39 of three;
- a run counts for the face if all pixels under its centres lie in the face's ellipse, for the
  ring if none does;
- square roots of the frequencies, so that a linear model sees also the rare runs.

A crop mirrored, transposed or turned by 90 degrees has the same features, and so has a grey one
negated. The order of the numbers is that of LABELS.
"""

from __future__ import annotations

import itertools

import numpy as np

from deepfake.features import native

NAME = "residuals"
VERSION = 2

TRUNCATION = 2
LEVELS = 2 * TRUNCATION + 1
ORDER = 4
STEPS = {"first": 1, "second": 2, "third": 3, "square3": 4, "square5": 12}
SUBMODELS = [(name, scan) for name in native.LINES for scan in ("along", "across")] + [
    (name, "both") for name in native.SQUARES
]
REGIONS = ("face", "ring")
PAIRS = LEVELS**2
LANES = 3  # neighbours count in different places: a sum need not wait for the one before it
EXACT = 2**24  # runs counted at once: OpenCV answers in float32


def _classes(order: int) -> np.ndarray:
    """Merged bin of each run of levels, int (LEVELS ** order,)."""
    names: dict[tuple[int, ...], int] = {}
    merged = []
    for run in itertools.product(range(-TRUNCATION, TRUNCATION + 1), repeat=order):
        negative = tuple(-level for level in run)
        same = min(run, run[::-1], negative, negative[::-1])
        merged.append(names.setdefault(same, len(names)))
    return np.array(merged)


CLASSES = {order: _classes(order) for order in (3, ORDER)}
SIZES = {order: int(classes.max()) + 1 for order, classes in CLASSES.items()}
LABELS = [
    (region, *submodel, order, number)
    for submodel in SUBMODELS
    for region in REGIONS
    for order, size in SIZES.items()
    for number in range(size)
]
LENGTH = len(LABELS)


def vector(crop: np.ndarray, box: tuple[int, int, int, int], *_: object) -> np.ndarray:
    """Features of a face in the order of LABELS, uint8 (LENGTH,): 255 times the values."""
    return native.coded(255 * values(crop, box))


def values(crop: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Square roots of frequencies in the order of LABELS, float32 (LENGTH,)."""
    crop = native.padded(crop)
    inner = native.face(crop.shape, box)
    inner = inner[native.BORDER : -native.BORDER, native.BORDER : -native.BORDER]
    counts = {submodel: np.zeros((len(REGIONS), PAIRS**2), np.int64) for submodel in SUBMODELS}
    places: dict[tuple[int, int, int], np.ndarray] = {}
    for name, found in native.each_residual(native.luma(crop)):
        for direction, residual in enumerate(found):
            levels = quantise(residual, STEPS[name])
            for axis in (0, 1):
                key = (*levels.shape, axis)
                if key not in places:
                    places[key] = _places(inner, levels.shape, axis)
                scan = "both" if len(found) == 1 else "across" if axis == direction else "along"
                counts[name, scan] += count(levels, axis, places[key])
    return _frequencies(np.concatenate(list(counts.values())))


def quantise(residual: np.ndarray, step: int) -> np.ndarray:
    """Levels of residuals, uint8 0 to 4 for -2 to 2: rounded, halves away from zero."""
    one = (step + 1) // 2  # the least residual of level 1
    two = (3 * step + 1) // 2
    residual = np.ascontiguousarray(residual)  # to compare a part of an array takes twice as long
    levels = (residual >= one).view(np.uint8)
    for bound in (two, 1 - one, 1 - two):
        levels += (residual >= bound).view(np.uint8)
    return levels


def count(levels: np.ndarray, axis: int, places: np.ndarray) -> np.ndarray:
    """How often each run of four levels along an axis is found in each region.

    Args:
        levels: uint8 (rows, columns). axis: 0 for runs down the columns, 1 along the rows.
        places: of each run, see `_places`.

    Returns:
        int64 (2, 625), of face and ring.
    """
    import cv2

    fives, part = LEVELS * levels, native.part  # OpenCV adds parts of arrays faster than numpy
    pairs = cv2.add(part(fives, axis, 0, 1), part(levels, axis, 1, 1))
    first, second = cv2.add(part(pairs, axis, 0, 2), places), part(pairs, axis, 2, 2)
    size = LANES * 3 * PAIRS, PAIRS
    counts = np.zeros((len(REGIONS), PAIRS**2), np.int64)
    rows = max(1, EXACT // places.shape[1])
    for top in range(0, len(places), rows):
        some = [half[top : top + rows] for half in (first, second)]
        found = cv2.calcHist(some, [0, 1], None, size, (0, size[0], 0, size[1]))
        counts += found.reshape(LANES, 3, -1).sum(axis=0)[:2].astype(np.int64)
    return counts


def _places(inner: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Where the runs of an array of residuals are counted from, uint8, one of a run.

    Multiples of PAIRS: face, ring or neither, in one of LANES.

    Args:
        inner: bool, pixels in the face. shape: of the residuals, which may lie between pixels.
    """
    size = [1 + side - width for side, width in zip(inner.shape, shape, strict=True)]
    size[axis] += ORDER - 1
    region = 2 - native.sides(inner, *size)
    region += (np.arange(region.shape[1]) % LANES * 3).astype(np.uint8)
    region *= PAIRS
    return region


def _frequencies(counts: np.ndarray) -> np.ndarray:
    """Square roots of merged frequencies; of a region without a run zeros.

    Args:
        counts: int64 (rows, 625), of runs of four in one region each.

    Returns:
        float32 (rows x 208,): of each row those of three, then those of four.
    """
    shares = []
    threes = counts.reshape(-1, LEVELS**3, LEVELS).sum(axis=2)
    threes += counts.reshape(-1, LEVELS, LEVELS**3).sum(axis=1)
    for order, found in ((3, threes), (ORDER, counts)):
        bins = SIZES[order] * np.arange(len(found))[:, None] + CLASSES[order]
        merged = np.bincount(bins.ravel(), found.ravel(), SIZES[order] * len(found))
        total = np.maximum(found.sum(axis=1, keepdims=True), 1)
        shares.append(np.sqrt(merged.reshape(len(found), -1) / total))
    return np.concatenate(shares, axis=1).ravel().astype(np.float32)
