"""Run the user's own copy of FaceForensics++'s download script; the script is not included.

The command line is the one that the dataset's page documents. The Snakefile calls this, so
nothing heavy is imported.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from deepfake.core import filenames
from deepfake.core.schema import Count, Section, grid, key
from deepfake.dataset.layouts.faceforensics import COMPRESSIONS, SUBSETS
from deepfake.dataset.sheet import unusable

log = logging.getLogger("deepfake")

WHERE = "https://github.com/ondyari/FaceForensics"
IDLE = 3  # runs in a row without a new file, after which the job fails
PAUSE = 60  # seconds before a run after one without new files, multiplied by their number
# MB of a clip, by the sizes that the dataset's page names; the actors' are as many times larger
MEGABYTES = {"raw": 85.0, "c23": 2.0, "c40": 0.5}
ACTORS = 5.5


class Download(Section):
    """How `snakemake download` gets FaceForensics++, by the user's own copy of its script."""

    script: str | None = key(
        None, "your own copy of FaceForensics++'s download script; null is none", "nothing"
    )
    accept_terms: bool = key(
        False, "whether you have read and accept the dataset's terms of use", "nothing"
    )
    folder: str = key("data/FaceForensics++", "folder that is filled", "nothing", min_length=1)
    datasets: grid(Literal[tuple(SUBSETS)]) = key(
        ["original", "Deepfakes"], "subsets, by the script's names for them", "nothing"
    )
    compressions: grid(Literal[COMPRESSIONS]) = key(["c23"], "of each subset", "nothing")
    type: Literal["videos", "masks", "models"] = key("videos", "what of each subset", "nothing")
    server: Literal["EU", "EU2", "CA"] = key("EU2", "where the script gets it", "nothing")
    num_videos: Count | None = key(None, "so many of each subset; null is all", "nothing")

    @model_validator(mode="after")
    def _check(self) -> Download:
        for name in ("script", "folder"):
            if reason := unusable(getattr(self, name) or ""):
                raise ValueError(f"{name} {reason}")
        return self


class DownloadError(ConnectionError):
    """The script downloads nothing more; another attempt may succeed."""


def problems(settings: Download) -> list[str]:
    """Why nothing can be downloaded, a line each, and what to do."""
    if settings.script is None:
        return [
            "download.script: names no script; FaceForensics++ is given out on request: fill in "
            f"the form at {WHERE} and name your copy of the script that you are sent"
        ]
    found = []
    if reason := filenames.absent(settings.script):
        found.append(f"download.script: {filenames.shown(settings.script)}: {reason}")
    if not settings.accept_terms:
        found.append(
            "download.accept_terms: is not true; the script asks whether you accept the dataset's "
            f"terms of use: read them ({WHERE} links to them) and answer here"
        )
    return found


def clips(settings: Download, subset: str) -> int:
    """How many clips a subset has, or how many of them are wanted."""
    return min(SUBSETS[subset].clips, settings.num_videos or sys.maxsize)


def size(settings: Download, subset: str, compression: str) -> float:
    """About how many bytes a subset is."""
    larger = ACTORS if SUBSETS[subset].people else 1.0
    return clips(settings, subset) * MEGABYTES[compression] * larger * 2**20


def command(settings: Download, subset: str, compression: str) -> list[str]:
    """The words that start the script for one subset and compression."""
    words = [
        *(sys.executable, str(Path(settings.script).resolve())),
        str(Path(settings.folder).resolve()),  # absolute, so it can be taken for no option
        *("-d", subset, "-c", compression, "-t", settings.type, "--server", settings.server),
    ]
    return words + (["--num_videos", str(settings.num_videos)] if settings.num_videos else [])


def fetch(settings: Download, subset: str, compression: str, pause: float = PAUSE) -> int:
    """Run the script until it succeeds; it skips existing files.

    Its question about the terms of use is answered by one key: the user did so in the
    configuration (see `problems`).

    Returns:
        How many files the subset has.

    Raises:
        DownloadError: IDLE runs in a row brought nothing, or the script succeeded without a file.
    """
    words, idle = command(settings, subset, compression), 0
    Path(settings.folder).mkdir(parents=True, exist_ok=True)
    while True:
        before = _count(settings, subset, compression)
        ended = subprocess.run(words, input=b"\n", check=False).returncode
        there = _count(settings, subset, compression)
        if ended == 0:
            break
        log.warning("the script ended with %d after %d new files", ended, there - before)
        idle = 0 if there > before else idle + 1
        if idle == IDLE:
            raise DownloadError(
                f"{settings.script} ended with {ended} and brought no new file {IDLE} times; "
                "see the log. Run again to continue: downloaded files are kept"
            )
        time.sleep(pause * idle)
    if not there:
        raise DownloadError(
            f"{settings.script} succeeded, but there is no file in "
            f"{_place(settings, subset, compression)}; see the log"
        )
    return there


def _place(settings: Download, subset: str, compression: str) -> Path:
    last = compression if settings.type == "videos" else settings.type
    return Path(settings.folder, SUBSETS[subset].folder, last)


def _count(settings: Download, subset: str, compression: str) -> int:
    """Whole files; those that a broken download leaves have no ending."""
    place = _place(settings, subset, compression)
    return sum(path.is_file() for path in place.rglob("*.*"))
