"""The site file: account, partition, queue, project, and the cluster's limits.

The file is profiles/site.yaml, or the one that the environment variable DEEPFAKE_SITE names; it
is not under version control. The profiles and the Snakefile read it, so nothing heavy is
imported here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from deepfake.core.schema import Count, Section, check, read_yaml

VARIABLE = "DEEPFAKE_SITE"
TEMPLATE = "profiles/site.example.yaml"


Words = Annotated[str, Field(pattern=r"^[^\n]+$")]


class Slurm(Section):
    """Account, partition and further options of SLURM jobs, and the number of jobs at a time."""

    account: str | None = None
    partition: str | None = None
    status: Literal["sacct", "squeue"] = "sacct"
    jobs: Count | None = None
    qos: Words | None = None
    constraint: Words | None = None
    extra: Words | None = None


class Lsf(Section):
    """Queue, project and further options of LSF jobs, and the number of jobs at a time."""

    queue: str
    project: str
    jobs: Count | None = None
    extra: Words | None = None


class Limits(Section):
    """The largest request of a job at any attempt; null is no limit."""

    mem_mb: Count | None = None
    minutes: Count | None = None


class Site(Section):
    """All keys of a site file."""

    slurm: Slurm | None = None
    lsf: Lsf | None = None
    limits: Limits = Field(default_factory=Limits)


def path(root: str | Path) -> Path:
    """Where the site file is, whether it exists or not.

    Args:
        root: the repository.
    """
    return Path(os.environ.get(VARIABLE) or Path(root, "profiles", "site.yaml"))


def load(root: str | Path) -> Site:
    """The site file, or an empty one if it does not exist.

    Raises:
        ConfigError: one line for each wrong key, with file and key path.
    """
    file = path(root)
    if not file.exists():
        return Site()
    return check(Site, read_yaml(file) or {}, str(file))
