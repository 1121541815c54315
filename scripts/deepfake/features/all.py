"""All other feature sets, concatenated."""

from __future__ import annotations

import numpy as np

from deepfake.features import dct, lbp, noise, residuals, spectrum

NAME = "all"
PARTS = (residuals, noise, spectrum, lbp, dct)
VERSION = "-".join(str(part.VERSION) for part in PARTS)
LENGTH = sum(part.LENGTH for part in PARTS)


def vector(
    crop: np.ndarray, box: tuple[int, int, int, int], corner: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """Features of a face, uint8 (LENGTH,), in the order of PARTS."""
    return np.concatenate([part.vector(crop, box, corner) for part in PARTS])
