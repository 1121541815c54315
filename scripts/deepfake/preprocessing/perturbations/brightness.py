"""Making frames lighter or darker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepfake.preprocessing.perturbations.record import Perturbation

if TYPE_CHECKING:
    import numpy as np


def _frame(picture: np.ndarray, factor: float) -> np.ndarray:
    import numpy as np

    levels = np.minimum(np.floor(np.arange(256) * factor + 0.5), 255).astype(np.uint8)
    return levels[picture]


PERTURBATION = Perturbation(
    name="brightness",
    position=30,
    key="factors of a clip's grey levels, cut at white",
    about="lighter or darker, by a factor of the grey levels, cut at white",
    default=(0.5, 0.75, 1.5, 2.0),
    limits=(0.05, 20),
    unchanged=1.0,
    frame=_frame,
)
