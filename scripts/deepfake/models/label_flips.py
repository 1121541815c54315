"""What a model scores when labels say nothing: the null distribution of its test, by label flips.

In a small test a ROC AUC far from 0.5 may be chance. Here the labels of whole groups are exchanged,
the same candidate is fitted again, and the test is scored by the exchanged labels: a
permutation test over groups (Good 2005, "Permutation, parametric and bootstrap tests").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from deepfake.evaluation import metrics
from deepfake.models import registry as models
from deepfake.models.registry import Training

DRAWS = 200
MOST_ROWS = 2000  # of training and test: each draw fits a model
COLUMNS = (
    "protocol", "features", "model", "videos", "groups", "roc_auc", "roc_auc_low", "roc_auc_high",
    "null_mean", "null_95", "as_good", "draws", "leaky", "note",
)  # fmt: skip
NO_GRAM = "not computed: this model has no Gram matrix"
BY_LANDMARKS = "not computed: this candidate has landmarks, and no Gram matrix"
TOO_MANY = f"not computed: more than {MOST_ROWS:,} rows"


def exchanged(
    fake: np.ndarray, group_of: np.ndarray, tested: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Labels that say nothing, and are linked as the true ones are.

    A group of both classes has its labels exchanged with probability 1/2; groups of one class
    permute their labels, those in the training, in the test and in both each among themselves.

    Args:
        fake: bool (n,). group_of: int (n,), numbers from 0. tested: bool (n,).
    """
    groups = int(group_of.max()) + 1
    counted = np.bincount(group_of, minlength=groups)
    fakes, tests = (np.bincount(group_of, rows, groups) for rows in (fake, tested))
    mixed = (fakes > 0) & (fakes < counted)
    flip = mixed & (generator.random(groups) < 0.5)
    where = np.where(tests == 0, 0, np.where(tests == counted, 1, 2))
    for part in range(3):
        members = np.flatnonzero(~mixed & (where == part))
        before = fakes[members] > 0
        flip[members] = before != generator.permutation(before)
    return fake ^ flip[group_of]


def aucs(
    model: str,
    candidate: dict,
    training: Training,
    tested: np.ndarray,
    videos: Sequence[str],
    groups: Sequence[str],
    *,
    seed: int,
    trim: float = 0.0,
    threads: int = 1,
    draws: int = DRAWS,
) -> np.ndarray:
    """ROC AUC of the test's videos for each draw of labels, float (draws,).

    Args:
        training: rows of training and test, with their Gram matrices scaled by the training's.
        tested: bool (n,). videos, groups: of each row.
        trim: share of a video's frames that its score leaves out at either end.

    Returns:
        nan where a draw leaves one class in the training or in the test.
    """
    group_of, generator = metrics.numbered(groups), np.random.default_rng(seed)
    train, test = np.flatnonzero(~tested), np.flatnonzero(tested)
    names = np.asarray(videos)[test]
    found = np.full(draws, np.nan)
    for draw in range(draws):
        fake = exchanged(training.fake, group_of, tested, generator)
        if fake[train].all() or not fake[train].any():
            continue
        drawn = [candidate], replace(training, fake=fake), train, test, seed, threads
        (values,) = models.score(model, *drawn)
        kept, means = metrics.video_means(names, values, trim)
        label = dict(zip(names, fake[test], strict=True))
        labels = np.array([label[name] for name in kept])
        found[draw] = metrics.scores(labels, means, 0.0)["roc_auc"][0]
    return found


def compared(found: np.ndarray, auc: float | None) -> dict:
    """Mean and 95th percentile of a null distribution, and how often it is as good as the model."""
    found = found[np.isfinite(found)]
    if not len(found):
        return {"note": "not computed: no draw leaves both classes in training and test"}
    as_good = None if auc is None else (1 + int((found >= auc - 1e-12).sum())) / (1 + len(found))
    return {
        "null_mean": float(found.mean()),
        "null_95": float(np.quantile(found, 0.95)),
        "as_good": as_good,
        "draws": len(found),
        "note": "",
    }


def row(record: dict, null: dict) -> dict:
    """A line of COLUMNS: a model's test, from its evaluation record, beside its null."""
    judged = record["videos"]
    score = judged["metrics"]["roc_auc"]
    return {
        "protocol": record["protocol"],
        "features": record["features"]["name"],
        "model": record["model"],
        "videos": judged["rows"],
        "groups": judged["groups"],
        "roc_auc": score["value"],
        "roc_auc_low": score["low"],
        "roc_auc_high": score["high"],
        "leaky": "yes" if record["leaky"] else "no",
    } | null


def text(rows: Sequence[dict], untrained: Sequence[dict]) -> str:
    """The table for a terminal, with the untrained numbers of `shortcuts.as_text` beside it."""
    head = ("split", "features", "model", "test", "roc_auc", "null: mean", "95 %", "as good", "")
    lines = [head]
    for one in rows:
        stamp = "LEAKY" if one["leaky"] == "yes" else ""
        shown = [_number(one.get(name)) for name in ("null_mean", "null_95", "as_good")]
        score = _number(one["roc_auc"])
        if one["roc_auc_low"] is not None:
            score += f" [{one['roc_auc_low']:.2f}, {one['roc_auc_high']:.2f}]"
        counts = f"{one['videos']} videos, {one['groups']} groups"
        named = (one[name] for name in ("protocol", "features", "model"))
        lines.append((*named, counts, score, *shown, "; ".join(filter(None, [stamp, one["note"]]))))
    for one in untrained:
        named = one["protocol"], "untrained", one["measure"]
        counts = f"{one['videos']} videos, {one['groups']} groups"
        lines.append((*named, counts, one["roc_auc"], "", "", "", ""))
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    body = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
            for line in lines]  # fmt: skip
    legend = [
        "",
        f"null: ROC AUC of videos when labels say nothing, {DRAWS} draws. Labels of whole groups",
        "are exchanged, the model is fitted again, and scored by these labels.",
        "as good: share of draws that reach the model's score; below 0.05 it is hardly chance.",
    ]
    return "\n".join(body + legend) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
