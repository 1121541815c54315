"""Feature sets behind one interface: what a face at native pixels becomes for a model.

A feature set is a module here, of the name that a configuration gives it, with

    NAME     its name
    VERSION  raised whenever its numbers change; a bundle of another version is refused
    LENGTH   how many numbers describe a face, whatever its size
    vector(crop, box, corner, points) -> uint8 (LENGTH,), for any crop

where `crop` is uint8 RGB (height, width, 3), the face and what is around it as the video has
them, `box` is x, y, width, height of the face in the crop, and `corner` is x, y of the crop's first
pixel in the frame, which says where a codec's blocks lie, and `points` are x, y in the crop of the
detector's five points. Numbers are bytes, as pixels are: so one matrix, one Gram engine and one
forest serve them all. Each set but `ring`, which is pixels, has `values`, the numbers before they
are coded, and says how.

The flattened pixels of stretched faces are no such module: they are `faces` and `matrix`. The
Snakefile calls this, so nothing heavy is imported here.
"""

from __future__ import annotations

import importlib
from types import ModuleType

PIXELS = "pixels"
# what each module says
LENGTHS = {"residuals": 3328, "noise": 36, "spectrum": 80, "lbp": 20, "dct": 189}
LENGTHS["all"] = sum(LENGTHS.values())
LENGTHS["ring"] = 21198
PICTURES = (PIXELS, "ring")  # sets whose rows show who a face is
NAMES = tuple(LENGTHS)


def module(name: str) -> ModuleType:
    """The feature set of this name."""
    if name not in NAMES:
        raise ValueError(f"unknown feature set {name!r}; known are {', '.join(NAMES)}")
    return importlib.import_module(f"deepfake.features.{name}")


def length(name: str, size: int) -> int:
    """How many numbers a face has in a feature set, or as `pixels` of size x size."""
    return 3 * size**2 if name == PIXELS else LENGTHS[name]


def version(name: str) -> int | str:
    """Of a feature set, or of `pixels`."""
    return 1 if name == PIXELS else module(name).VERSION
