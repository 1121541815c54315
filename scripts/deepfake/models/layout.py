"""The arrays of a bundle: how a model describes its own, and how they are checked against that.

Compiled and indexed code has no bounds checks, so every number that it goes by is checked. A
layout has a pair by the name of each array: its dtype, and its shape, in which a word stands for a
length: `features` for that of a row, any other for one length wherever it occurs in the layout.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepfake.features.registry import PICTURES

Layout = dict[str, tuple[str, tuple[str | int, ...]]]

WEIGHTS: Layout = {"weights": ("float64", ("features",))}
SCALER: Layout = {"mean": ("float64", ("features",)), "scale": ("float64", ("features",))}


class Refused(Exception):
    """A reason why a bundle cannot be trusted."""


def demand(holds: bool, reason: str) -> None:
    """Refuse a bundle, for a reason, where something does not hold."""
    if not holds:
        raise Refused(reason)


def check_shapes(arrays: Mapping[str, np.ndarray], layout: Layout, length: int) -> None:
    """Whether arrays have the shapes of a layout, and their scales are above zero.

    Args:
        arrays: of the layout's names, dtypes and numbers of dimensions.
        length: of a row of features.

    Raises:
        Refused: they do not.
    """
    lengths = {"features": length}
    for name, (_, shape) in layout.items():
        for word, found in zip(shape, arrays[name].shape, strict=True):
            if isinstance(word, int):
                demand(found == word, f"{name} is {arrays[name].shape}, not {shape}")
            else:
                expected = lengths.setdefault(word, found)
                demand(found == expected, f"{name} has {found} {word}, not {expected}")
    scale = arrays.get("scale", np.ones(1))
    demand(bool((scale > 0).all()), "scale holds numbers that are not above zero")


def demand_settings(record: dict, *names: str) -> None:
    """Refuse a bundle whose settings lack one of these."""
    for name in names:
        demand(name in record["settings"], f"settings.{name} is missing")


def demand_images_declared(record: dict) -> None:
    """Refuse a bundle of training rows that are pictures and that does not say so."""
    shown = record["features"]["name"] in PICTURES
    hidden = shown and record["contains_training_images"] is not True
    demand(not hidden, "it hides that it holds training images")
