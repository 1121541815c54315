"""Jobs of the targets `leakage`, `robustness`, `transfer`, `null` and `classify`, for planning.

See `plan` for those of the run itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from deepfake.features import registry as features
from deepfake.splits import protocols
from deepfake.workflow.config import Config
from deepfake.workflow.plan import Plan

# rules with a job a batch
CLASSIFYING = ("frames", "faces", "previews", "classify_batch")
OF_PERSON = ("windows", "person_scores")


def jobs(config: Config, plan: Plan) -> Iterator[tuple[str, dict[str, str]]]:
    """The jobs of these targets that a run does not have, as (rule, wildcards).

    The leakage ablation, what is left out, and robustness without training copies, also have jobs
    of the run's rules, under their own splits.
    """
    yield "leakage_splits", {}
    yield "leakage_page", {}
    for batch in plan.batches:
        yield "perturbed_faces", {"batch": batch}
        for name in config.features:
            if name != features.PIXELS:
                yield "perturbed_features", {"features": name, "batch": batch}
    apart = protocols.person_disjoint(config.split.protocols)
    if config.training.copies.count:
        for name in apart:
            yield "plain_split", {"whole": name}
        apart = apart + [f"{protocols.PLAIN}-{name}" for name in apart]
    swept = plan.swept(apart)
    for values in zip(*swept.values(), strict=True):
        yield "robustness_scores", dict(zip(swept, values, strict=True))
    yield "robustness_page", {}
    yield "transfer_page", {}
    swept = plan.swept()
    for values in zip(*swept.values(), strict=True):
        wildcards = dict(zip(swept, values, strict=True))
        if plan.scalings(wildcards["model"]):
            yield "label_flips", wildcards
    yield "null_table", {}


def to_classify(plan: Plan, videos: int, person: bool = False) -> str:
    """What the jobs that classify videos request, in a line; they use less.

    Args:
        person: whether a person's model scores them, too.
    """
    return _requested(plan, videos, "classify", (*CLASSIFYING, *(OF_PERSON if person else ())))


def to_enroll(plan: Plan, videos: int) -> str:
    """The same of the jobs that make a person's model."""
    return _requested(plan, videos, "learn from", OF_PERSON[:1])


def _requested(plan: Plan, videos: int, what: str, rules: tuple[str, ...]) -> str:
    minutes = sum(
        plan.threads(rule, {"batch": batch}) * plan.minutes(rule, {"batch": batch}, 1)
        for rule in rules
        for batch in plan.batches
    )
    hours = minutes / 60
    return (
        f"{videos} videos to {what} in {len(plan.batches)} batches; at most {hours:.3g} core "
        f"hours are requested, {1000 * hours / max(1, videos):.3g} for 1,000 videos"
    )
