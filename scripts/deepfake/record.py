"""Reading bundle.json, from whomever it comes. Not whether the model in it is sound.

The Snakefile needs the preprocessing in it, so nothing heavy is imported here.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from deepfake import names

FILE = "bundle.json"
MAX_BYTES = 16 * 2**20


class RecordError(ValueError):
    """A folder without a readable record, and what is wrong, in one line."""


def read(folder: str | Path) -> Any:
    """What bundle.json holds; every number in it is finite.

    Raises:
        RecordError: there is none, or it is no JSON or too large.
    """
    path = Path(folder, FILE)
    reason = names.absent(str(path))
    if reason in ("no such file", "cannot be read: Not a directory"):
        raise RecordError(f"{folder}: no {FILE} in it; a bundle is the folder of a model")
    if reason:
        raise RecordError(f"{folder}: {FILE} {reason}")
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ValueError("it has more than 16 MB")
        return json.loads(text.decode("utf-8"), parse_constant=_finite, parse_float=_finite)
    except (ValueError, OSError, RecursionError) as error:
        raise RecordError(f"{folder}: {FILE} cannot be read: {error}") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"holds {text[:40]}, no finite number")
    return number
