"""The configuration keys of a run: their types, defaults and meaning.

The Snakefile is parsed again in every cluster job, so nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from deepfake.core import schema
from deepfake.core.schema import (
    ConfigError,
    Count,
    Float,
    Int,
    Section,
    Words,
    grid,
    key,
    several,
)
from deepfake.dataset.download import Download
from deepfake.dataset.sheet import unusable
from deepfake.features import registry as sets
from deepfake.models.catalogue import on_gram
from deepfake.splits.leave_one_out import Transfer
from deepfake.workflow import published_results, variants
from deepfake.workflow.config_evaluation import Evaluation, Verdict
from deepfake.workflow.config_models import Sweep
from deepfake.workflow.config_robustness import Robustness
from deepfake.workflow.config_training import TrainingRows

__all__ = ["Config", "ConfigError", "deciding", "keys", "load"]


RUN = r"^[A-Za-z0-9._-]{1,100}$"  # a folder's name
ASIDE = (
    "nothing",
    "robustness",
    "transfer",
    "variants",
)  # stages that do not change a run's results


class Frames(Section):
    """Which frames of a video are sampled."""

    every: Count = key(30, "distance between sampled frames: 0, every, 2*every, ...", "frames")
    per_video: Int = key(7, "sampled frames a video, at most", "frames", ge=1, le=10_000)
    span: Literal["start", "whole"] = key(
        "start",
        "start: the first frames of a clip, `every` apart; whole: frames spread evenly over the "
        "clip, at least `every` apart",
        "frames",
    )
    format: Literal["png", "jpeg"] = key(
        "png", "format of stored frames; png is lossless, jpeg is the original's protocol", "frames"
    )
    jpeg_quality: Int = key(95, "quality of jpeg frames", "frames", ge=1, le=100)
    timeout: Count = key(600, "time limit of a video's decoding in seconds", "frames")


class Faces(Section):
    """How a frame becomes a face of fixed size."""

    size: Int = key(320, "side of a face crop in pixels", "faces", ge=16, le=2048)
    margin: Float = key(
        0.0, "enlargement of the box on each side, as a share of its sides", "faces", ge=0, le=2
    )
    detect_at: Int | None = key(
        None,
        "longest side in pixels of the frame in which faces are searched; a larger frame is shrunk "
        "for the search, and faces are cut at full size; null: up to 1920 x 1080 pixels",
        "faces",
    )
    search: Literal["full", "around"] = key(
        "full",
        "full: every frame is searched for faces of all sizes; around: every fourth is, and the "
        "others for faces from half of the smallest found there, which is faster; "
        "a frame in which a face is missing is searched for all sizes after all",
        "faces",
    )
    choose: Literal["longest_track", "most_confident", "largest"] = key(
        "longest_track",
        "face used for training: the one in most frames of its video (the larger of equal ones), "
        "or in each frame separately the most confident or the largest; classify uses all faces",
        "faces",
    )
    min_confidence: Float = key(0.9, "least confidence of a usable face", "faces", ge=0, le=1)
    thresholds: tuple[Float, Float, Float] = key(
        (0.6, 0.7, 0.8), "MTCNN's thresholds of P-, R- and O-Net", "faces"
    )
    resize: Literal["box", "bilinear", "bicubic", "lanczos"] = key(
        "bicubic", "Pillow's filter for the crop", "faces"
    )
    jpeg_quality: Int | None = key(
        None, "quality of a JPEG round trip of the crop (the original: 75); null is none", "faces"
    )

    @model_validator(mode="after")
    def _check(self) -> Faces:
        if not all(0 < t < 1 for t in self.thresholds):
            raise ValueError("thresholds must lie between 0 and 1")
        if self.detect_at is not None and not 64 <= self.detect_at <= 10_000:
            raise ValueError("detect_at must lie between 64 and 10000, or be null")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ValueError("jpeg_quality must lie between 1 and 100, or be null")
        return self


class Folds(Section):
    """The folds inside the training rows."""

    k: Int = key(5, "number of folds inside the training rows", "split", ge=2, le=100)
    shuffle: bool = key(True, "whether rows or groups are shuffled before they are cut", "split")


class Rows(Section):
    """Which rows take part at all."""

    every: Count = key(1, "keep one in `every` rows of each class, in row order", "split")


class Cross(Section):
    """What the protocol cross trains on and tests on."""

    by: Literal["dataset", "method", "compression"] = key(
        "method", "column of the sheet that defines the sides of the protocol cross", "split"
    )
    train: Words = key([], "its values that the protocol cross trains on", "split")
    test: Words = key([], "its values that the protocol cross tests on", "split")

    @model_validator(mode="after")
    def _check(self) -> Cross:
        if both := sorted(set(self.train) & set(self.test)):
            raise ValueError(f"{', '.join(both)} is on both sides")
        return self


class Split(Section):
    """Which rows are in training and which are in the test."""

    protocols: grid(Literal["grouped", "official", "identity", "video", "frame", "cross"]) = key(
        ["grouped"], "how test rows are chosen; several are compared in one run", "split"
    )
    test_size: Float = key(0.2, "share of the rows held out for the test", "split", gt=0, lt=1)
    paired: bool = key(
        False,
        "whether a fake is in training only together with its own original; what is left out is "
        "counted",
        "split",
    )
    folds: Folds = Folds()
    rows: Rows = Rows()
    cross: Cross = Cross()

    @model_validator(mode="after")
    def _check(self) -> Split:
        if "cross" in self.protocols and not (self.cross.train and self.cross.test):
            raise ValueError("the protocol cross needs cross.train and cross.test, not empty")
        if len(set(self.protocols)) != len(self.protocols):
            raise ValueError("a protocol appears twice")
        return self


class Search(Section):
    """How candidates are compared."""

    score: Literal["roc_auc", "accuracy", "balanced_accuracy", "average_precision"] = key(
        "roc_auc", "score that selects the best candidate, on the folds only", "choose"
    )
    candidates_per_job: Count = key(
        20, "candidates scored by one search job, except forests", "search"
    )
    trees_per_job: Count = key(1000, "trees of a forest that one job grows", "search")
    max_gram_rows: Count = key(
        50_000,
        f"training rows above which {on_gram()} are refused (20 bytes x rows^2), but linear models "
        "on feature sets of up to 5,000 columns, which are then solved in the columns, and an svm "
        "with landmarks",
        "search",
    )
    core_hours: Float | None = key(
        None,
        "core hours above which a run is refused: threads x minutes that all of its jobs request "
        "at their first attempt, of which they use less; null is no limit",
        "nothing",
        gt=0,
        le=10**9,
    )


class Report(Section):
    """What the page of a run shows."""

    renamed: ClassVar[dict[str, str]] = {"original": "report.published"}

    sample_faces: Int = key(
        0, "faces shown on the page, half of each class; they are pictures of people", "report",
        ge=0, le=200,
    )  # fmt: skip
    published: several(Literal[(*published_results.EXPERIMENTS,)]) = key(
        [],
        "published experiments whose runs are repeated and set beside their results: original (six "
        "runs, on the frame split of pixels), abdali (nine, on the official split of ring)",
        "report",
    )


class Config(Section):
    """All keys of a run."""

    run: str = key("demo", "name of the run; its folder is results/<run>", "all", pattern=RUN)
    sheet: str = key(
        "data/demo/videos.tsv", "table of the videos, one row each", "what changed", min_length=1
    )
    seed: Int = key(42, "seed of splits, forests and intervals", "split", ge=0, lt=2**32)
    max_jobs: Count = key(5000, "jobs above which a run is refused", "nothing")
    frames: Frames = Frames()
    faces: Faces = Faces()
    features: grid(Literal[(sets.PIXELS, *sets.NAMES)]) = key(
        [sets.PIXELS],
        f"feature sets: {sets.PIXELS}, {', '.join(sets.NAMES)}; each is used with every model",
        "features",
    )
    split: Split = Split()
    training: TrainingRows = TrainingRows()
    sweep: Sweep = Field(
        description="name at least one model under it, like svm, logistic or forest"
    )
    search: Search = Search()
    evaluation: Evaluation = Evaluation()
    verdict: Verdict = Verdict()
    report: Report = Report()
    robustness: Robustness = Robustness()
    transfer: Transfer = Transfer()
    variants: dict[str, Any] = key(
        {},
        "other values of frames, faces and training, each a branch of the run: by name, like wide: "
        "{faces: {margin: 0.3}}, or lists, of which every combination is one, like faces: {margin: "
        "[0, 0.3]}",
        "variants",
    )
    download: Download = Download()

    @model_validator(mode="after")
    def _check(self) -> Config:
        for name in self.report.published:
            needed = published_results.EXPERIMENTS[name]
            if needed.protocol not in self.split.protocols:
                raise ValueError(
                    f"report.published: {name} needs {needed.protocol} among split.protocols"
                )
            if needed.features not in self.features:
                raise ValueError(f"report.published: {name} needs {needed.features} among features")
        if self.report.published and self.training.copies.count:
            raise ValueError("report.published repeats runs without training.copies: name none")
        if self.run.startswith("."):
            raise ValueError("run must not start with a dot")
        if reason := unusable(self.sheet):
            raise ValueError(f"sheet {reason}")
        if self.verdict.calibrate_on and (reason := unusable(self.verdict.calibrate_on)):
            raise ValueError(f"verdict.calibrate_on {reason}")
        if len(set(self.features)) != len(self.features):
            raise ValueError("a feature set appears twice")
        return self


def load(values: dict[str, Any], name: str) -> Config:
    """Check a run's configuration.

    Args:
        values: the keys as YAML gave them.
        name: the file they came from, for messages.

    Returns:
        The configuration with every default filled in.

    Raises:
        ConfigError: one line for each wrong key, with file and key path.
    """
    made = schema.check(Config, values, name)
    variants.branches(made, name)
    return made


def deciding(config: Config) -> dict[str, Any]:
    """The keys that results depend on, as plain builtins."""
    values = config.model_dump(mode="json")
    values["sweep"] = {model: values["sweep"][model] for model in config.sweep.names()}
    for path, _, _, stage in keys():
        *sections, last = path.split(".")
        if stage in ASIDE:
            here = values
            for section in sections:
                here = here[section]
            del here[last]
    return {name: value for name, value in values.items() if value != {}}


def keys() -> Iterator[tuple[str, str, str, str]]:
    """Every key as (path, default, meaning, first stage that reruns), in order."""
    return schema.keys(Config)
