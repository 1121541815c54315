"""What is asked of a model about videos, and how its bundle wants them to be seen.

The Snakefile calls this, so nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from deepfake import config, schema
from deepfake.config import RUN, ConfigError
from deepfake.schema import Count, Float, Section


class Question(Section):
    """What is asked of a model: `snakemake classify --config videos=... bundle=...`."""

    videos: str | list[str] = Field(description="a path, a pattern or @LIST of the videos")
    bundle: str = Field(description="the folder of a model, or of a run")
    run: str = Field("verdicts", pattern=RUN)
    prior: Float = Field(0.5, gt=0, lt=1)
    undecided: tuple[Float, Float] = (0.4, 0.6)
    videos_per_job: Count = 20

    @model_validator(mode="after")
    def _check(self) -> Question:
        if self.run.startswith("."):
            raise ValueError("run must not start with a dot")
        if not 0 <= self.undecided[0] <= self.undecided[1] <= 1:
            raise ValueError("undecided must be two rising probabilities")
        return self


def load(values: dict[str, Any], name: str) -> Question:
    """Check what is asked of a model; see `config.load`."""
    return schema.check(Question, values, name)


def honour(record: Any, run: str, name: str) -> config.Config:
    """The configuration by which a bundle's user must turn videos into faces.

    Args:
        record: of the bundle. run: the folder's name. name: the bundle, for messages.

    Raises:
        ConfigError: settings that this version does not know.
    """
    values = record.get("preprocessing") if isinstance(record, dict) else None
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: is no folder of a model (with a sound bundle.json)")
    values = {key: value for key, value in values.items() if key != "versions"}
    # A bundle may say how to see a video, but not where results go, nor how long a job may take.
    foreign = sorted(values.keys() - {"frames", "faces"})
    if isinstance(values.get("frames"), dict) and "timeout" in values["frames"]:
        foreign.append("frames.timeout")
    if foreign:
        raise ConfigError(f"{name}: preprocessing: {schema.shown(foreign[0])} is not for it to say")
    return config.load({"run": run, "sweep": {"forest": {}}, **values}, f"{name}: preprocessing")
