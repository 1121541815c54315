"""The keys of evaluations and verdicts: thresholds, intervals, operating points."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import field_validator

from deepfake.core.schema import Float, Int, Section, key


class Evaluation(Section):
    """How scores become metrics, and how sure these are."""

    renamed: ClassVar[dict[str, str]] = {"false_alarms": "verdict.max_false_alarms"}

    threshold: Literal["equal_error", "model"] = key(
        "equal_error",
        "score from which accuracy and the like call a row fake: chosen on the folds, where both "
        "classes err equally often, or the model's own",
        "fit",
    )
    level: Float = key(0.95, "level of the intervals", "evaluate", gt=0.5, lt=1)
    resamples: Int = key(
        2000,
        "bootstrap samples of groups for the correction of selection bias of the best on the folds",
        "selection",
        ge=100,
        le=10**6,
    )

    @field_validator("threshold", mode="before")
    @classmethod
    def _renamed(cls, value: Any) -> Any:
        if value == "false_alarms":
            raise ValueError("is no threshold any more: it is verdict.max_false_alarms now")
        return value


class Verdict(Section):
    """How often a verdict may be wrong. Without an error in the folds, 0.05 takes 18 groups."""

    max_false_alarms: Float = key(
        0.05,
        "bound of the rate of real videos that are called fake, counted over groups of the folds "
        "as (errors + 1) / (groups + 2); where no threshold holds it, no video is called fake",
        "fit",
        gt=0,
        lt=1,
    )
    max_missed: Float = key(
        0.10,
        "bound of the rate of fake videos in which no trace is found, counted likewise",
        "fit",
        gt=0,
        lt=1,
    )
    calibrate_on: str | None = key(
        None,
        "a second sheet of labelled videos, from elsewhere and never trained on, from which "
        "thresholds and probabilities come; null: from the folds",
        "fit",
    )
    strict: bool = key(
        False, "whether the one-sided 95 % end of each rate must be within its bound", "fit"
    )
