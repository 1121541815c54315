"""The keys of targets beside a run: `snakemake robustness` and `snakemake download`.

No result of the run itself depends on them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from deepfake.datasets.faceforensics import COMPRESSIONS, SUBSETS
from deepfake.recode import WORST
from deepfake.schema import Count, Float, Int, Section, grid, key, several
from deepfake.sheet import unusable


class Robustness(Section):
    """What `snakemake robustness` does to the clips of the test; an empty list leaves it out."""

    crf: several(Annotated[Int, Field(ge=0, le=WORST)]) = key(
        [23, 32, 40],
        "constant rate factors at which clips are encoded again in H.264; 23 and 40 are "
        "FaceForensics++'s c23 and c40",
        "robustness",
    )
    scale: several(Annotated[Float, Field(ge=0.05, le=2)]) = key(
        [0.75, 0.5, 0.25], "shares of its sides that a clip is scaled to", "robustness"
    )
    brightness: several(Annotated[Float, Field(ge=0.05, le=20)]) = key(
        [0.5, 0.75, 1.5, 2.0], "factors of a clip's grey levels, cut at white", "robustness"
    )
    mirror: bool = key(True, "whether clips are mirrored too", "robustness")

    @model_validator(mode="after")
    def _check(self) -> Robustness:
        for name in ("crf", "scale", "brightness"):
            strengths = getattr(self, name)
            if len(set(strengths)) != len(strengths):
                raise ValueError(f"{name} names a strength twice")
        if not (self.crf or self.scale or self.brightness or self.mirror):
            raise ValueError("every perturbation is left out: name a strength, or mirror: true")
        return self


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
