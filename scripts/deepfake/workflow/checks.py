"""Checks of a run before its first job: reasons to refuse it, and warnings.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from deepfake.dataset.sheet import Video
from deepfake.features import registry as features
from deepfake.models.catalogue import SPECS, listed
from deepfake.models.job_size import WIDEST
from deepfake.splits import protocols
from deepfake.workflow import budget, variants
from deepfake.workflow.config import Config
from deepfake.workflow.plan import Plan
from deepfake.workflow.site import Limits

MANY_JOBS = 2000  # above it, planning is slow and the cluster's controller is loaded
# What makes fewer jobs of a rule, by the rule.
PACKING = {
    "frames": "pack more videos a job (scan_dataset.py --videos-per-job)",
    "faces": "pack more videos a job (scan_dataset.py --videos-per-job)",
    "features": "pack more videos a job (scan_dataset.py --videos-per-job)",
    "search": "score more candidates a job (search.candidates_per_job)",
    "vote": "grow more trees a job (search.trees_per_job)",
    "grow": "grow more trees a job (search.trees_per_job)",
    "gram": "use fewer folds (split.folds.k) or protocols (split.protocols)",
}
# What makes a job of a rule smaller: less time, less memory.
_FEWER = "pack fewer videos a job (scan_dataset.py --videos-per-job)"
_GIVEN_UP = f"lower frames.timeout, the time limit of a video, or {_FEWER}"
SMALLER = {
    "frames": _GIVEN_UP,
    "copies": _GIVEN_UP,
    "perturbed_faces": _GIVEN_UP,
    "faces": f"take fewer frames (frames.per_video), or {_FEWER}",
    "features": _FEWER,
    "copy_features": _FEWER,
    "perturbed_features": _FEWER,
    "search": "score fewer candidates a job (search.candidates_per_job)",
    "vote": "grow fewer trees a job (search.trees_per_job)",
    "grow": "grow fewer trees a job (search.trees_per_job)",
}


def smaller(rule: str) -> str:
    """Which key makes a job of this rule smaller."""
    return SMALLER.get(rule, "take fewer frames (frames.per_video) or videos")


def warnings(plans: Sequence[Plan]) -> list[str]:
    """Warnings with the key to change; empty for most runs.

    Args:
        plans: of each branch of the run.
    """
    counts = Counter(rule for plan in plans for rule, _ in plan.jobs())
    jobs = sum(counts.values())
    if jobs <= MANY_JOBS:
        return []
    most, count = max(((rule, counts[rule]) for rule in PACKING), key=lambda found: found[1])
    return [
        f"warning: this run has {jobs} jobs, {count} of them {most}; more than {MANY_JOBS} are "
        f"slow to plan and load the cluster's controller: {PACKING[most]}"
    ]


def problems(
    config: Config,
    videos: list[Video],
    limits: Limits | None = None,
    calibration: Mapping[str, list[Video]] | None = None,
) -> list[str]:
    """Why a run is refused, and what to do; empty if it is not."""
    branches = list(variants.branches(config).values())
    # their requests are not capped
    plans = [Plan(one.config, videos, calibration=calibration, branch=one) for one in branches]
    found = [*_jobs(config, plans)]
    found += filter(None, [budget.refusal(plans, config.search.core_hours)])
    found += [*_networks(config, plans[0]), *_splits(config, videos)]
    for branch, plan in zip(branches, plans, strict=True):
        lines = [
            *_products(branch.config, plan),
            *_columns(branch.config, plan),
            *_requests(limits or Limits(), plan),
        ]
        where = f"variant {branch.title}: " if branch.folder else ""
        found += [where + line for line in lines if line not in found]
    return found


def _jobs(config: Config, plans: Sequence[Plan]) -> Iterator[str]:
    """A line if there are too many jobs."""
    jobs = sum(1 for plan in plans for _ in plan.jobs())
    if jobs > config.max_jobs:
        yield (
            f"this run has {jobs} jobs, more than max_jobs ({config.max_jobs}): pack more "
            "videos a job (scan_dataset.py --videos-per-job), more candidates "
            "(search.candidates_per_job) or trees (search.trees_per_job), or raise max_jobs"
        )


def _products(config: Config, plan: Plan) -> Iterator[str]:
    """A line if the training is too large for the inner products that models need of it."""
    training, limit = plan.training_rows(), config.search.max_gram_rows
    needing = {
        f"sweep.{model}": [name for name in config.features if plan.grams(model, name)]
        for model in plan.candidates
    }
    published = [job for job in plan.published_jobs() if plan.scalings_published(job["published"])]
    needing["report.published"] = sorted({job["features"] for job in published})
    which = [f"{key} on {listed(names)}" for key, names in needing.items() if names]
    copies = " or training.copies" if config.training.copies.count else ""
    if which and training > limit:
        others = [name for name, spec in SPECS.items() if not spec.uses_gram | spec.combines]
        unlimited = [name for name in others if not SPECS[name].max_columns]
        unlimited += [
            f"{name} of kernel rbf or poly with sweep.{name}.landmarks (an approximation)"
            for name, spec in SPECS.items()
            if "landmarks" in spec.grid.model_fields
        ]
        yield (
            f"{', '.join(which)}: up to {training} training rows are more than "
            f"search.max_gram_rows ({limit}); their inner products need 20 bytes x rows^2 of "
            f"memory: sweep {listed(unlimited)}, or, on feature sets of up to {WIDEST:,} columns, "
            f"{listed(_in_columns())}; take fewer frames{copies}, or raise the limit"
        )


def _in_columns() -> Iterator[str]:
    """Models that are solved in the columns, as a sentence names them."""
    for name, spec in SPECS.items():
        if "columns" in spec.formulas:
            yield f"{name} of kernel linear" if "kernel" in spec.grid.model_fields else name


def _columns(config: Config, plan: Plan) -> Iterator[str]:
    """A line for each feature set with too many columns for a model of the sweep."""
    limits = {name: spec.max_columns for name, spec in SPECS.items() if spec.max_columns}
    for name in config.features:
        columns = features.length(name, config.faces.size)
        narrow = [model for model in plan.candidates if columns > limits.get(model, columns)]
        if narrow:
            limit = limits[narrow[0]]
            alike = [model.upper() for model in SPECS if limits.get(model) == limit]
            have = "have" if name == features.PIXELS else "has"
            yield (
                f"sweep.{narrow[0]}: {listed(alike)} take feature sets of up to {limit:,} "
                f"columns; {name} {have} {columns:,}: leave {name} out of features, or "
                f"{' and '.join(narrow)} out of the sweep"
            )


def _networks(config: Config, plan: Plan) -> Iterator[str]:
    """A line for each model that needs images if there are none."""
    for model in plan.candidates if features.PIXELS not in config.features else ():
        if SPECS[model].pixels_only:
            yield (
                f"sweep.{model}: a network needs images, so it is trained on pixels only: add "
                f"pixels to features, or leave {model} out of the sweep"
            )


def _splits(config: Config, videos: list[Video]) -> Iterator[str]:
    """A line for each protocol that the sheet does not allow."""
    cross = config.split.cross.model_dump(mode="json")
    for protocol in config.split.protocols:
        for problem in protocols.problems(protocol, videos, cross):
            yield f"{config.sheet}: {problem}"


def _requests(limits: Limits, plan: Plan) -> Iterator[str]:
    """A line for each rule whose first attempt would be capped, so the job would be killed."""
    most: dict[str, tuple[int, int]] = {}
    for rule, wildcards in plan.jobs():
        mem_mb, minutes = most.get(rule, (0, 0))
        requested = plan.mem_mb(rule, wildcards), plan.minutes(rule, wildcards)
        most[rule] = max(mem_mb, requested[0]), max(minutes, requested[1])
    for rule, requested in most.items():
        for name, unit, want in zip(("mem_mb", "minutes"), ("MB", "min"), requested, strict=True):
            limit = getattr(limits, name)
            if limit and want > limit:
                yield (
                    f"{rule}: a job needs about {want} {unit}, more than limits.{name} "
                    f"({limit}) of the site file allows: {smaller(rule)}, or raise the limit"
                )
