"""Every other feature set, side by side."""

from __future__ import annotations

import numpy as np

from deepfake.features import lbp, noise, residuals, spectrum

NAME = "all"
PARTS = (residuals, noise, spectrum, lbp)
VERSION = "-".join(str(part.VERSION) for part in PARTS)
LENGTH = sum(part.LENGTH for part in PARTS)


def vector(crop: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Features of a face, uint8 (LENGTH,), in the order of PARTS."""
    return np.concatenate([part.vector(crop, box) for part in PARTS])
