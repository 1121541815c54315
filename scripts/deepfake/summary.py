"""The small table at the end of a run: models, scores, baseline. Every leaky row is stamped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from deepfake import metrics

COLUMNS = (
    "protocol", "features", "model", "unit", "rows", "fake", "real", "groups", "baseline",
    "accuracy", "accuracy_low", "accuracy_high",
    "balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high",
    "roc_auc", "roc_auc_low", "roc_auc_high", "folds_roc_auc", "leaky", "note",
)  # fmt: skip
PAIR_COLUMNS = (
    "protocol", "one_features", "one", "other_features", "other", "score", "difference", "low",
    "high", "videos", "groups", "leaky",
)  # fmt: skip
SHOWN = ("accuracy", "balanced_accuracy", "roc_auc")


def table(found: Sequence[dict]) -> list[dict]:
    """Two rows a model and protocol, by frame and by video, from evaluation records."""
    rows = []
    for record in found:
        for unit in ("frames", "videos"):
            judged = record[unit]
            row = {
                "protocol": record["protocol"],
                "features": record["features"]["name"],
                "model": record["model"],
                "unit": unit,
                "rows": judged["rows"],
                "fake": judged["fake"],
                "real": judged["real"],
                "groups": judged["groups"],
                "baseline": judged["majority_baseline"],
                "folds_roc_auc": record["folds"]["roc_auc"]["value"] if unit == "videos" else None,
                "leaky": "yes" if record["leaky"] else "no",
                "note": "; ".join(filter(None, [judged["note"], _unlinked(record)])),
            }
            for name in SHOWN:
                metric = judged["metrics"][name]
                row |= {name: metric["value"]}
                row |= {f"{name}_low": metric["low"], f"{name}_high": metric["high"]}
            rows.append(row)
    return rows


def _unlinked(record: dict) -> str:
    count = record.get("unlinked_fakes", 0)
    return f"people of {count} fake videos unknown: a leak cannot be seen" if count else ""


def pairs(found: Sequence[dict], videos: Sequence[Sequence[dict]], **how) -> list[dict]:
    """Every two models of a protocol on the same test videos: a row a score of SHOWN.

    Args:
        found: evaluation records. videos: the scored videos of each.
        how: level, count and seed of the intervals.
    """
    rows = []
    for (one, ours), (other, theirs) in combinations(zip(found, videos, strict=True), 2):
        if one["protocol"] != other["protocol"]:
            continue
        groups = [row["group_id"] for row in ours]
        differences = metrics.paired(
            np.array([row["label"] == "fake" for row in ours]),
            *(
                (np.array([float(row["score"]) for row in table]), record["videos"]["threshold"])
                for table, record in ((ours, one), (theirs, other))
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
                    "videos": len(ours),
                    "groups": len(set(groups)),
                    "leaky": "yes" if one["leaky"] else "no",
                }
            )
    return rows


def threshold(record: dict) -> str:
    """How the threshold of an evaluation was chosen, in words."""
    chosen = record["threshold"]
    return {
        "equal_error": "chosen on the folds, where both classes err equally often",
        "false_alarms": "chosen on the folds, where at most "
        f"{chosen['false_alarms']:.0%} of the real are called fake",
        "model": "the model's own",
    }[chosen["aim"]]


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
            `winners.lines`.
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
        f"[low, high]: {level:.0%} interval, bootstrap over groups.",
        "baseline: accuracy of always saying the larger class.",
        f"A row is called fake from a threshold that is {chosen}.",
    ]
    if any(row["leaky"] == "yes" for row in rows):
        legend.append(
            "LEAKY: people, clips or frames of the test are in training too; such a score tells "
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
