"""Scores of what was left out of training: the table, the figure and the facts of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from deepfake.core.filenames import shown
from deepfake.core.row import Row
from deepfake.evaluation import summary, transfer
from deepfake.report import charts, data, leakage, texts

COLUMNS = ("what", "left_out", "protocol", "features", "model", *leakage.TRAINING,
           *summary.COLUMNS[4:])  # fmt: skip
PART, POOLED, WORST, LACKING = "part", "pooled", "worst", "not possible"  # what a row is of


def table(
    records: Sequence[dict],
    tests: Sequence[Sequence[Row]],
    audits: Sequence[dict],
    lacking: Mapping[str, str],
    by: str,
    *,
    level: float,
) -> list[dict]:
    """A row, by video, for each model and each value that is left out; pooled and worst of each.

    Args:
        records: of evaluate. tests: the scored videos of each. audits: of the splits.
        lacking: why a value cannot be left out, by the value.
        by: the column whose values are left out. level: of the intervals.
    """
    split = {audit["protocol"]: audit for audit in audits}
    parts = [_part(record, split[record["protocol"]]) for record in records]
    rows = list(parts)
    models: dict[tuple[str, str], list[int]] = {}
    for number, record in enumerate(records):
        models.setdefault((record["features"]["name"], record["model"]), []).append(number)
    for numbers in models.values():
        of_model = [records[number] for number in numbers]
        found = transfer.pooled(of_model, [tests[number] for number in numbers], level=level)
        rows.append(_pooled(of_model, found))
        lowest = parts[numbers[transfer.worst(of_model)]]
        note = "; ".join(filter(None, [f"the lowest ROC AUC of {len(of_model)}", lowest["note"]]))
        rows.append(lowest | {"what": WORST, "note": note})
    none = {} if records or lacking else {"": texts.EMPTY_COLUMN.format(column=by)}
    for value, reason in (lacking or none).items():
        note = texts.NOT_POSSIBLE.format(reason=reason)
        rows.append(dict.fromkeys(COLUMNS, "") | {"what": LACKING, "left_out": value, "note": note})
    return rows


def _part(record: dict, audit: dict) -> dict:
    training = audit["parts"]["train"]
    counts = {column: training[column.removeprefix("train_")] for column in leakage.TRAINING}
    (value,) = audit["cross"]["test"]
    return {"what": PART, "left_out": value} | counts | summary.row(record, "videos")


def _pooled(records: Sequence[dict], found: dict) -> dict:
    """The row of all parts of one model together."""
    no_folds = {"roc_auc": {"value": None}}  # of each part its own
    leaky = any(record["leaky"] for record in records)
    whole = records[0] | found | {"protocol": "", "folds": no_folds, "leaky": leaky}
    empty = dict.fromkeys(leakage.TRAINING, "")
    return {"what": POOLED, "left_out": ""} | empty | summary.row(whole, "videos")


def facts(
    rows: Sequence[dict],
    records: Sequence[dict],
    audits: Sequence[dict],
    run: str,
    by: str,
    level: float,
) -> dict:
    """All data of transfer.html.

    Args:
        rows: of `table`. records: of evaluate, whose settings are the same; audits: of the splits.
        run: its name. by: the column whose values are left out. level: of the intervals.
    """
    scored = [_shown(row) for row in rows if row["what"] != LACKING]
    return {
        "run": run,
        "by": by,
        "level": f"{100 * level:g} %",
        "threshold": summary.threshold(records[0]) if records else "",
        "summaries": [row for row in scored if row["what"] in (POOLED, WORST)],
        "parts": [row for row in scored if row["what"] == PART],
        "lacking": [row for row in rows if row["what"] == LACKING],
        "audits": [
            data.audit(found) | {"protocol": f"without {found['cross']['test'][0]}"}
            for found in audits
        ],
        "figure": figure(rows),
    }


def _shown(row: dict) -> dict:
    """A row of the table with its scores as text."""
    folds = row["folds_roc_auc"]
    scores = {name: summary.score(row, name) for name in (*summary.SHOWN, *summary.ANSWERS)}
    return row | scores | {"folds": "" if folds is None else f"{folds:.3f}"}


def figure(rows: Sequence[dict]) -> Markup:
    """ROC AUC and fakes found with their intervals: a dot for each value left out and model."""
    drawn = [row for row in rows if row["what"] in (PART, POOLED)]
    names = [
        f"{shown(row['left_out']) if row['what'] == PART else 'pooled'}: "
        f"{row['features']} {row['model']}"
        f"{' LEAKY' if row['leaky'] == 'yes' else ''}"
        for row in drawn
    ]
    panels = [
        ([_dot(row, "roc_auc", None) for row in drawn], "ROC AUC of videos", 0.5),
        ([_dot(row, "found", "false_alarms") for row in drawn], "fakes found", None),
    ]
    return charts.two_dots("transfer", panels, names)


def _dot(row: dict, score: str, mark: str | None) -> dict:
    return {
        "model": row["model"],
        "leaky": row["leaky"] == "yes",
        "value": row[score],
        "low": row[f"{score}_low"],
        "high": row[f"{score}_high"],
        "baseline": row[mark] if mark else None,
    }
