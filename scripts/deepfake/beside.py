"""The jobs of targets beside a run, `leakage` and `robustness`, before any of it exists.

See `plan` for those of the run itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from deepfake import features, protocols
from deepfake.config import Config
from deepfake.plan import Plan


def jobs(config: Config, plan: Plan) -> Iterator[tuple[str, dict[str, str]]]:
    """The jobs of `leakage` and `robustness` that a run does not have, as (rule, wildcards).

    The ablation of the leak has more: of the run's rules, under splits of its own.
    """
    yield "leakage_splits", {}
    yield "leakage_page", {}
    for batch in plan.batches:
        yield "perturbed_faces", {"batch": batch}
        for name in config.features:
            if name != features.PIXELS:
                yield "perturbed_features", {"features": name, "batch": batch}
    swept = plan.swept(protocols.apart(config.split.protocols))
    for values in zip(*swept.values(), strict=True):
        yield "robustness_scores", dict(zip(swept, values, strict=True))
    yield "robustness_page", {}
