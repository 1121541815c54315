"""The radial power spectrum of a face.

Durall, Keuper, Pfreundt and Keuper 2019, "Unmasking DeepFakes with simple features" (arXiv
1911.00686): the power of a grey face's 2-D Fourier transform, averaged over the angle. Good on
uncompressed video, weak on compressed. The variant here:

- the largest square in the middle of the face's box, luma at native pixels, no window function;
- the mean power of each whole radius from 1 (so without the mean brightness) to the corner of
  the spectrum, per pixel: white noise of variance s has the power s at every radius;
- its logarithm to base 2, above native.FLOOR;
- the profile is resized, never the image: interpolated linearly at LENGTH equally spaced
  frequencies up to the corner's, sqrt(1/2) cycles a pixel. Faces of all sizes are so compared
  at the same frequencies; below the first radius and past the last the profile is continued.

Their code averages logarithms, has 300 numbers and divides them by the first.
"""

from __future__ import annotations

import math

import numpy as np

from deepfake.features import native

NAME = "spectrum"
VERSION = 2
LENGTH = 80

FREQUENCIES = math.sqrt(0.5) * np.arange(1, LENGTH + 1) / LENGTH  # cycles a pixel


def vector(crop: np.ndarray, box: tuple[int, int, int, int], *_: object) -> np.ndarray:
    """Features of a face, uint8 (LENGTH,): the logarithms of -4 to 21.5 in steps of 0.1."""
    return native.coded(10 * (values(crop, box) + 4))


def values(crop: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Power of a face, float32 (LENGTH,): log2 of grey levels squared at FREQUENCIES."""
    square = middle(native.luma(crop), box)
    power = profile(square)
    radii = np.arange(1, len(power) + 1) / len(square)
    logs = np.interp(FREQUENCIES, radii, np.log2(power + native.FLOOR))
    return np.round(logs, native.DIGITS).astype(np.float32)


def middle(grey: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The largest square in the middle of a box, at least a pixel."""
    x, y, width, height = box
    side = max(min(width, height), 1)
    left, top = x + (width - side) // 2, y + (height - side) // 2
    return grey[top : top + side, left : left + side]


def profile(square: np.ndarray) -> np.ndarray:
    """Mean power per pixel at the radii 1, 2, ... of a grey square, float64.

    Radii are frequencies times the side, rounded; a square of one pixel has the power 0.
    """
    side = len(square)
    transform = np.fft.rfft2(square.astype(np.float64))
    power = (transform.real**2 + transform.imag**2) / side**2
    down = np.fft.fftfreq(side, 1 / side)
    across = np.arange(power.shape[1])
    radius = np.rint(np.hypot(down[:, None], across)).astype(np.intp)
    # the transform of real numbers is given once for each frequency and its negative
    twice = np.where((across > 0) & (2 * across < side), 2.0, 1.0)
    times = np.broadcast_to(twice, power.shape).ravel()
    total = np.bincount(radius.ravel(), weights=power.ravel() * times)[1:]
    counted = np.bincount(radius.ravel(), weights=times)[1:]
    return total / counted if len(counted) else np.zeros(1)
