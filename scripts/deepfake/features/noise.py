"""Energy of high-pass residuals inside the face against the ring around it, luma and chroma.

A face pasted from elsewhere brings the noise of its own camera, codec and resampling. Estimating
noise from a Laplacian-like residual is from Immerkaer 1996, "Fast noise variance estimation"
(its filter is square3); comparing it between parts of a picture to find a splice is from Pan,
Zhang and Lyu 2012, "Exposing image splicing with inconsistent local noise variances". The filters
are those of Fridrich and Kodovsky 2012, see `native.residuals`. The variant here:

- channels Y, Cb and Cr of BT.601 at native pixels; filters second, third (rows and columns
  together), square3 and square5;
- the mean square of the residual over the face's ellipse, and over the ring, divided by what
  white noise of variance 1 becomes in that filter: so a variance, in grey levels squared;
- its logarithm to base 2, above native.FLOOR; then the face's less the ring's.

Edges of the picture count as noise, in the face and in the ring.
"""

from __future__ import annotations

import numpy as np

from deepfake.features import native

NAME = "noise"
VERSION = 2

CHANNELS = ("Y", "Cb", "Cr")
FILTERS = ("second", "third", "square3", "square5")
VALUES = ("face", "ring", "difference")
LABELS = [(c, name, value) for c in CHANNELS for name in FILTERS for value in VALUES]
LENGTH = len(LABELS)
ZERO = np.array([128 if value == "difference" else 48 for *_, value in LABELS])  # its code


def vector(crop: np.ndarray, box: tuple[int, int, int, int], *_: object) -> np.ndarray:
    """Features of a face in the order of LABELS, uint8 (LENGTH,): steps of 1/12 of a doubling.

    Energies from -4 on; differences around 128.
    """
    return native.coded(12 * values(crop, box) + ZERO)


def values(crop: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Energies of a face in the order of LABELS, float32 (LENGTH,).

    A region without a pixel has the energy 0, and a difference to it is 0.
    """
    import cv2

    crop = native.padded(crop)
    inner = native.face(crop.shape, box)
    inner = inner[native.BORDER : -native.BORDER, native.BORDER : -native.BORDER]
    regions: dict[tuple[int, ...], list[np.ndarray]] = {}
    found = []
    for channel in (native.luma(crop), *native.chroma(crop)):
        maps = native.residuals(channel)
        for name in FILTERS:
            total, counted = np.zeros(2), np.zeros(2)
            for residual in maps[name]:
                if residual.shape not in regions:
                    regions[residual.shape] = _regions(inner, residual.shape)
                for place, mask in enumerate(regions[residual.shape]):
                    # rounded, as OpenCV may answer with the square of a root: the sum is whole
                    masked = cv2.bitwise_and(residual, mask)
                    total[place] += round(cv2.norm(masked, cv2.NORM_L2SQR))
                    counted[place] += cv2.countNonZero(mask)
            energy = total / np.maximum(counted, 1) / native.POWER[name]
            face, ring = np.round(np.log2(energy + native.FLOOR), native.DIGITS)
            found += [face, ring, face - ring if counted.all() else 0.0]
    return np.array(found, np.float32)


def _regions(inner: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Where a residual lies in the face, and where in the ring: int16 of its shape, all bits set.

    Residuals cut by them are summed eight times as fast as by OpenCV's own masks.
    """
    size = [1 + side - width for side, width in zip(inner.shape, shape, strict=True)]
    return [-part.astype(np.int16) for part in native.windows(inner, *size)]
