"""The original experiment beside this run: scores, time, memory, and every step that differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from deepfake import features, metrics, summary, used
from deepfake.report import original
from deepfake.report.results import Result, confusion, load


def facts(
    records: Sequence[str], results: Sequence[Result], benchmarks: Path, config: Mapping
) -> dict | None:
    """What the page says of the original experiment; None where its runs were not repeated.

    Args:
        records: paths of what original_run wrote. results: of the run itself.
        benchmarks: the run's folder. config: as plain builtins.
    """
    if not records:
        return None
    made = {record["name"]: record for record in map(load, records)}
    for result in results:  # whose candidate a search chose
        here = result.features, result.protocol, result.model
        if here == (features.PIXELS, original.PROTOCOL, "forest"):
            made[original.SEARCHED] = result.metrics | {"candidate": result.best["candidate"]}
    found = used.collect(benchmarks)
    took = used.collect(benchmarks / "original_run") | {
        original.SEARCHED: used.by_model(found, ["forest"]).get("forest")
    }
    return {
        "runs": [_run(run, made.get(run.name), took.get(run.name)) for run in original.RUNS],
        "gram": found.get("gram"),
        "seventh": original.ONE_IN_SEVEN,
        "every": config["split"]["rows"]["every"],
        "deviations": list(original.deviations(config)),
        "differences": original.DIFFERENCES,
    }


def _run(run: original.Run, ours: dict | None, took: used.Used | None) -> dict:
    theirs = {"confusion": run.confusion, "classes": metrics.classes(run.confusion)}
    found = {
        "name": run.name,
        "settings": f"{run.model}, {run.settings}",
        "chosen": "",
        "published": run,
        "used": took,
        "confusions": [confusion("published", run.model, theirs)],
        "classes": [{"label": label, "theirs": theirs["classes"][label], "ours": None}
                    for label in ("fake", "real")],
        "ours": None,
    }  # fmt: skip
    if ours:
        judged = ours["frames"]
        found["confusions"].append(confusion("ours", run.model, judged))
        for row in found["classes"]:
            row["ours"] = judged["classes"][row["label"]]
        found["ours"] = judged | {"accuracy": summary.interval(judged["metrics"]["accuracy"])}
        if run.name == original.SEARCHED:
            found["chosen"] = f"{ours['candidate']['n_estimators']:.0f} trees chosen here"
    return found
