"""The keys of a run: their types, defaults and meaning. Not what is done with them.

The Snakefile is parsed again in every cluster job, so nothing heavy is imported here.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

Number = int | float


class ConfigError(ValueError):
    """What is wrong with a configuration: one line a problem, each with its key path."""


def _key(default: Any, what: str, reruns: str, **limits: Any) -> Any:
    """A key with its default, its meaning, and the first stage that reruns when it changes."""
    return Field(default, description=what, json_schema_extra={"reruns": reruns}, **limits)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _number_or_word(value: Any) -> Any:
    """PyYAML reads `1e-3` as a string; a grid means the number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _not_a_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


NotBool = BeforeValidator(_not_a_boolean)
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), NotBool]
Int = Annotated[int, NotBool]
Float = Annotated[float, NotBool]
Count = Annotated[int, Field(ge=1, le=10**9), NotBool]
Choice = BeforeValidator(_number_or_word)


def _grid(item: Any) -> Any:
    """A list of values to try; a single value stands for a list of one."""
    return Annotated[list[item], BeforeValidator(_as_list), Field(min_length=1)]


class Section(BaseModel):
    """Base of every section: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Frames(Section):
    """Which frames are taken out of a video."""

    every: Count = _key(30, "distance between sampled frames: 0, every, 2*every, ...", "frames")
    per_video: Int = _key(7, "sampled frames a video, at most", "frames", ge=1, le=10_000)
    format: Literal["png", "jpeg"] = _key(
        "png", "how frames are kept; png is lossless, jpeg is the original's protocol", "frames"
    )
    jpeg_quality: Int = _key(95, "quality of jpeg frames", "frames", ge=1, le=100)
    timeout: Count = _key(600, "seconds after which a video's decoding is given up", "frames")


class Faces(Section):
    """How a frame becomes a face of fixed size."""

    size: Int = _key(320, "side of a face crop in pixels", "faces", ge=16, le=2048)
    margin: Float = _key(
        0.0, "enlargement of the box on each side, as a share of its sides", "faces", ge=0, le=2
    )
    choose: Literal["most_confident", "largest"] = _key(
        "most_confident", "which face of a frame is taken", "faces"
    )
    min_confidence: Float = _key(0.9, "least confidence of a usable face", "faces", ge=0, le=1)
    thresholds: tuple[Float, Float, Float] = _key(
        (0.6, 0.7, 0.8), "MTCNN's thresholds of P-, R- and O-Net", "faces"
    )
    resize: Literal["box", "bilinear", "bicubic", "lanczos"] = _key(
        "bicubic", "Pillow's filter for the crop", "faces"
    )
    jpeg_quality: Int | None = _key(
        None, "quality of a JPEG round trip of the crop (the original: 75); null is none", "faces"
    )

    @model_validator(mode="after")
    def _check(self) -> Faces:
        if not all(0 < t < 1 for t in self.thresholds):
            raise ValueError("thresholds must lie between 0 and 1")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ValueError("jpeg_quality must lie between 1 and 100, or be null")
        return self


class Folds(Section):
    """The folds inside the training rows."""

    k: Int = _key(5, "number of folds inside the training rows", "split", ge=2, le=100)
    shuffle: bool = _key(True, "whether rows or groups are shuffled before they are cut", "split")


class Rows(Section):
    """Which rows take part at all."""

    every: Count = _key(1, "keep one row in so many of each class, in row order", "split")


class Split(Section):
    """Who is in training and who is in the test."""

    protocols: _grid(Literal["grouped", "frame"]) = _key(
        ["grouped"], "how test rows are chosen; several are one sweep", "split"
    )
    test_size: Float = _key(0.2, "share of the rows held out for the test", "split", gt=0, lt=1)
    folds: Folds = Folds()
    rows: Rows = Rows()

    @model_validator(mode="after")
    def _check(self) -> Split:
        if len(set(self.protocols)) != len(self.protocols):
            raise ValueError("a protocol is named twice")
        return self


class SvmGrid(Section):
    """Settings of support vector machines to try."""

    kernel: _grid(Literal["linear", "rbf", "poly"]) = _key(["rbf"], "kernel", "search")
    C: _grid(Positive) = _key([1.0], "penalty of a margin error", "search")
    gamma: _grid(Annotated[Literal["scale", "auto"] | Positive, Choice]) = _key(
        ["scale"], "width of rbf and poly: 1/(p var), 1/p or a number", "search"
    )
    scaling: _grid(Literal["standard", "none"]) = _key(
        ["standard"], "pixels standardised by the training rows, or as they are", "gram"
    )


class LogisticGrid(Section):
    """Settings of logistic regression to try."""

    C: _grid(Positive) = _key([1.0], "inverse strength of the L2 penalty", "search")
    scaling: _grid(Literal["standard", "none"]) = _key(
        ["standard"], "pixels standardised by the training rows, or as they are", "gram"
    )
    intercept: _grid(Literal["free", "penalised"]) = _key(
        ["free"], "intercept free, or penalised as liblinear does", "search"
    )


class ForestGrid(Section):
    """Settings of random forests to try."""

    n_estimators: _grid(Count) = _key(
        [100], "number of trees; the largest is grown once and its prefixes scored", "search"
    )
    max_features: _grid(
        Annotated[
            Literal["sqrt", "log2"] | Count | Annotated[float, Field(gt=0, le=1), NotBool], Choice
        ]
    ) = _key(["sqrt"], "features tried at a node: sqrt, log2, a number or a share", "search")
    min_samples_leaf: _grid(Count) = _key([1], "least rows of a leaf", "search")
    criterion: _grid(Literal["gini", "entropy"]) = _key(["gini"], "impurity of a node", "search")


class Sweep(Section):
    """The models to search, each with its grid."""

    svm: SvmGrid | None = None
    logistic: LogisticGrid | None = None
    forest: ForestGrid | None = None

    @model_validator(mode="after")
    def _check(self) -> Sweep:
        if not self.names():
            raise ValueError("names no model; give at least one of svm, logistic, forest")
        return self

    def names(self) -> list[str]:
        """The models of this sweep, in a fixed order."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]


class Search(Section):
    """How candidates are compared."""

    score: Literal["roc_auc", "accuracy", "balanced_accuracy", "average_precision"] = _key(
        "roc_auc", "what the best candidate is chosen by, on folds only", "choose"
    )
    candidates_per_job: Count = _key(20, "candidates that one search job scores", "search")
    max_gram_rows: Count = _key(
        50_000,
        "training rows above which svm and logistic are refused (20 bytes x rows^2)",
        "nothing",
    )


class Evaluation(Section):
    """How sure the scores are."""

    level: Float = _key(0.95, "level of the intervals", "evaluate", gt=0.5, lt=1)
    resamples: Int = _key(2000, "bootstrap resamples of the groups", "evaluate", ge=100, le=10**6)


class Config(Section):
    """All keys of a run."""

    run: str = _key(
        "demo", "name of the run; its folder is results/<run>", "all", pattern=r"^[A-Za-z0-9._-]+$"
    )
    sheet: str = _key(
        "data/demo/videos.tsv", "table of the videos, one row each", "what changed", min_length=1
    )
    seed: Int = _key(42, "seed of splits, forests and intervals", "split", ge=0, lt=2**32)
    max_jobs: Count = _key(5000, "jobs above which a run is refused", "nothing")
    frames: Frames = Frames()
    faces: Faces = Faces()
    split: Split = Split()
    sweep: Sweep
    search: Search = Search()
    evaluation: Evaluation = Evaluation()

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.run.startswith("."):
            raise ValueError("run must not start with a dot")
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
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        lines = [f"{name}: {' '.join(line.splitlines())}" for line in _explain(error.errors())]
        raise ConfigError("\n".join(lines)) from None


def _explain(problems: list[dict[str, Any]]) -> list[str]:
    """One line a key: its path, its value, what is wrong with it."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        path, known = _locate(problem["loc"])
        value = problem["input"]
        prefix = f"{path}: " if path else ""
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(path.split(".")[-1], known, n=1, cutoff=0.5)
            what = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            prefix, what = prefix + "unknown key; ", what
        elif problem["type"] == "missing":
            what = "missing"
            if path == "sweep":
                what += "; name at least one of svm, logistic, forest under it"
        elif problem["type"] == "model_type":
            what = "should be a mapping of keys"
        else:
            what = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
            what = what.split(", unable to parse")[0]
            if isinstance(value, str | int | float) or value is None:
                prefix += f"{_shown(value)} "
        found.setdefault(prefix, []).append(what)
    # a value that fits no branch of a union is one problem, not one a branch
    return [prefix + " or ".join(whats) for prefix, whats in found.items()]


def _shown(value: str | int | float | None) -> str:
    """A value for a message, cut where it is long."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"


def _locate(loc: tuple[int | str, ...]) -> tuple[str, list[str]]:
    """A key path like `sweep.svm.C[1]` and the keys known beside its last part."""
    model: Any = Config
    path, known = "", list(Config.model_fields)
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        if model is None:
            break  # the rest names a branch of a union, not a key
        known = list(model.model_fields)
        path += f".{part}" if path else part
        field = model.model_fields.get(part)
        model = _section(field.annotation) if field else None
    return path, known


def _section(annotation: Any) -> type[Section] | None:
    """The section that a field holds, through `X | None`."""
    for kind in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def keys(model: type[Section] = Config, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Every key as (path, default, meaning, first stage that reruns), in order."""
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section:
            yield from keys(section, f"{prefix}{name}.")
        else:
            required = field.is_required()
            shown = "" if required else json.dumps(field.default).replace('"', "")
            yield prefix + name, shown, field.description, field.json_schema_extra["reruns"]
