"""The records of all models, found in `specs`, and what pages take from them.

They are imported by computed names, and their type is not imported at all, so the code hash of a
job does not hold them: a job that depends on what a record says has that among its params.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from deepfake.models.names import NAMES


def _load() -> dict[str, Any]:
    found = {name: importlib.import_module(f"deepfake.models.specs.{name}").SPEC for name in NAMES}
    return dict(sorted(found.items(), key=lambda item: (item[1].position, item[0])))


SPECS = _load()  # a `model_spec.ModelSpec` by name, in the order of their positions
RANKS = {name: spec.rank for name, spec in SPECS.items()}


def on_pages(names: Iterable[str]) -> dict[str, dict]:
    """What the text and the charts of a page take from the records of some models.

    `place` is the model's among all, by which a chart gives it a colour.
    """
    places = {name: place for place, name in enumerate(SPECS)}
    return {
        name: {"axis": spec.axis, "rank": spec.rank, "uses_gram": spec.uses_gram}
        | {"place": places[name]}
        for name, spec in ((name, SPECS[name]) for name in names)
    }


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def on_gram() -> str:
    """The models that learn from a Gram matrix, in a sentence."""
    return listed(name for name, spec in SPECS.items() if spec.uses_gram)
