"""Why a run is refused before any of its jobs, and what it is warned of.

The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from deepfake import features, protocols, sweep
from deepfake.config import Config
from deepfake.plan import Plan
from deepfake.sheet import Video
from deepfake.site import Limits

MANY_JOBS = 2000  # Snakemake plans more slowly, and a cluster's controller has to bear them
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


def warnings(plan: Plan) -> list[str]:
    """What is allowed but not wise, and which key to turn; empty for most runs."""
    counts = Counter(rule for rule, _ in plan.jobs())
    jobs = sum(counts.values())
    if jobs <= MANY_JOBS:
        return []
    most, count = max(((rule, counts[rule]) for rule in PACKING), key=lambda found: found[1])
    return [
        f"warning: this run has {jobs} jobs, {count} of them {most}; more than {MANY_JOBS} are "
        f"slow to plan and a burden to a cluster: {PACKING[most]}"
    ]


def problems(config: Config, videos: list[Video], limits: Limits | None = None) -> list[str]:
    """Why a run of this size is refused, and what to do; empty where it is not."""
    free = Plan(config, videos)  # its requests are not capped
    return [
        *_jobs(config, free),
        *_products(config, len(videos), free),
        *_columns(config, free),
        *_networks(config, free),
        *_splits(config, videos),
        *_requests(limits or Limits(), free),
    ]


def _jobs(config: Config, plan: Plan) -> Iterator[str]:
    """That there are too many jobs."""
    jobs = sum(1 for _ in plan.jobs())
    if jobs > config.max_jobs:
        yield (
            f"this run has {jobs} jobs, more than max_jobs ({config.max_jobs}): pack more "
            "videos a job (scan_dataset.py --videos-per-job), more candidates "
            "(search.candidates_per_job) or trees (search.trees_per_job), or raise max_jobs"
        )


def _products(config: Config, videos: int, plan: Plan) -> Iterator[str]:
    """That a training is too large for its inner products."""
    rows = videos * config.frames.per_video / config.split.rows.every
    training, limit = round(rows * (1 - config.split.test_size)), config.search.max_gram_rows
    kernels = [f"sweep.{model}" for model in plan.candidates if plan.scalings(model)]
    kernels += ["report.original"] if plan.published else []
    if kernels and training > limit:
        yield (
            f"{kernels[0]}: up to {training} training rows are more than "
            f"search.max_gram_rows ({limit}); their inner products need 20 bytes x rows^2 of "
            "memory: sweep only the forest, take fewer frames, or raise the limit"
        )


def _columns(config: Config, plan: Plan) -> Iterator[str]:
    """A line for each feature set with too many columns for a model of the sweep."""
    narrow = [model for model in sweep.NARROW if model in plan.candidates]
    for name in config.features if narrow else []:
        columns = features.length(name, config.faces.size)
        if columns > sweep.WIDEST:
            have = "have" if name == features.PIXELS else "has"
            yield (
                f"sweep.{narrow[0]}: LDA, QDA and KNN take feature sets of up to "
                f"{sweep.WIDEST:,} columns; {name} {have} {columns:,}: leave {name} out of "
                f"features, or {' and '.join(narrow)} out of the sweep"
            )


def _networks(config: Config, plan: Plan) -> Iterator[str]:
    """That a network has nothing to see."""
    if "mesonet" in plan.candidates and features.PIXELS not in config.features:
        yield (
            "sweep.mesonet: a network sees pictures, so it is trained on pixels alone: add "
            "pixels to features, or leave mesonet out of the sweep"
        )


def _splits(config: Config, videos: list[Video]) -> Iterator[str]:
    """A line for each protocol that the sheet does not allow."""
    cross = config.split.cross.model_dump(mode="json")
    for protocol in config.split.protocols:
        for problem in protocols.problems(protocol, videos, cross):
            yield f"{config.sheet}: {problem}"


def _requests(limits: Limits, plan: Plan) -> Iterator[str]:
    """A line for each rule whose first attempt would be capped: a certain kill."""
    most: dict[str, tuple[int, int]] = {}
    for rule, wildcards in plan.jobs():
        mem_mb, minutes = most.get(rule, (0, 0))
        asked = plan.mem_mb(rule, wildcards), plan.minutes(rule, wildcards)
        most[rule] = max(mem_mb, asked[0]), max(minutes, asked[1])
    for rule, asked in most.items():
        for name, unit, want in zip(("mem_mb", "minutes"), ("MB", "min"), asked, strict=True):
            limit = getattr(limits, name)
            if limit and want > limit:
                yield (
                    f"{rule}: a job needs about {want} {unit}, more than limits.{name} "
                    f"({limit}) of the site file allows: make it smaller, or raise the limit"
                )
