"""The network Meso4 (Afchar et al. 2018, arXiv 1809.00888): its arrays, and its answer, in NumPy.

Four blocks of convolution, ReLU, batch normalisation and max pooling, then two dense layers. What
training adds, like dropout, is not here. Everything is float64: another processor gives the same
score to 1e-9, and a row's score does not depend on the rows beside it.
"""

from __future__ import annotations

import numpy as np

BLOCKS = ((8, 3, 2), (8, 5, 2), (16, 5, 2), (16, 5, 4))  # filters, side of the kernel, pooling
DENSE = 16
LEAK = 0.1  # slope of the leaky ReLU below zero
SHRINKAGE = 32  # all pooling together: a face's side is a multiple of it


def shapes(side: int) -> dict[str, tuple[int, ...]]:
    """Shape of each array of a network for faces of side x side.

    A block's batch normalisation, with the statistics of the training, is its scale and shift.
    """
    found, channels = {}, 3
    for number, (filters, kernel, _) in enumerate(BLOCKS, 1):
        found |= {
            f"conv{number}_kernel": (kernel, kernel, channels, filters),
            f"conv{number}_bias": (filters,),
            f"norm{number}_scale": (filters,),
            f"norm{number}_shift": (filters,),
        }
        channels = filters
    flat = channels * (side // SHRINKAGE) ** 2
    dense = {"dense1_kernel": (flat, DENSE), "dense1_bias": (DENSE,)}
    return found | dense | {"dense2_kernel": (DENSE, 1), "dense2_bias": (1,)}


def logit(arrays: dict[str, np.ndarray], face: np.ndarray) -> float:
    """Log odds that a face is fake.

    Args:
        arrays: float64, of `shapes`. face: uint8 (side, side, 3).
    """
    x = face / 255.0
    for number, (_, _, pooling) in enumerate(BLOCKS, 1):
        x = _convolved(x, arrays[f"conv{number}_kernel"]) + arrays[f"conv{number}_bias"]
        x = np.maximum(x, 0) * arrays[f"norm{number}_scale"] + arrays[f"norm{number}_shift"]
        side, channels = len(x) // pooling, x.shape[-1]
        x = x.reshape(side, pooling, side, pooling, channels).max(axis=(1, 3))
    x = x.ravel() @ arrays["dense1_kernel"] + arrays["dense1_bias"]
    x = np.where(x > 0, x, LEAK * x)
    return float((x @ arrays["dense2_kernel"] + arrays["dense2_bias"])[0])


def _convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolution of (h, w, c) with (k, k, c, f), zeros around it: (h, w, f)."""
    k, _, channels, filters = kernel.shape
    padded = np.pad(x, ((k // 2, k // 2), (k // 2, k // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(0, 1))
    rows = windows.transpose(0, 1, 3, 4, 2).reshape(-1, k * k * channels)
    return (rows @ kernel.reshape(-1, filters)).reshape(*x.shape[:2], filters)
