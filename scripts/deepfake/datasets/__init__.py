"""Readers of dataset trees, one module a layout; each yields rows of a sheet.

A layout is a function `scan(root, dataset) -> (videos, notes)`: rows with every column of
`sheet.COLUMNS` but `group_id` and `batch`, and lines that tell what was skipped or is missing.
To add one, write its module and name it in LAYOUTS.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deepfake.datasets import faceforensics, folders
from deepfake.sheet import Video

LAYOUTS: dict[str, Callable[[Path, str], tuple[list[Video], list[str]]]] = {
    "faceforensics": faceforensics.scan,
    "folders": folders.scan,
}
