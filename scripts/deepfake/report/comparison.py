"""The page of several runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from deepfake.evaluation import summary
from deepfake.evaluation.comparison import BEST, Run
from deepfake.report.results import SCORE_NAMES
from deepfake.workflow import config_diff

ASIDE = "key run: "  # a run's name is no setting


def facts(
    runs: Sequence[Run], rows: Sequence[dict], level: float, choices: Sequence[dict] = ()
) -> dict:
    """All data of comparison.html.

    Args:
        runs: the first is what the others are compared with.
        rows: of `comparison.table`. level: of the intervals.
        choices: among the variants of a run, of each protocol, from `selection_bias.corrected`.
    """
    return {
        "runs": [run.folder for run in runs],
        "what": "variants" if choices else "runs",
        "used": {},
        "choices": [
            one["all"]
            | {"protocol": one["protocol"], "shown": summary.interval(one["all"]["roc_auc"])}
            | {"leaky": runs[0].records[runs[0].best(one["protocol"])]["folds"]["leaky"]}
            for one in choices
        ],
        "level": f"{100 * level:g} %",
        "scores": [
            {"run": run.folder} | _shown(summary.row(record, "videos"))
            for run in runs
            for record in run.records.values()
        ],
        "keys": [(run.folder, keys(runs[0], run)) for run in runs[1:]],
        "rows": [
            row
            | {"score": SCORE_NAMES[row["score"]]}
            | {"shown": summary.difference(row | {"value": row["difference"]})}
            for row in rows
        ],
    }


def keys(one: Run, other: Run) -> list[str]:
    """A line for each key of the configuration whose value is another one."""
    lines = config_diff.differences(
        {"config": one.config}, {"config": other.config, config_diff.KEYS: {"config": ""}}
    )
    return [line for line in lines if not line.startswith(ASIDE)]


def text(found: dict) -> str:
    """The keys and the differences for a terminal; of variants, only the best of each by AUC."""
    lines, brief = [], found["what"] == "variants"
    rows = [
        row
        for row in found["rows"]
        if not brief or (row["what"], row["score"]) == (BEST, SCORE_NAMES["roc_auc"])
    ]
    for folder, changed in found["keys"]:
        lines.append(f"{found['runs'][0]} -> {folder}")
        lines += [f"  {line}" for line in changed or ["no key differs"]]
        lines += [
            f"  {row['protocol']}, {row['what']}: {row['one_features']} {row['one']} -> "
            f"{row['other_features']} {row['other']}: {row['score']} {row['shown']} "
            f"({row['videos']} videos, {row['groups']} groups)"
            f"{' LEAKY' if row['leaky'] == 'yes' else ''}"
            for row in rows
            if row["other_run"] == folder
        ]
    return "\n".join(lines)


def chosen(found: dict) -> list[str]:
    """Lines on the choice among variants, on the folds."""
    return [
        line
        for one in found["choices"]
        for line in (
            f"Best on the folds of the {one['protocol']} split among {len(found['runs'])} variants"
            f": {one['variant']}, {one['features']} {one['model']}, ROC AUC of videos "
            f"{summary.interval(summary.UNDEFINED | {'value': one['chosen']})}"
            f"{' LEAKY' if one['leaky'] else ''}",
            f"  corrected for the choice among {one['candidates']} combinations of variant, "
            f"features, model and candidate: {one['shown']}{' LEAKY' if one['leaky'] else ''}",
        )
    ]


def _shown(row: dict) -> dict:
    return row | {name: summary.score(row, name) for name in summary.SHOWN}
