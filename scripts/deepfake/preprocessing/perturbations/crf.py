"""Encoding a clip again in H.264 at a constant rate factor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deepfake.preprocessing import h264
from deepfake.preprocessing.perturbations.record import Perturbation


def _copies(
    path: str, strengths: Sequence[float], last: int | None, folder: Path, timeout: float
) -> tuple[dict[int, Path], str]:
    return h264.encode(path, [int(factor) for factor in strengths], last, folder, timeout)


PERTURBATION = Perturbation(
    name="crf",
    position=10,
    key="constant rate factors at which clips are encoded again in H.264; 23 and 40 are "
    "FaceForensics++'s c23 and c40",
    about="encoded again in H.264 by x264, at a constant rate factor, and decoded; odd sides lose "
    "a line of pixels",
    default=(23, 32, 40),
    limits=(0, h264.WORST),
    whole=True,
    copies=_copies,
)
