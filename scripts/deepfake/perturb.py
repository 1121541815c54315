"""What happens to a clip on its way to a viewer: encoded again, shrunk, lightened, mirrored.

That detectors are to be judged on processed clips is argued by Lu and Ebrahimi 2024, "Assessment
framework for deepfake detection in real-world situations"; kinds and strengths are our own choice.
Frames are changed as they were decoded, and only `crf` encodes them again: so each change is seen
by itself.

The Snakefile asks this for its names, so nothing heavy is imported.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from deepfake import recode
from deepfake.frames import Clip, Decoder, Spread, encoded

if TYPE_CHECKING:
    import numpy as np

# Kinds in the order of tables, and the strength at which each leaves a clip as it is.
AS_IS = {"crf": -1.0, "scale": 1.0, "brightness": 1.0, "mirror": 0.0}
TOLD = {
    "crf": "encoded again in H.264, at a constant rate factor",
    "scale": "scaled to a share of its sides",
    "brightness": "lighter or darker, by a factor of the grey levels, cut at white",
    "mirror": "left and right exchanged",
}

Perturbation = tuple[str, float]  # kind and strength


def wanted(settings: Mapping) -> list[Perturbation]:
    """Kind and strength of every perturbation that a configuration asks for.

    Args:
        settings: of the section `robustness`: lists of strengths by kind, and whether to mirror.
    """
    found = [(kind, strength) for kind in AS_IS if kind != "mirror" for strength in settings[kind]]
    return found + ([("mirror", 1)] if settings["mirror"] else [])


def change(picture: np.ndarray, kind: str, strength: float) -> np.ndarray:
    """A frame under a perturbation that takes each frame by itself.

    Args:
        picture: uint8 (height, width, 3). kind: scale, brightness or mirror. strength: of it.

    Returns:
        uint8; its sides are those of `picture` unless it is scaled.
    """
    import numpy as np
    from PIL import Image

    if kind == "scale":
        size = [max(1, round(side * strength)) for side in picture.shape[1::-1]]
        # Pillow's filters work in integers: the same on every machine
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    if kind == "brightness":
        levels = np.minimum(np.floor(np.arange(256) * strength + 0.5), 255).astype(np.uint8)
        return levels[picture]
    if kind == "mirror":
        return np.ascontiguousarray(picture[:, ::-1])
    raise ValueError(f"unknown perturbation {kind!r}; known are {', '.join(AS_IS)}")


def clips(
    path: str,
    indices: list[int] | Spread,
    perturbations: Sequence[Perturbation],
    decoder: Decoder,
    timeout: float,
    encoding: tuple[str, int],
) -> Iterator[tuple[Perturbation, Clip]]:
    """The sampled frames of a video under each perturbation.

    Args:
        path, indices: see `Decoder.read`. decoder: gives PNG frames.
        timeout: seconds that each copy may take to be encoded.
        encoding: format and JPEG quality in which a run keeps its frames.

    Yields:
        Each perturbation and its clip. A video that gives no frame gives none under any, and a
        copy that cannot be made is a clip without frames: each with the reason.
    """
    plain = decoder.read(path, indices)
    factors = [int(strength) for kind, strength in perturbations if kind == "crf"]
    with tempfile.TemporaryDirectory() as folder:
        copies, reason = {}, ""
        if factors and plain.frames:
            last = None if isinstance(indices, Spread) else max(plain.frames)
            patience = timeout * len(factors)
            copies, reason = recode.encode(path, factors, last, folder, patience)
        for kind, strength in perturbations:
            clip = plain
            if kind == "crf":
                copy = copies.get(int(strength))
                clip = decoder.read(copy, indices) if copy else Clip(reason=plain.reason or reason)
            frames = {
                index: _changed(data, kind, strength, encoding)
                for index, data in clip.frames.items()
            }
            yield (kind, strength), replace(clip, frames=frames, reason=clip.reason or plain.reason)


def _changed(data: bytes, kind: str, strength: float, encoding: tuple[str, int]) -> bytes:
    """A PNG frame under a perturbation, as a run keeps its frames."""
    import cv2
    import numpy as np

    if kind == "crf" and encoding[0] == "png":
        return data
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return encoded(picture if kind == "crf" else change(picture, kind, strength), *encoding)
