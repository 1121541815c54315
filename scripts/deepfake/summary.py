"""The small table at the end of a run: models, scores, baseline. Every leaky row is stamped."""

from __future__ import annotations

from collections.abc import Sequence

COLUMNS = (
    "protocol", "model", "unit", "rows", "fake", "real", "groups", "baseline",
    "accuracy", "accuracy_low", "accuracy_high",
    "balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high",
    "roc_auc", "roc_auc_low", "roc_auc_high", "leaky", "note",
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
                "model": record["model"],
                "unit": unit,
                "rows": judged["rows"],
                "fake": judged["fake"],
                "real": judged["real"],
                "groups": judged["groups"],
                "baseline": judged["majority_baseline"],
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


def text(rows: Sequence[dict], level: float) -> str:
    """The table for a terminal: fixed width, intervals in brackets."""
    head = ("split", "model", "unit", "test", "baseline", *SHOWN, "")
    lines = [head]
    for row in rows:
        counts = f"{row['fake']} fake, {row['real']} real"
        scores = [score(row, name) for name in SHOWN]
        stamp = "LEAKY" if row["leaky"] == "yes" else ""
        remark = "; ".join(filter(None, [stamp, row["note"]]))
        lines.append(
            (
                *(row[name] for name in ("protocol", "model", "unit")),
                counts,
                f"{row['baseline']:.3f}",
                *scores,
                remark,
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    body = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines]
    legend = [
        "",
        f"[low, high]: {level:.0%} interval, bootstrap over groups.",
        "baseline: accuracy of always saying the larger class.",
    ]
    if any(row["leaky"] == "yes" for row in rows):
        legend.append(
            "LEAKY: people, clips or frames of the test are in training too; such a score tells "
            "nothing about new videos."
        )
    return "\n".join(line.rstrip() for line in body + legend) + "\n"


def score(row: dict, name: str) -> str:
    """A score and its interval as text; "undefined" where a class is missing."""
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if value is None:
        return "undefined"
    return f"{value:.3f}" + ("" if low is None else f" [{low:.2f}, {high:.2f}]")
