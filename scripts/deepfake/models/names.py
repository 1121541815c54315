"""The names of all models: each has a module here, and a record of the same name in `specs`.

The names are read from the folder, so that a new model changes no file of another one, and no
result of another one is made again.
"""

from __future__ import annotations

import re
from pathlib import Path

NAMES = tuple(
    sorted(
        path.stem
        for path in (Path(__file__).parent / "specs").glob("*.py")
        if re.fullmatch("[a-z]+", path.stem)  # as a rule's wildcard takes it; not __init__
    )
)
