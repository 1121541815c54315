"""Scaling frames: the models see what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepfake.preprocessing.perturbations.record import Perturbation

if TYPE_CHECKING:
    import numpy as np


def _frame(picture: np.ndarray, share: float) -> np.ndarray:
    """By Pillow, whose filters work in integers: the same on every machine."""
    import numpy as np
    from PIL import Image

    size = [max(1, round(side * share)) for side in picture.shape[1::-1]]
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


PERTURBATION = Perturbation(
    name="scale",
    position=20,
    key="shares of its sides that a clip is scaled to",
    about="resized to a share of its sides, by a bicubic filter",
    default=(0.75, 0.5, 0.25),
    limits=(0.05, 2),
    unchanged=1.0,
    falling=True,
    box_factor=float,
    frame=_frame,
)
