"""How scores hold when clips are perturbed: the table, the figures and the facts of the page."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from deepfake.evaluation import summary
from deepfake.evaluation.robustness import COMPARED, UNITS
from deepfake.preprocessing.perturbations import registry
from deepfake.report import charts
from deepfake.splits import protocols

DIFFERENCES = tuple(
    f"{score}_difference{end}" for score in COMPARED for end in ("", "_low", "_high")
)
COLUMNS = (
    "protocol", "features", "model", "copies", "perturbation", "strength", "unit", "lost",
    *summary.COLUMNS[4:], *DIFFERENCES,
)  # fmt: skip
NONE = "none"  # the clips as they are
WITH, WITHOUT = "with copies", "without copies"


def table(records: Sequence[dict]) -> list[dict]:
    """Two rows a model and perturbation, by frame and by video; the clips as they are first.

    Args:
        records: what robustness_scores wrote, one a model.
    """
    rows = []
    for record in records:
        plain = {"perturbation": NONE, "strength": "", "lost": 0}
        its_rows = [row | plain for row in summary.table([record])]
        for one in record["perturbations"]:
            its_rows += [_row(record, one, unit) for unit in UNITS]
        rows += [row | {"copies": record["copies"]} for row in its_rows]
    return rows


def _row(record: dict, one: dict, unit: str) -> dict:
    facts = {"perturbation": one["kind"], "strength": f"{one['strength']:g}"}
    facts |= {"lost": one[unit]["lost"], "unit": unit}
    if one[unit]["metrics"] is None:
        named = {name: record[name] for name in ("protocol", "model")}
        named |= {"features": record["features"]["name"]}
        leaky = "yes" if record["leaky"] else "no"
        facts |= {"leaky": leaky, "note": "nothing is left to score"}
        return dict.fromkeys(COLUMNS) | named | facts
    judged = record | dict.fromkeys(UNITS, one[unit]["metrics"])
    judged["answers"] = one["videos"]["answers"]
    row = next(row for row in summary.table([judged]) if row["unit"] == unit)
    for score, less in one[unit]["difference"].items():
        ends = ("", less["value"]), ("_low", less["low"]), ("_high", less["high"])
        row |= {f"{score}_difference{end}": value for end, value in ends}
    return row | facts


def facts(rows: Sequence[dict], records: Sequence[dict], run: str, cross: dict) -> dict:
    """Everything that robustness.html shows.

    Args:
        rows: of `table`. records: of each model; their settings are the same.
        run: its name. cross: settings of the protocol of that name.
    """
    shown = [_shown(row) for row in _named(rows) if row["unit"] == "videos"]
    return {
        "copies": any(row["copies"] for row in rows),
        "run": run,
        "level": f"{100 * records[0]['level']:g} %",
        "threshold": summary.threshold(records[0]),
        "perturbations": {name: registry.ALL[name].about for name in _perturbations(rows)},
        "sections": [
            {
                "protocol": protocol,
                "about": protocols.describe(protocol, cross),
                "leaky": its_rows[0]["leaky"] == "yes",
                "tables": [
                    {"features": features, "rows": some}
                    | {"models": list(dict.fromkeys(row["model"] for row in some))}
                    for features, some in _by(its_rows, "features")
                ],
            }
            for protocol, its_rows in _by(shown, "protocol")
        ],
        "figure": figure(rows),
    }


def _named(rows: Sequence[dict]) -> list[dict]:
    """The rows, in which models say how they were trained where some have training copies."""
    if not any(row["copies"] for row in rows):
        return list(rows)
    names = [(row["protocol"], row["features"], row["model"]) for row in rows]
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    ordered = sorted(zip(names, rows, strict=True), key=lambda one: place[one[0]])
    return [row | {"model": f"{row['model']} {_training(row)}"} for _, row in ordered]


def _training(row: dict) -> str:
    return WITH if row["copies"] else WITHOUT


def _perturbations(rows: Sequence[dict]) -> list[str]:
    """The perturbations that a table has, in order."""
    names = {row["perturbation"] for row in rows}
    return [name for name in registry.ALL if name in names]


def _by(rows: Sequence[dict], column: str) -> list[tuple[str, list[dict]]]:
    """The rows of each value of a column, in the order in which the values appear."""
    values = dict.fromkeys(row[column] for row in rows)
    return [(value, [row for row in rows if row[column] == value]) for value in values]


def _shown(row: dict) -> dict:
    """A row of the table with its scores as text."""
    lost = row["rows"] is None
    ends = {"value": "", "low": "_low", "high": "_high"}
    difference = {name: row.get(f"roc_auc_difference{end}") for name, end in ends.items()}
    scores = (*summary.SHOWN, *summary.ANSWERS)
    texts = {name: "" if lost else summary.score(row, name) for name in scores}
    if row["perturbation"] == NONE:
        return row | texts | {"difference": ""}
    texts["difference"] = "" if lost else summary.difference(difference)
    record = registry.ALL[row["perturbation"]]
    return row | texts | {"strength": record.in_table(float(row["strength"]))}


def figure(rows: Sequence[dict]) -> Markup:
    """ROC AUC of videos against strength: split, features and training by perturbation."""
    videos, names = [row for row in rows if row["unit"] == "videos"], _perturbations(rows)
    has_copies = any(row["copies"] for row in videos)
    grid = [
        (
            f"{protocol}, {features}{f', {_training(some[0])}' if has_copies else ''}"
            f"{' LEAKY' if some[0]['leaky'] == 'yes' else ''}",
            [_panel(some, name) for name in names],
        )
        for protocol, its_rows in _by(videos, "protocol")
        for features, of_both in _by(its_rows, "features")
        for _, some in _by([row | {"has": bool(row["copies"])} for row in of_both], "has")
    ]
    return charts.strengths("robustness", names, grid, "ROC AUC of videos", 0.5)


def _panel(rows: Sequence[dict], name: str) -> dict[str, list[tuple[str, dict]]]:
    """By model the strengths of a perturbation and of none, as text, with their scores."""
    record = registry.ALL[name]
    panel: dict[str, list[tuple[float, str, dict]]] = {}
    for row in rows:
        if row["perturbation"] in (name, NONE):
            strength = None if row["perturbation"] == NONE else float(row["strength"])
            label = "as is" if strength is None else record.in_chart(strength)
            score = {
                "value": row["roc_auc"],
                "low": row["roc_auc_low"],
                "high": row["roc_auc_high"],
            }
            panel.setdefault(row["model"], []).append((record.place(strength), label, score))
    return {
        model: [point[1:] for point in sorted(points, key=lambda point: point[0])]
        for model, points in panel.items()
    }
