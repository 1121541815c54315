"""All other feature sets but those that are pictures, concatenated."""

from __future__ import annotations

import numpy as np

from deepfake.features import dct, lbp, noise, residuals, spectrum

NAME = "all"
PARTS = (residuals, noise, spectrum, lbp, dct)
VERSION = "-".join(str(part.VERSION) for part in PARTS)
LENGTH = sum(part.LENGTH for part in PARTS)


def vector(crop: np.ndarray, box: tuple[int, int, int, int], *facts: object) -> np.ndarray:
    """Features of a face, uint8 (LENGTH,), in the order of PARTS."""
    return np.concatenate([part.vector(crop, box, *facts) for part in PARTS])
