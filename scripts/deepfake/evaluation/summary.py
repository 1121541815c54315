"""The summary table of a run: models, scores, baseline. Leaky rows are stamped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from deepfake.evaluation import metrics, operating_points

COLUMNS = (
    "protocol", "features", "model", "unit", "rows", "fake", "real", "groups", "baseline",
    "accuracy", "accuracy_low", "accuracy_high",
    "balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high",
    "roc_auc", "roc_auc_low", "roc_auc_high", "folds_roc_auc",
    "answered", "answered_low", "answered_high", "error", "error_low", "error_high",
    "false_alarms", "false_alarms_low", "false_alarms_high", "found", "found_low", "found_high",
    "leaky", "note",
)  # fmt: skip
PAIR_COLUMNS = (
    "protocol", "one_features", "one", "other_features", "other", "score", "difference", "low",
    "high", "videos", "groups", "leaky",
)  # fmt: skip
SHOWN = ("accuracy", "balanced_accuracy", "roc_auc")
UNDEFINED = {"value": None, "low": None, "high": None}
ANSWERS = (
    "answered",
    "error",
    "false_alarms",
    "found",
)  # of verdicts, of videos only; see `answers.judge`


def table(found: Sequence[dict]) -> list[dict]:
    """Two rows a model and protocol, by frame and by video, from evaluation records."""
    return [row(record, unit) for record in found for unit in ("frames", "videos")]


def row(record: dict, unit: str) -> dict:
    """The row of an evaluation record by "frames" or by "videos"."""
    scored = record[unit]
    found = {
        "protocol": record["protocol"],
        "features": record["features"]["name"],
        "model": record["model"],
        "unit": unit,
        "rows": scored["rows"],
        "fake": scored["fake"],
        "real": scored["real"],
        "groups": scored["groups"],
        "baseline": scored["majority_baseline"],
        "folds_roc_auc": record["folds"]["roc_auc"]["value"] if unit == "videos" else None,
        "leaky": "yes" if record["leaky"] else "no",
        "note": "; ".join(filter(None, [scored["note"], _unlinked(record), _approximate(record)])),
    }
    shown = {name: scored["metrics"][name] for name in SHOWN}
    of_verdicts = record["answers"] if unit == "videos" else {}
    shown |= {name: of_verdicts.get(name, UNDEFINED) for name in ANSWERS}
    for name, metric in shown.items():
        found |= {name: metric["value"]}
        found |= {f"{name}_low": metric["low"], f"{name}_high": metric["high"]}
    return found


def _approximate(record: dict) -> str:
    count = record.get("candidate", {}).get("landmarks", 0)
    return f"an approximation by {count:,} landmarks" if count else ""


def _unlinked(record: dict) -> str:
    count = record.get("unlinked_fakes", 0)
    return f"people of {count} fake videos unknown: a leak cannot be detected" if count else ""


def pairs(found: Sequence[dict], videos: Sequence[Sequence[dict]], **how) -> list[dict]:
    """Every two models of a protocol on the same test videos: a row a score of SHOWN.

    Args:
        found: evaluation records. videos: the scored videos of each.
        how: level of the intervals.
    """
    rows = []
    for (one, videos_of_one), (other, videos_of_other) in combinations(
        zip(found, videos, strict=True), 2
    ):
        if one["protocol"] != other["protocol"]:
            continue
        groups = [row["group_id"] for row in videos_of_one]
        differences = metrics.paired(
            np.array([row["label"] == "fake" for row in videos_of_one]),
            *(
                (np.array([float(row["score"]) for row in table]), record["videos"]["threshold"])
                for table, record in ((videos_of_one, one), (videos_of_other, other))
            ),
            groups,
            **how,
        )
        for score in SHOWN:
            rows.append(
                {
                    "protocol": one["protocol"],
                    "one_features": one["features"]["name"],
                    "one": one["model"],
                    "other_features": other["features"]["name"],
                    "other": other["model"],
                    "score": score,
                    "difference": differences[score]["value"],
                    "low": differences[score]["low"],
                    "high": differences[score]["high"],
                    "videos": len(videos_of_one),
                    "groups": len(set(groups)),
                    "leaky": "yes" if one["leaky"] else "no",
                }
            )
    return rows


def threshold(record: dict) -> str:
    """How the threshold of an evaluation was chosen, in words."""
    where = operating_points.SOURCES[record["threshold"]["source"]]
    return {
        "equal_error": f"chosen {where}, where both classes err equally often",
        "model": "the model's own",
    }[record["threshold"]["aim"]]


def verdicts(record: dict) -> list[str]:
    """What a model's verdicts are worth, a line each: its operating points, and the test.

    Args:
        record: of its evaluation.
    """
    answers, found = record["answers"], []
    where = operating_points.SOURCES[answers["points"]["source"]]
    for side in operating_points.SIDES:
        point, name = answers["points"][side], operating_points.NAMES[side]
        if point["at"] is None:
            found.append(f'no video is called "{name}": {operating_points.lacks(point)}')
        else:
            found.append(
                f'"{name}": error rate {point["rate"]:.3f} {where} ({point["errors"]:.3g} of '
                f"{point['groups']} groups; 95 % end {point['upper']:.2f}), {point['found']:.0%} "
                "of the other class found"
            )
    last = f"on the test {interval(answers['answered'])} of the videos are answered"
    if answers["error"]["value"] is not None:
        last += f", {interval(answers['error'])} of the answers are wrong"
    return [*found, last]


def difference(metric: dict) -> str:
    """A difference {value, low, high} as text."""
    value, low, high = metric["value"], metric["low"], metric["high"]
    if value is None:
        return "undefined"
    return f"{value:+.3f}" + ("" if low is None else f" [{low:+.2f}, {high:+.2f}]")


def text(rows: Sequence[dict], level: float, chosen: str, best: Sequence[str] = ()) -> str:
    """The table for a terminal: fixed width, intervals in brackets.

    Args:
        rows: from `table`. level: of the intervals. chosen: from `threshold`. best: lines of
            `model_selection.lines`.
    """
    head = ("split", "features", "model", "unit", "test", "baseline", *SHOWN, "")
    lines = [head]
    for row in rows:
        counts = f"{row['fake']} fake, {row['real']} real"
        scores = [score(row, name) for name in SHOWN]
        stamp = "LEAKY" if row["leaky"] == "yes" else ""
        remark = "; ".join(filter(None, [stamp, row["note"]]))
        lines.append(
            (
                *(row[name] for name in ("protocol", "features", "model", "unit")),
                counts,
                f"{row['baseline']:.3f}",
                *scores,
                remark,
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    body = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines]
    legend = ["", *best] if best else []
    legend += [
        "",
        f"[low, high]: {level:.0%} interval over groups, cluster-robust.",
        "baseline: accuracy of always predicting the larger class.",
        f"A row is classified as fake from a threshold that is {chosen}.",
    ]
    if any(row["leaky"] == "yes" for row in rows):
        legend.append(
            "LEAKY: people, clips or frames of the test are also in training; such a score says "
            "nothing about new videos."
        )
    return "\n".join(line.rstrip() for line in body + legend) + "\n"


def score(row: dict, name: str) -> str:
    """A score of a row of `table` with its interval."""
    return interval({"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]})


def interval(metric: dict) -> str:
    """A metric {value, low, high} as text."""
    value, low, high = metric["value"], metric["low"], metric["high"]
    if value is None:
        return "undefined"
    return f"{value:.3f}" + ("" if low is None else f" [{low:.2f}, {high:.2f}]")
