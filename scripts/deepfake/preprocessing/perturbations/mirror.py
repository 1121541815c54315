"""Exchanging left and right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepfake.preprocessing.perturbations.record import Perturbation

if TYPE_CHECKING:
    import numpy as np


def _frame(picture: np.ndarray, strength: float) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(picture[:, ::-1]) if strength else picture


PERTURBATION = Perturbation(
    name="mirror",
    position=40,
    key="whether clips are mirrored too",
    about="left and right exchanged",
    default=True,
    unchanged=0,
    label="mirrored",
    box_factor=None,
    frame=_frame,
)
