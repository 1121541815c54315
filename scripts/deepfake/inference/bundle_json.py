"""Find and read bundle.json, also from untrusted sources; `bundle` checks the model.

The Snakefile needs the preprocessing in it, so nothing heavy is imported here.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from deepfake.core import filenames

FILE = "bundle.json"
BEST = "best.json"  # of a run: which of its bundles verdicts come from
PLACE = r"[a-z]+/[a-z]+/models/[a-z]+"
MAX_BYTES = 16 * 2**20


class RecordError(ValueError):
    """A folder without a readable record, and what is wrong, in one line."""


def find(folder: str) -> str:
    """The folder of a bundle: the given one, or of a run's folder the one that it recommends.

    Raises:
        RecordError: a run that recommends none, or something that is no model of its own.
    """
    if filenames.absent(str(Path(folder, BEST))) or not filenames.absent(str(Path(folder, FILE))):
        return folder
    record = _load(folder, BEST)
    place = record.get("bundle") if isinstance(record, dict) else ""
    if place is None:
        reason = filenames.shown(str(record.get("why")))[:200]
        raise RecordError(f"{folder}: no model for verdicts: {reason}; name a model's own folder")
    if not (isinstance(place, str) and re.fullmatch(PLACE, place)):
        raise RecordError(f"{folder}: {BEST} names no model of the run")
    return f"{folder.rstrip('/')}/{place}"


def read(folder: str | Path) -> Any:
    """What bundle.json holds; every number in it is finite.

    Raises:
        RecordError: there is none, or it is no JSON or too large.
    """
    path = Path(folder, FILE)
    reason = filenames.absent(str(path))
    if reason in ("no such file", "cannot be read: Not a directory"):
        raise RecordError(f"{folder}: no {FILE} in it; a bundle is the folder of a model")
    if reason:
        raise RecordError(f"{folder}: {FILE} {reason}")
    return _load(folder, FILE)


def _load(folder: str | Path, name: str) -> Any:
    try:
        with open(Path(folder, name), "rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ValueError("it has more than 16 MB")
        return json.loads(text.decode("utf-8"), parse_constant=_finite, parse_float=_finite)
    except (ValueError, OSError, RecursionError) as error:
        raise RecordError(f"{folder}: {name} cannot be read: {error}") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"holds {text[:40]}, no finite number")
    return number
