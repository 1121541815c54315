"""Compare published experiments with this run: scores, time, memory, and different steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from deepfake.evaluation import metrics, summary
from deepfake.report import texts
from deepfake.report.results import Result, confusion, load
from deepfake.workflow import published_results, usage
from deepfake.workflow.published_results import SEARCHED, Experiment, Run


def facts(
    records: Sequence[str], results: Sequence[Result], benchmarks: Path, config: Mapping
) -> list[dict]:
    """Data of the page's sections on published experiments, one each that is repeated.

    Args:
        records: paths of the outputs of published_run. results: of the run itself.
        benchmarks: the run's folder. config: as plain builtins.
    """
    made = {record["name"]: record for record in map(load, records)}
    used = usage.collect(benchmarks)
    found = []
    for experiment in published_results.EXPERIMENTS.values():
        if made.keys() & experiment.repeated().keys():
            found.append(_section(experiment, made, results, benchmarks, used, config))
    return found


def _section(
    experiment: Experiment,
    made: dict[str, dict],
    results: Sequence[Result],
    benchmarks: Path,
    used: dict[str, usage.Used],
    config: Mapping,
) -> dict:
    own = dict(made)
    for result in results:  # whose candidate a search chose
        here = result.features, result.protocol, result.model
        if here == (experiment.features, experiment.protocol, "forest"):
            own[SEARCHED] = result.metrics | {"candidate": result.best["candidate"]}
    place = benchmarks / "published_run" / f"{experiment.features}.{experiment.protocol}"
    jobs = usage.collect(place) | {SEARCHED: usage.by_model(used, ["forest"]).get("forest")}
    runs = [
        _run(run, experiment.unit, own.get(run.name), jobs.get(run.name)) for run in experiment.runs
    ]
    return {
        "name": experiment.name,
        "title": experiment.title,
        "about": experiment.about,
        "unit": experiment.unit,
        "leaky": experiment.leaky or any(run["leaky"] for run in runs),
        "runs": runs,
        "sizes": _sizes(experiment, runs),
        "timed": any(run.cpu_seconds for run in experiment.runs),
        "gram": used.get("gram"),
        "notes": experiment.notes,
        "deviations": list(experiment.deviations(config)),
        "differences": experiment.differences,
    }


def _sizes(experiment: Experiment, runs: list[dict]) -> dict:
    """Fakes and reals of the published test and of this run's, and whether these are too few."""
    known = next(run.confusion for run in experiment.runs if run.confusion)
    here = next(run["repeated"] for run in runs if run["repeated"])
    return {
        "published": [sum(row) for row in known],
        "here": [here["fake"], here["real"]],
        "few": here["groups"] < metrics.MIN_GROUPS,
    }


def _run(run: Run, unit: str, repeated: dict | None, used: usage.Used | None) -> dict:
    found = {
        "name": run.name,
        "settings": f"{run.model}, {run.settings}",
        "chosen": "",
        "published": run,
        "used": used,
        "confusions": [],
        "classes": [{"label": label, "published": None, "repeated": None}
                    for label in ("fake", "real")],
        "repeated": None,
        "leaky": bool(repeated and repeated["leaky"]),
    }  # fmt: skip
    if run.confusion:
        published = {"confusion": run.confusion, "classes": metrics.classes(run.confusion)}
        found["confusions"].append(confusion("published", unit, published))
        for row in found["classes"]:
            row["published"] = published["classes"][row["label"]]
    if repeated:
        scored = repeated[unit]
        found["confusions"].append(confusion("repeated", unit, scored))
        for row in found["classes"]:
            row["repeated"] = scored["classes"][row["label"]]
        found["repeated"] = scored | {"accuracy": summary.interval(scored["metrics"]["accuracy"])}
        if run.name == SEARCHED:
            found["chosen"] = texts.CHOSEN_TREES.format(trees=repeated["candidate"]["n_estimators"])
    return found
