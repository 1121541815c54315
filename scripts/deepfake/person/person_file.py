"""Read person.json, also from untrusted sources. The arrays of a bundle: see `bundle`.

The Snakefile needs the name in it, so nothing heavy is imported here.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from deepfake.core import filenames

FILE = "person.json"
FORMAT = 1
NAME = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$"  # of a person: a folder's name
MOST_BYTES = 2**20


class PersonError(ValueError):
    """A folder that holds no person's model, or one that cannot be used, and why."""


def read(folder: str | Path) -> dict:
    """What person.json holds.

    Raises:
        PersonError: there is none, or it is none of this version.
    """
    path = Path(folder, FILE)
    if reason := filenames.absent(str(path)):
        raise PersonError(f"{folder}: {FILE}: {reason}; `snakemake enroll` makes such a folder")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is too large")
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != FORMAT or not isinstance(record["person"], str):
            raise ValueError(f"its format is not {FORMAT}")
    except (ValueError, OSError, RecursionError, LookupError, TypeError) as error:
        what = filenames.shown(str(error))[:200]
        raise PersonError(f"{folder}: {FILE} cannot be read: {what}") from None
    return record


def digest(folder: str | Path) -> str:
    """Hash of a bundle's record, which has those of its arrays: 12 hexadecimal digits."""
    return hashlib.sha256(Path(folder, FILE).read_bytes()).hexdigest()[:12]
