"""How scores hold when clips are perturbed: the table, the figures and the facts of the page."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from deepfake import perturb, protocols, summary
from deepfake.report import charts
from deepfake.robustness import COMPARED, UNITS

DIFFERENCES = tuple(
    f"{score}_difference{end}" for score in COMPARED for end in ("", "_low", "_high")
)
COLUMNS = (
    "protocol", "features", "model", "perturbation", "strength", "unit", "lost",
    *summary.COLUMNS[4:], *DIFFERENCES,
)  # fmt: skip
NONE = "none"  # the clips as they are


def table(records: Sequence[dict]) -> list[dict]:
    """Two rows a model and perturbation, by frame and by video; the clips as they are first.

    Args:
        records: what robustness_scores wrote, one a model.
    """
    rows = []
    for record in records:
        plain = {"perturbation": NONE, "strength": "", "lost": 0}
        rows += [row | plain for row in summary.table([record])]
        for one in record["perturbations"]:
            rows += [_row(record, one, unit) for unit in UNITS]
    return rows


def _row(record: dict, one: dict, unit: str) -> dict:
    told = {"perturbation": one["kind"], "strength": f"{one['strength']:g}"}
    told |= {"lost": one[unit]["lost"], "unit": unit}
    if one[unit]["metrics"] is None:
        named = {name: record[name] for name in ("protocol", "model")}
        named |= {"features": record["features"]["name"]}
        leaky = "yes" if record["leaky"] else "no"
        told |= {"leaky": leaky, "note": "nothing is left to score"}
        return dict.fromkeys(COLUMNS) | named | told
    judged = record | dict.fromkeys(UNITS, one[unit]["metrics"])
    row = next(row for row in summary.table([judged]) if row["unit"] == unit)
    for score, less in one[unit]["difference"].items():
        ends = ("", less["value"]), ("_low", less["low"]), ("_high", less["high"])
        row |= {f"{score}_difference{end}": value for end, value in ends}
    return row | told


def facts(rows: Sequence[dict], records: Sequence[dict], run: str, cross: dict) -> dict:
    """Everything that robustness.html shows.

    Args:
        rows: of `table`. records: the first tells of the settings that are the same for all.
        run: its name. cross: what the protocol of that name goes by.
    """
    shown = [_shown(row) for row in rows if row["unit"] == "videos"]
    return {
        "run": run,
        "level": f"{100 * records[0]['level']:g} %",
        "threshold": summary.threshold(records[0]),
        "told": {kind: perturb.TOLD[kind] for kind in _kinds(rows)},
        "sections": [
            {
                "protocol": protocol,
                "about": protocols.told(protocol, cross),
                "leaky": mine[0]["leaky"] == "yes",
                "tables": [
                    {"features": features, "rows": some}
                    | {"models": list(dict.fromkeys(row["model"] for row in some))}
                    for features, some in _by(mine, "features")
                ],
            }
            for protocol, mine in _by(shown, "protocol")
        ],
        "figure": figure(rows),
    }


def _kinds(rows: Sequence[dict]) -> list[str]:
    """The kinds of perturbation that a table has."""
    found = {row["perturbation"] for row in rows}
    return [kind for kind in perturb.AS_IS if kind in found]


def _by(rows: Sequence[dict], column: str) -> list[tuple[str, list[dict]]]:
    """The rows of each value of a column, in the order in which the values appear."""
    values = dict.fromkeys(row[column] for row in rows)
    return [(value, [row for row in rows if row[column] == value]) for value in values]


def _shown(row: dict) -> dict:
    """A row of the table with its scores as text."""
    lost = row["rows"] is None
    ends = {"value": "", "low": "_low", "high": "_high"}
    difference = {name: row.get(f"roc_auc_difference{end}") for name, end in ends.items()}
    told = {name: "" if lost else summary.score(row, name) for name in summary.SHOWN}
    plain = row["perturbation"] == NONE
    told["difference"] = "" if lost or plain else summary.difference(difference)
    return row | told | ({"strength": ""} if row["perturbation"] == "mirror" else {})


def figure(rows: Sequence[dict]) -> Markup:
    """ROC AUC of videos against strength: a row a split and feature set, a column a kind."""
    videos, kinds = [row for row in rows if row["unit"] == "videos"], _kinds(rows)
    grid = [
        (
            f"{protocol}, {features}{' LEAKY' if some[0]['leaky'] == 'yes' else ''}",
            [_panel(some, kind) for kind in kinds],
        )
        for protocol, mine in _by(videos, "protocol")
        for features, some in _by(mine, "features")
    ]
    return charts.strengths("robustness", kinds, grid, "ROC AUC of videos", 0.5)


def _panel(rows: Sequence[dict], kind: str) -> dict[str, list[tuple[str, dict]]]:
    """By model the strengths of a kind with their scores; what is as it is stands among them."""
    found: dict[str, list[tuple[float, str, dict]]] = {}
    for row in rows:
        if row["perturbation"] in (kind, NONE):
            plain = row["perturbation"] == NONE
            strength = perturb.AS_IS[kind] if plain else float(row["strength"])
            told = "as is" if plain else "mirrored" if kind == "mirror" else row["strength"]
            score = {
                "value": row["roc_auc"],
                "low": row["roc_auc_low"],
                "high": row["roc_auc_high"],
            }
            found.setdefault(row["model"], []).append((strength, told, score))
    return {
        # smaller is more of a change
        model: [p[1:] for p in sorted(points, key=lambda p: p[0], reverse=kind == "scale")]
        for model, points in found.items()
    }
