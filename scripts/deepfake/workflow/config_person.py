"""Options of `enroll`, and the configuration with which it reads videos.

The Snakefile calls this, so nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from deepfake.core import schema
from deepfake.core.schema import Count, Section
from deepfake.person.person_file import NAME
from deepfake.workflow import config


class EnrollOptions(Section):
    """The options of `snakemake enroll --config person=NAME videos=...`."""

    person: str = Field(pattern=NAME, description="a name, of letters, digits, dots and dashes")
    videos: str | list[str] = Field(
        description="a path, a pattern or @LIST of that person's videos"
    )
    others: str | list[str] = Field([], description="the same, of other people, to test the model")
    videos_per_job: Count = 5


def load(values: dict[str, Any], name: str) -> tuple[EnrollOptions, config.Config]:
    """Check the options of `enroll`; see `config.load`. The configuration is the default one."""
    options = schema.check(EnrollOptions, values, name)
    return options, config.load({"run": options.person, "sweep": {"forest": {}}}, name)
