"""Readers of dataset trees, one module a layout; each yields rows of a sheet.

A layout is a function `scan(root, dataset) -> (videos, notes)`: rows with columns of
`sheet.COLUMNS`, and lines that tell what was skipped or is missing. `batch` is not its matter;
`group_id` only where the dataset itself says what belongs together. Some take an option of their
own. CONTRIBUTING.md says how to add one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deepfake.dataset.layouts import (
    celebdf,
    celebdfpp,
    deeperforensics,
    df40,
    dfdc,
    faceforensics,
    folders,
)
from deepfake.dataset.sheet import Video

LAYOUTS: dict[str, Callable[..., tuple[list[Video], list[str]]]] = {
    "celebdf": celebdf.scan,
    "celebdfpp": celebdfpp.scan,
    "deeperforensics": deeperforensics.scan,
    "df40": df40.scan,
    "dfdc": dfdc.scan,
    "faceforensics": faceforensics.scan,
    "folders": folders.scan,
}

# The layouts that an option belongs to.
OPTIONS = {
    "splits": ["faceforensics"],
    "faceforensics": ["deeperforensics", "df40"],
    "celebdf": ["df40"],
    "group_by": ["dfdc"],
}


def scan(layout: str, root: Path, dataset: str, **options: object) -> tuple[list[Video], list[str]]:
    """Rows and notes of a tree; see the module of each layout."""
    return LAYOUTS[layout](root, dataset, **options)
