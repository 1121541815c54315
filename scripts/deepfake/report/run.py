"""The facts of a run's page, from the tables of the run. How they look is the template's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from deepfake import codehash, features, ledger, metrics, sheet, summary, tables, used, winners
from deepfake.report import data, experiment, original, provenance, samples
from deepfake.report.results import LONG, SCORES, Result, dots, load, read, section

FEW_GROUPS = 30  # below, bootstrap intervals are too narrow (Cameron, Gelbach and Miller 2008)


def facts(files: dict[str, list[str]], params: dict) -> dict:
    """Everything that report.html shows.

    Args:
        files: paths by name: sheet, rows, records, audits, crops (may be empty), and the lists
            that `results.read` takes; published, of the repeated runs, may be empty.
        params: config (what the results depend on), benchmarks (the folder) and ledger.
    """
    config = params["config"]
    results = read(files)
    audits = [data.audit(load(path)) for path in files["audits"]]
    videos = sheet.read(files["sheet"][0], check_files=False)
    records, rows = (tables.read(files[name][0]) for name in ("records", "rows"))
    pairs_of_models = tables.read(files["pairs"][0])
    about = data.facts(videos, records, LONG)
    pairs = samples.choose(rows, config["report"]["sample_faces"])
    batch_of = {video["video_id"]: video["batch"] for video in videos}
    return {
        "run": config["run"],
        "sheet": config["sheet"],
        "level": f"{100 * results[0].metrics['level']:g} %",
        "score_name": SCORES[config["search"]["score"]],
        "folds": config["split"]["folds"]["k"],
        "models": {r.model: len({row["candidate"] for row in r.search}) for r in results},
        "videos": len(videos),
        "rows": len(rows),
        "headline": headline(results),
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
            {"protocol": won["protocol"], "leaky": won["leaky"], "best": winners.name(won)}
            | {"other": other["name"], "told": summary.difference(other)}
            for won, less in winners.rivals([r.metrics for r in results], pairs_of_models)
            for other in less
        ],
        "features": config["features"],
        "recommended": winners.recommended([result.metrics for result in results]),
        "threshold": summary.threshold(results[0].metrics),
        "dots": dots(results),
        "tests": tests(ledger.read(params["ledger"]), results),
        "resources": resources(Path(params["benchmarks"]), results, len(rows), config),
        "original": original,
        "experiment": experiment.facts(
            files.get("published", []), results, Path(params["benchmarks"]), config
        ),
        "provenance": provenance.facts(),
        "packages": codehash.installed(),
        "config": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    }


def tests(entries: Sequence[tables.Row], results: Sequence[Result]) -> list[str]:
    """How often the test of each split was scored, a sentence or two each."""
    found = {
        r.protocol: ledger.test_of(r.protocol, (row["video_id"] for row in r.scored["videos"]))
        for r in results
    }
    return [ledger.told(entries, protocol, test) for protocol, test in found.items()]


def headline(results: Sequence[Result]) -> dict:
    """The result that stands at the top: of a sound split, the model best on the folds.

    The test takes no part in the choice, or its score would be too good.
    """
    sound = [result for result in results if not result.leaky] or list(results)
    same = [result for result in sound if result.protocol == sound[0].protocol]
    chosen = winners.best([result.metrics for result in same])
    (best,) = (result for result in same if result.metrics is chosen)
    row = next(r for r in summary.table([best.metrics]) if r["unit"] == "videos")
    low = row["roc_auc_low"]
    return row | {
        "leaky": best.leaky,
        "others": len(same) > 1,
        "unlinked": best.metrics["unlinked_fakes"],
        "no_better": low is not None and low <= 0.5,
        "undefined": row["roc_auc"] is None,
        **{name: summary.score(row, name) for name in summary.SHOWN},
    }


def warnings(skew: str, audits: Sequence[dict], results: Sequence[Result]) -> list[dict]:
    """What a reader must know before any number: `told`, and whether it is of a leak."""
    found = [f"{skew[0].upper()}{skew[1:]}."] if skew else []
    for audit in audits:
        name, groups = audit["protocol"], audit["parts"]["test"]["groups"]
        if groups < metrics.MIN_GROUPS:
            found.append(f"The test of the {name} split has {_groups(groups)}: no interval.")
        elif groups < FEW_GROUPS:
            found.append(
                f"The test of the {name} split has {_groups(groups)}: intervals over so few "
                "tend to be too narrow."
            )
    if audits[0]["unlinked_fakes"]:
        found.append(data.unlinked(audits[0]))
    tests = {result.protocol: result.metrics["videos"] for result in results}
    found += [
        f"The test of the {name} split has one class only."
        for name, test in tests.items()
        if not (test["fake"] and test["real"])
    ]
    leaky = [
        f"Under the {audit['protocol']} split, people, clips or frames of the test are in training "
        "too. Its scores tell nothing about new videos."
        for audit in audits
        if audit["leaky"]
    ]
    leaky += [
        f"The folds of the {audit['protocol']} split share people, clips or frames: its search "
        "scores and probabilities are too good. Its scores of the test are not."
        for audit in audits
        if audit["leaky_folds"] and not audit["leaky"]
    ]
    return [{"told": told, "leaky": where is leaky} for where in (leaky, found) for told in where]


def _groups(number: int) -> str:
    return f"{number} group{'s' if number > 1 else ''}"


def resources(benchmarks: Path, results: Sequence[Result], rows: int, config: dict) -> dict:
    """What the jobs used, a line a rule and a line a model, and the sizes it was used for."""
    found = used.collect(benchmarks)
    size = config["faces"]["size"]
    return {
        "rules": found,
        "models": used.by_model(found, dict.fromkeys(result.model for result in results)),
        "cpu_seconds": sum(mine.cpu_seconds for mine in found.values()),
        "jobs": sum(mine.jobs for mine in found.values()),
        "rows": rows,
        "features": {name: features.length(name, size) for name in config["features"]},
        "protocols": len({result.protocol for result in results}),
        "same_size": config["features"] == [features.PIXELS]
        and features.length(features.PIXELS, size) == original.FEATURES
        and abs(rows / original.ROWS - 1) < 0.05,
    }
