"""Readers of dataset trees, one module a layout; each yields rows of a sheet.

A layout is a function `scan(root, dataset) -> (videos, notes)`: rows with columns of
`sheet.COLUMNS`, and lines that tell what was skipped or is missing. `batch` is not its matter;
`group_id` only where the dataset itself says what belongs together. Some take an option of their
own. To add a layout, write its module and name it in LAYOUTS.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deepfake.datasets import celebdf, deeperforensics, dfdc, faceforensics, folders
from deepfake.sheet import Video

LAYOUTS: dict[str, Callable[..., tuple[list[Video], list[str]]]] = {
    "celebdf": celebdf.scan,
    "deeperforensics": deeperforensics.scan,
    "dfdc": dfdc.scan,
    "faceforensics": faceforensics.scan,
    "folders": folders.scan,
}

# The layout that an option belongs to.
OPTIONS = {"splits": "faceforensics", "faceforensics": "deeperforensics", "group_by": "dfdc"}


def scan(layout: str, root: Path, dataset: str, **options: object) -> tuple[list[Video], list[str]]:
    """Rows and notes of a tree; see the module of each layout."""
    return LAYOUTS[layout](root, dataset, **options)
