"""The leakage ablation: scores of the same models under splits with and without leaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from deepfake.evaluation import summary
from deepfake.report import charts, texts
from deepfake.splits import protocols

TRAINING = ("train_rows", "train_fake", "train_real", "train_videos", "train_groups")
COLUMNS = ("labels", "protocol", "features", "model", "unit", *TRAINING, *summary.COLUMNS[4:])
# What the labels are, by the kind of a split.
LABELS = {protocols.EQUAL: "true", protocols.SHUFFLED: "shuffled"}


def table(
    names: Sequence[str], records: Sequence[dict], audits: Sequence[dict], lacking: Mapping
) -> list[dict]:
    """Two rows a split and model, by frame and by video; one for each split that is not possible.

    Args:
        names: of the split of each record, like "equal-frame".
        records: of evaluate. audits: of the splits, one a record.
        lacking: why a split could not be made, by its name.
    """
    rows = []
    for name, record, audit in zip(names, records, audits, strict=True):
        training = audit["parts"]["train"]
        counts = {column: training[column.removeprefix("train_")] for column in TRAINING}
        rows += [row | counts | _named(name) for row in summary.table([record])]
    for name, reason in lacking.items():
        empty = dict.fromkeys(COLUMNS, "")
        rows.append(empty | _named(name) | {"note": texts.NOT_POSSIBLE.format(reason=reason)})
    return rows


def _named(name: str) -> dict[str, str]:
    kind, protocol = protocols.split_name(name)
    return {"labels": LABELS[kind], "protocol": protocol}


def facts(rows: Sequence[dict], records: Sequence[dict], run: str) -> dict:
    """All data of leakage.html.

    Args:
        rows: of `table`. records: the first has the settings that all share.
    """
    scored = [row for row in rows if row["unit"]]
    return {
        "run": run,
        "level": f"{100 * records[0]['level']:g} %",
        "threshold": summary.threshold(records[0]),
        "size": {key: scored[0][f"train_{key}"] for key in ("rows", "fake", "real")},
        "about": protocols.ABOUT,
        "rows": [
            row | {name: summary.score(row, name) for name in summary.SHOWN} for row in scored
        ],
        "lacking": [row for row in rows if not row["unit"]],
        "figure": figure(scored),
    }


def figure(rows: Sequence[dict]) -> Markup:
    """ROC AUC and accuracy by frame with their intervals: one dot for each split and model."""
    by_frame = [row for row in rows if row["unit"] == "frames"]
    names = [
        f"{row['protocol']}{', shuffled' if row['labels'] == 'shuffled' else ''}: "
        f"{row['features']} {row['model']}"
        f"{' LEAKY' if row['leaky'] == 'yes' else ''}"
        for row in by_frame
    ]
    panels = [
        ([_dot(row, score) for row in by_frame], title, chance)
        for score, title, chance in (
            ("roc_auc", "ROC AUC, by frame", 0.5),
            ("accuracy", "accuracy, by frame", None),
        )
    ]
    return charts.two_dots("leakage", panels, names)


def _dot(row: dict, score: str) -> dict:
    return {
        "model": row["model"],
        "leaky": row["leaky"] == "yes",
        "value": row[score],
        "low": row[f"{score}_low"],
        "high": row[f"{score}_high"],
        "baseline": row["baseline"] if score == "accuracy" else None,
    }
