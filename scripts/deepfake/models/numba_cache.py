"""Where compiled code is kept, so that a run compiles once. Not what is compiled."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deepfake.core import codehash

log = logging.getLogger("deepfake")


def keep(folder: Path) -> Path | None:
    """Keep compiled code in a folder, and find it there; to be called before numba is imported.

    Each kind of processor and each state of the code has a folder inside it: numba takes no notice
    of a change in a module that a compiled one imports, and processors would overwrite each
    other's files. Files appear whole, so any number of jobs may start at once.

    Returns:
        The folder inside, or None where it cannot be written: then each job compiles for itself.
    """
    from llvmlite import binding

    machine = binding.get_host_cpu_name()
    state = f"{binding.get_host_cpu_features().flatten()} {codehash.of('compile')}"
    place = folder.resolve() / f"{machine}-{hashlib.sha256(state.encode()).hexdigest()[:16]}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        log.warning("compiled code is not kept: %s", error)
        return None
    os.environ["NUMBA_CACHE_DIR"] = str(place)
    return place


def keep_beside(files: Sequence[str]) -> None:
    """Find what the rule compile made, by the file that it wrote; nothing where none is given."""
    if files:
        keep(Path(files[0]).parent)
