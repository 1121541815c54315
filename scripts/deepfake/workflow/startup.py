"""Checks before Snakemake reads or writes anything; the profiles call this.

Snakemake reads the configuration and makes a cache in the home folder before it comes to the
Snakefile, and ends with a traceback where it cannot. Nothing heavy is imported here.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deepfake.core import schema
from deepfake.workflow import site

ROOT = Path(__file__).resolve().parents[3]


def prepare(words: Sequence[str]) -> None:
    """Find a folder for caches, and read the configuration files once.

    Args:
        words: the arguments of Snakemake.

    Raises:
        SystemExit: one line, where a file is missing or cannot be read.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="extend", default=[])
    parser.add_argument("--directory", "-d", type=Path, default=Path())
    given, _ = parser.parse_known_args(words)
    own_cache(given.directory)
    try:
        for path in given.configfile:
            schema.read_mapping(path)
        site.load(ROOT)
    except schema.ConfigError as error:
        sys.exit(str(error))


def own_cache(folder: Path) -> None:
    """If Snakemake's cache cannot be in the home folder, put it below the run's folder.

    Batch accounts often have a home folder that is not there or cannot be written.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    if not (cache.is_absolute() and _takes_files(cache / "snakemake")):
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, ".snakemake", "cache").resolve())


def _takes_files(folder: Path) -> bool:
    """Whether a folder is there, or can be made, and a file can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
