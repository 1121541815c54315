"""Options of `classify`, and the configuration with which a bundle reads videos.

The Snakefile calls this, so nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from deepfake.core import schema
from deepfake.core.schema import Count, Float, Section
from deepfake.workflow import config
from deepfake.workflow.config import RUN, ConfigError

NOTED = ("versions", "decoder")  # entries of a bundle's preprocessing that are no settings


class ClassifyOptions(Section):
    """The options of `snakemake classify --config videos=... bundle=...`."""

    renamed: ClassVar[dict[str, str]] = {
        "undecided": "a matter of the training (verdict.max_false_alarms and verdict.max_missed)"
    }

    videos: str | list[str] = Field(description="a path, a pattern or @LIST of the videos")
    bundle: str = Field(description="the folder of a model, or of a run")
    run: str = Field("verdicts", pattern=RUN)
    person: str = Field("", description="the folder of an enrolled person, to score movements too")
    prior: Float = Field(0.5, gt=0, lt=1)
    span: Literal["whole", "start", "trained"] = "whole"
    videos_per_job: Count = 20

    @model_validator(mode="after")
    def _check(self) -> ClassifyOptions:
        if self.run.startswith("."):
            raise ValueError("run must not start with a dot")
        return self


def load(values: dict[str, Any], name: str) -> ClassifyOptions:
    """Check the options of `classify`; see `config.load`."""
    return schema.check(ClassifyOptions, values, name)


def bundle_config(record: Any, run: str, name: str, span: str = "trained") -> config.Config:
    """The configuration that turns videos into faces as in a bundle's training.

    Args:
        record: of the bundle. run: the folder's name. name: the bundle, for messages.
        span: sampled part of a clip, see `frames.span`; "trained": as in the training.

    Raises:
        ConfigError: settings that this version does not know.
    """
    values = record.get("preprocessing") if isinstance(record, dict) else None
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: is no folder of a model (with a sound bundle.json)")
    values = {key: value for key, value in values.items() if key not in NOTED}
    # A bundle may set how videos are read, but not where results go, nor how long a job may take.
    foreign = sorted(values.keys() - {"frames", "faces"})
    if isinstance(values.get("frames"), dict) and "timeout" in values["frames"]:
        foreign.append("frames.timeout")
    if foreign:
        raise ConfigError(
            f"{name}: preprocessing: {schema.shown(foreign[0])} may not be set by a bundle"
        )
    made = config.load({"run": run, "sweep": {"forest": {}}, **values}, f"{name}: preprocessing")
    if span in ("trained", made.frames.span):
        return made
    # as many frames as in the training, also of a short clip
    update = {"span": span} | ({"every": 1} if span == "whole" else {})
    return made.model_copy(update={"frames": made.frames.model_copy(update=update)})
