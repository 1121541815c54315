"""The data of a run's page, from the tables of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import yaml

from deepfake.core import codehash, tables
from deepfake.dataset import sheet
from deepfake.evaluation import ledger, metrics, model_selection, shortcuts, summary
from deepfake.features import registry as features
from deepfake.features import row_order
from deepfake.report import data, provenance, published, samples, texts
from deepfake.report.results import LONG, SCORE_NAMES, Result, dots, load, read, section
from deepfake.splits import parts
from deepfake.workflow import critical_path, published_results, usage

# columns that the page uses
OF_A_RECORD = ("video_id", "frame", "face", "copy", "status", "reason", "label", "crop_row")
# From benchmarks/interval_coverage.py: with fewer groups, also of one class, differences of good
# models are seldom detected; with a larger group, 0.919 of the intervals of an AUC of 0.98 covered
# it, not 0.92.
FEW_GROUPS, LARGE_GROUP = 30, 0.3  # of the videos

# of a run's usage.tsv
USAGE_COLUMNS = (
    *("rule", "jobs", "seconds", "longest_seconds", "critical_path_seconds", "cpu_seconds"),
    *("used_mb", "requested_mb", "requested_minutes", "threads"),
)


def facts(files: dict[str, list[str]], params: dict) -> dict:
    """Everything that report.html shows.

    Args:
        files: paths by name: sheet, rows, records, audits, crops (may be empty), and the lists
            that `results.read` takes; published, of the repeated runs, may be empty.
        params: config (what the results depend on), benchmarks (the folder), outputs (names of
            files by the rule that makes them, with wildcards) and ledger.
    """
    config = params["config"]
    results = read(files)
    audits = [data.audit(load(path)) for path in files["audits"]]
    videos = sheet.read(files["sheet"][0], check_files=False)
    records, rows = tables.read(files["records"][0], OF_A_RECORD), row_order.read(files["rows"][0])
    records, rows = (found.at(~parts.copies(found)) for found in (records, rows))
    pairs_of_models, untrained = (tables.read(files[name][0]) for name in ("pairs", "shortcuts"))
    about = data.facts(videos, records, LONG)
    pairs = samples.choose(rows, config["report"]["sample_faces"])
    batch_of = {video["video_id"]: video["batch"] for video in videos}
    return {
        "run": config["run"],
        "sheet": config["sheet"],
        "level": f"{100 * results[0].metrics['level']:g} %",
        "score_name": SCORE_NAMES[config["search"]["score"]],
        "folds": config["split"]["folds"]["k"],
        "models": {r.model: len({row["candidate"] for row in r.search}) for r in results},
        "videos": len(videos),
        "rows": len(rows),
        "headline": headline(results, untrained),
        "untrained": [shortcuts.as_text(row) for row in untrained],
        "warnings": warnings(about["skew"], audits, results),
        "summary": [
            row | {name: summary.score(row, name) for name in summary.SHOWN}
            for row in summary.table([result.metrics for result in results])
        ],
        "data": about,
        "pairs": samples.pictures(pairs, records, batch_of, files.get("crops", [])),
        "audits": audits,
        "sections": [
            section(audit, name, results, config["search"]["score"], pairs_of_models)
            for audit in audits
            for name in config["features"]
        ],
        "rivals": [
            {"protocol": won["protocol"], "leaky": won["leaky"], "best": model_selection.name(won)}
            | {"other": other["name"], "difference": summary.difference(other)}
            for won, less in model_selection.rivals([r.metrics for r in results], pairs_of_models)
            for other in less
        ],
        "features": config["features"],
        "recommended": model_selection.recommended([result.metrics for result in results]),
        "threshold": summary.threshold(results[0].metrics),
        "dots": dots(results),
        "tests": tests(ledger.read(params["ledger"]), results),
        "resources": resources(files, params, results, len(rows)),
        "original": published_results,
        "experiments": published.facts(
            files.get("published", []), results, Path(params["benchmarks"]), config
        ),
        "provenance": provenance.facts(),
        "packages": codehash.installed(),
        "config": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    }


def tests(entries: Sequence[tables.Row], results: Sequence[Result]) -> list[str]:
    """How often the test of each split was scored, a sentence or two each."""
    found = {
        r.protocol: ledger.test_of(r.protocol, r.scored["videos"].column("video_id"))
        for r in results
    }
    return [ledger.describe(entries, protocol, test) for protocol, test in found.items()]


def headline(results: Sequence[Result], untrained: Sequence[tables.Row] = ()) -> dict:
    """The first result of the page: of a split without leaks, the model best on the folds.

    The choice does not use the test, or its score would be optimistically biased.
    """
    not_leaky = [result for result in results if not result.leaky] or list(results)
    same = [result for result in not_leaky if result.protocol == not_leaky[0].protocol]
    chosen = model_selection.best([result.metrics for result in same])
    (best,) = (result for result in same if result.metrics is chosen)
    row = next(r for r in summary.table([best.metrics]) if r["unit"] == "videos")
    low = row["roc_auc_low"]
    baselines = shortcuts.of_result(untrained, best.metrics)
    return row | {
        "shortcut": shortcuts.verdict(baselines[0]) if baselines else "",
        "leaky": best.leaky,
        "others": len(same) > 1,
        "unlinked": best.metrics["unlinked_fakes"],
        "no_better": low is not None and low <= 0.5,
        "undefined": row["roc_auc"] is None,
        **{name: summary.score(row, name) for name in summary.SHOWN},
    }


def warnings(skew: str, audits: Sequence[dict], results: Sequence[Result]) -> list[dict]:
    """Warnings to read before any number: `text`, and whether it is about a leak (`leaky`)."""
    found = [f"{skew[0].upper()}{skew[1:]}."] if skew else []
    scored = {result.protocol: result.scored["videos"] for result in results}
    for audit in audits:
        name, groups = audit["protocol"], audit["parts"]["test"]["groups"]
        if groups < metrics.MIN_GROUPS:
            found.append(texts.NO_INTERVAL.format(protocol=name, groups=texts.groups(groups)))
        elif groups < FEW_GROUPS:
            found.append(texts.FEW_GROUPS.format(protocol=name, groups=texts.groups(groups)))
        if groups >= metrics.MIN_GROUPS:
            found += _group_warnings(name, scored.get(name, []), groups >= FEW_GROUPS)
    if audits[0]["unlinked_fakes"]:
        found.append(texts.UNKNOWN_PEOPLE.format(videos=audits[0]["unlinked_fakes"]))
    tests = {result.protocol: result.metrics["videos"] for result in results}
    found += [
        texts.ONE_CLASS.format(protocol=name)
        for name, test in tests.items()
        if not (test["fake"] and test["real"])
    ]
    found += [
        texts.NO_CANDIDATE.format(
            model=result.model,
            features=result.features,
            protocol=result.protocol,
            reason=result.best["note"],
        )
        for result in results
        if result.best.get("note")
    ]
    leaky = [
        texts.LEAKY_TEST.format(protocol=audit["protocol"]) for audit in audits if audit["leaky"]
    ]
    leaky += [
        texts.LEAKY_FOLDS.format(protocol=audit["protocol"])
        for audit in audits
        if audit["leaky_folds"] and not audit["leaky"]
    ]
    return [{"text": text, "leaky": kind is leaky} for kind in (leaky, found) for text in kind]


def _group_warnings(name: str, videos: Sequence[dict], many: bool) -> list[str]:
    """Warnings about a test's groups: few groups of one class, or one large group."""
    found = []
    for label in ("fake", "real") if many else ():
        groups = len({row["group_id"] for row in videos if row["label"] == label})
        if 0 < groups < FEW_GROUPS:
            found.append(
                texts.FEW_GROUPS_OF_CLASS.format(
                    label=label, protocol=name, groups=texts.groups(groups)
                )
            )
    largest = max(Counter(row["group_id"] for row in videos).values(), default=0)
    if videos and largest >= LARGE_GROUP * len(videos):
        found.append(texts.LARGE_GROUP.format(share=largest / len(videos), protocol=name))
    return found


def resources(
    files: dict[str, list[str]], params: dict, results: Sequence[Result], rows: int
) -> dict:
    """What the jobs used, by rule and by model, the critical path, and the sizes of the data."""
    benchmarks, config = Path(params["benchmarks"]), params["config"]
    found, size = usage.collect(benchmarks), config["faces"]["size"]
    last = [path for paths in files.values() for path in paths]
    path = critical_path.find(benchmarks, params["outputs"], last)
    return {
        "rules": found,
        "path": path,
        "on_path": path.seconds_by_name(),
        "table": [_usage(name, used, path) for name, used in found.items()],
        "models": usage.by_model(found, dict.fromkeys(result.model for result in results)),
        "all": usage.together(found.values()),
        "rows": rows,
        "features": {name: features.length(name, size) for name in config["features"]},
        "protocols": len({result.protocol for result in results}),
        "same_size": config["features"] == [features.PIXELS]
        and features.length(features.PIXELS, size) == published_results.FEATURES
        and abs(rows / published_results.ROWS - 1) < 0.05,
    }


def _usage(name: str, used: usage.Used, path: critical_path.CriticalPath) -> dict:
    """A row of USAGE_COLUMNS; processor time and memory are empty where no job was sampled."""
    return {
        "rule": name,
        "jobs": used.jobs,
        "seconds": round(used.seconds, 1),
        "longest_seconds": round(used.used_seconds, 1),
        "critical_path_seconds": round(path.seconds_by_name().get(name, 0), 1),
        "cpu_seconds": round(used.cpu_seconds, 1) if used.measured else None,
        "used_mb": round(used.used_mb) if used.measured else None,
        "requested_mb": round(used.requested_mb),
        "requested_minutes": round(used.requested_minutes),
        "threads": used.threads,
    }
