"""What a perturbation is: its strengths, its texts, and what it does to a frame or a clip.

A perturbation is a module of this package with a `PERTURBATION`. The Snakefile reads them, so such
a module imports NumPy, OpenCV and the like inside its functions only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# (frame, strength) -> frame; uint8 (height, width, 3) in BGR
ChangeFrame = Callable[["np.ndarray", float], "np.ndarray"]
# (video, strengths, last frame or None, empty folder, seconds) -> copies by strength, why some are
# missing or ""; frames of a copy keep their indices
MakeCopies = Callable[
    [str, Sequence[float], int | None, Path, float], tuple[Mapping[float, Path], str]
]


def _in_place(strength: float) -> float:
    return 1.0


@dataclass(frozen=True)
class Perturbation:
    """A perturbation; exactly one of `frame` and `copies` is given.

    Attributes:
        name: of the configuration's key under `robustness`, and in tables.
        position: in tables and charts, ascending.
        key: meaning of the configuration's key.
        about: what happens to a clip, for readers of the page and of docs/configuration.md.
        default: strengths of a run that names none; without `limits`, whether it is on.
        limits: least and largest strength; None where it is only on or off, at a strength of 1.
        whole: whether strengths are whole numbers.
        unchanged: the strength that leaves a clip as it is; None where there is none.
        falling: whether a smaller strength changes a clip more.
        label: in a chart, where it is only on or off.
        box_factor: by what a face's box in the frame is multiplied, by the strength; None where it
            moves otherwise: such a perturbation makes no training copies.
        frame: changes a frame. copies: writes changed copies of a video.
    """

    name: str
    position: int
    key: str
    about: str
    default: tuple[float, ...] | bool
    limits: tuple[float, float] | None = None
    whole: bool = False
    unchanged: float | None = None
    falling: bool = False
    label: str = ""
    box_factor: Callable[[float], float] | None = _in_place
    frame: ChangeFrame | None = None
    copies: MakeCopies | None = None

    def __post_init__(self) -> None:
        if (self.frame is None) == (self.copies is None):
            raise ValueError(f"perturbation {self.name}: give it either frame or copies")
        if (self.limits is None) != isinstance(self.default, bool):
            raise ValueError(f"perturbation {self.name}: without limits its default is a boolean")

    def strengths(self, setting: Sequence[float] | bool) -> list[float]:
        """The strengths that a setting of its key names."""
        if self.limits is None:
            return [1] if setting else []
        return list(setting)

    def in_table(self, strength: float) -> str:
        """A strength as the page's table shows it."""
        return "" if self.limits is None else f"{strength:g}"

    def in_chart(self, strength: float) -> str:
        """A strength as a chart shows it."""
        return self.label if self.limits is None else f"{strength:g}"

    def place(self, strength: float | None) -> float:
        """Where a strength stands in a chart, ascending; None is the clip as it is."""
        at = self.unchanged if strength is None else strength
        if at is None:
            return -math.inf
        return -at if self.falling else at
