"""What a cluster's user says once: account, partition, queue, project, the cluster's limits.

The file is profiles/site.yaml, or the one that the environment variable DEEPFAKE_SITE names; it
is not under version control. The profiles and the Snakefile read it, so nothing heavy is
imported here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from deepfake.schema import Count, Section, check, read_yaml

VARIABLE = "DEEPFAKE_SITE"
TEMPLATE = "profiles/site.example.yaml"


class Slurm(Section):
    """Where SLURM jobs go."""

    account: str | None = None
    partition: str | None = None
    status: Literal["sacct", "squeue"] = "sacct"


class Lsf(Section):
    """Where LSF jobs go."""

    queue: str
    project: str


class Limits(Section):
    """The most that a job may ask for, whatever its attempt; null is no limit."""

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
    """The site file, or one that says nothing where there is none.

    Raises:
        ConfigError: one line for each wrong key, with file and key path.
    """
    file = path(root)
    if not file.exists():
        return Site()
    return check(Site, read_yaml(file) or {}, str(file))
