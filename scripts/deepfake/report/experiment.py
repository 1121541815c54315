"""Compare the original experiment with this run: scores, time, memory, and different steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from deepfake.evaluation import metrics, summary
from deepfake.features import registry as features
from deepfake.report import texts
from deepfake.report.results import Result, confusion, load
from deepfake.workflow import published_results, usage


def facts(
    records: Sequence[str], results: Sequence[Result], benchmarks: Path, config: Mapping
) -> dict | None:
    """Data of the page's section on the original experiment; None if its runs were not repeated.

    Args:
        records: paths of the outputs of original_run. results: of the run itself.
        benchmarks: the run's folder. config: as plain builtins.
    """
    if not records:
        return None
    made = {record["name"]: record for record in map(load, records)}
    for result in results:  # whose candidate a search chose
        here = result.features, result.protocol, result.model
        if here == (features.PIXELS, published_results.PROTOCOL, "forest"):
            made[published_results.SEARCHED] = result.metrics | {
                "candidate": result.best["candidate"]
            }
    found = usage.collect(benchmarks)
    used = usage.collect(benchmarks / "original_run") | {
        published_results.SEARCHED: usage.by_model(found, ["forest"]).get("forest")
    }
    return {
        "runs": [
            _run(run, made.get(run.name), used.get(run.name)) for run in published_results.RUNS
        ],
        "gram": found.get("gram"),
        "seventh": published_results.ONE_IN_SEVEN,
        "every": config["split"]["rows"]["every"],
        "deviations": list(published_results.deviations(config)),
        "differences": published_results.DIFFERENCES,
    }


def _run(run: published_results.Run, repeated: dict | None, used: usage.Used | None) -> dict:
    published = {"confusion": run.confusion, "classes": metrics.classes(run.confusion)}
    found = {
        "name": run.name,
        "settings": f"{run.model}, {run.settings}",
        "chosen": "",
        "published": run,
        "used": used,
        "confusions": [confusion("published", run.model, published)],
        "classes": [{"label": label, "published": published["classes"][label], "repeated": None}
                    for label in ("fake", "real")],
        "repeated": None,
    }  # fmt: skip
    if repeated:
        scored = repeated["frames"]
        found["confusions"].append(confusion("repeated", run.model, scored))
        for row in found["classes"]:
            row["repeated"] = scored["classes"][row["label"]]
        found["repeated"] = scored | {"accuracy": summary.interval(scored["metrics"]["accuracy"])}
        if run.name == published_results.SEARCHED:
            found["chosen"] = texts.CHOSEN_TREES.format(trees=repeated["candidate"]["n_estimators"])
    return found
