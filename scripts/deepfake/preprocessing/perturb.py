"""Perturbing a clip: its sampled frames under each perturbation.

That detectors are to be judged on processed clips is argued by Lu and Ebrahimi 2024, "Assessment
framework for deepfake detection in real-world situations"; perturbations and strengths are our own
choice. Frames are changed as they were decoded, and only `crf` encodes them again: so each change
is seen by itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from deepfake.preprocessing.decoding import encoded
from deepfake.preprocessing.frames import Clip, Decoder
from deepfake.preprocessing.perturbations import registry
from deepfake.preprocessing.perturbations.record import Perturbation
from deepfake.preprocessing.sampling import Spread

Requested = tuple[str, float]  # name of a perturbation and strength


def clips(
    path: str,
    indices: list[int] | Spread,
    requested: Sequence[Requested],
    decoder: Decoder,
    timeout: float,
    encoding: tuple[str, int],
) -> Iterator[tuple[Requested, Clip]]:
    """The sampled frames of a video under each perturbation.

    Args:
        path, indices: see `Decoder.read`. decoder: gives PNG frames.
        requested: see `registry.requested`.
        timeout: seconds that each copy may take to be encoded.
        encoding: format and JPEG quality in which a run keeps its frames.

    Yields:
        Each perturbation and its clip. A video that gives no frame gives none under any, and a
        copy that cannot be made is a clip without frames: each with the reason.
    """
    plain = decoder.read(path, indices)
    last = None if isinstance(indices, Spread) or not plain.frames else max(plain.frames)
    with tempfile.TemporaryDirectory() as folder:
        copies = {}
        for name in dict.fromkeys(name for name, _ in requested):
            record = registry.ALL[name]
            if record.copies and plain.frames:
                strengths = [strength for other, strength in requested if other == name]
                (place := Path(folder, name)).mkdir()
                patience = timeout * len(strengths)
                copies[name] = record.copies(path, strengths, last, place, patience)
        for name, strength in requested:
            record, clip = registry.ALL[name], plain
            if record.copies:
                made, reason = copies.get(name, ({}, ""))
                clip = Clip(reason=plain.reason or reason)
                if copy := made.get(strength):
                    clip = decoder.read(copy, indices)
            frames = {
                index: _changed(data, record, strength, encoding)
                for index, data in clip.frames.items()
            }
            reason = clip.reason or plain.reason
            yield (name, strength), replace(clip, frames=frames, reason=reason)


def _changed(
    data: bytes, record: Perturbation, strength: float, encoding: tuple[str, int]
) -> bytes:
    """A PNG frame of a clip or of its copy, changed and as a run keeps its frames."""
    import cv2
    import numpy as np

    if record.frame is None and encoding[0] == "png":
        return data
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if record.frame is not None:
        picture = record.frame(picture, strength)
    return encoded(picture, *encoding)
