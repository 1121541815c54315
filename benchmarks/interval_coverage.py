"""How often 95 % intervals over groups hold the truth, and how often equal models seem unequal.

    .venv/bin/python benchmarks/interval_coverage.py

Scores of videos in groups are drawn: normal, fakes shifted to a known ROC AUC, a part of the
variance shared by the videos of a group. Each interval is computed by
`deepfake.evaluation.intervals`, and for two scores also by the rule of before: percentiles over
resampled groups. Two models of one AUC, which share a part of their noise, are compared: each
interval of the difference without 0 is an error.
"""

import argparse
import functools
import itertools
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import measure
import numpy as np
from scipy.special import expit
from scipy.stats import norm

from deepfake.evaluation import intervals

LEVEL, AIM, ERRORS = 0.95, 0.92, (0.03, 0.07)
GROUPS = (6, 10, 20, 50)
AUCS = (0.98, 0.76)
VIDEOS = 4  # of a group
SHARED = 0.3  # of the variance, by the videos of a group
ALIKE = 0.5  # of the noise, by two models
RESAMPLES = 400  # of the intervals that were
BEFORE = ("roc_auc", "accuracy")
PAIRED = ("roc_auc", "accuracy", "balanced_accuracy")
EVERY = 10**6  # videos, from which truths without a formula are computed
NAMED = {
    "roc_auc": "ROC AUC", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy",
    "average_precision": "average precision", "equal_error_rate": "equal error rate",
    "precision": "precision", "recall": "recall", "f1": "F1", "brier": "Brier score",
}  # fmt: skip


@dataclass(frozen=True)
class Design:
    """Groups of videos: which group each is in, int (n,), and whether it is fake, bool (n,)."""

    group_of: np.ndarray
    fake: np.ndarray


def both(groups: int) -> Design:
    """Every group holds as many fakes as real ones."""
    return Design(np.repeat(np.arange(groups), VIDEOS), np.arange(groups * VIDEOS) % 2 == 0)


def one(groups: int) -> Design:
    """Every group holds one class."""
    group_of = np.repeat(np.arange(groups), VIDEOS)
    return Design(group_of, group_of % 2 == 0)


def uneven(groups: int) -> Design:
    """As `both`, but the first group is as large as half of all others together."""
    sizes = [2 * (groups - 1), *[VIDEOS] * (groups - 1)]
    group_of = np.repeat(np.arange(groups), sizes)
    return Design(group_of, np.arange(len(group_of)) % 2 == 0)


DESIGNS = {"both classes": both, "one class": one, "both, one group a third": uneven}


def drawn(design: Design, distance: float, generator: np.random.Generator, models: int = 1):
    """Scores of each model, float (models, n)."""

    def noise(count: int) -> np.ndarray:
        alike, own = generator.normal(size=(1, count)), generator.normal(size=(models, count))
        return np.sqrt(ALIKE) * alike + np.sqrt(1 - ALIKE) * own

    groups = design.group_of.max() + 1
    shared, own = noise(groups)[:, design.group_of], noise(len(design.fake))
    return distance * design.fake + np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own


@functools.cache
def truths(auc: float) -> dict[str, float]:
    """The true value of each score of NAMED, where half of all are fake."""
    distance = np.sqrt(2) * norm.ppf(auc)
    right = float(norm.cdf(distance / 2))
    fake = np.arange(EVERY) % 2 == 0
    values = distance * fake + np.random.default_rng(0).normal(size=EVERY)
    every = intervals.scores(fake, values, distance / 2)
    shares = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
    found = dict.fromkeys(shares, right) | {"roc_auc": auc, "equal_error_rate": 1 - right}
    error = (chances(values, distance) - fake) ** 2
    return found | {
        "average_precision": every["average_precision"].value,
        "brier": float(error.mean()),
    }


def chances(values: np.ndarray, distance: float) -> np.ndarray:
    """P(fake) of a score."""
    return expit(distance * (values - distance / 2))


def lines(design: Design, values: np.ndarray, distance: float) -> dict[str, intervals.Linear]:
    """The scores of NAMED of a model."""
    fake, threshold = design.fake, distance / 2
    found = intervals.scores(fake, values, threshold)
    found |= intervals.of_class(fake, values >= threshold)["fake"]
    ones = np.ones(len(fake))
    error = (chances(values, distance) - fake) ** 2
    return found | {"brier": intervals.share(error, ones, ones > 0)}


def bootstrapped(
    design: Design, values: np.ndarray, distance: float, seed: int
) -> dict[str, tuple[float, float]]:
    """Percentile limits over resampled groups, as they were before.

    Of a resample the AUC needs only how many pairs of two groups are ranked right.
    """
    fake, group_of = design.fake, design.group_of
    groups = group_of.max() + 1
    drawn = np.random.default_rng(seed).multinomial(groups, [1 / groups] * groups, RESAMPLES)
    member = np.eye(groups)[group_of]
    apart = values[fake, None] - values[~fake]
    won = member[fake].T @ ((apart > 0) + 0.5 * (apart == 0)) @ member[~fake]
    counts = [drawn @ member[rows].sum(axis=0) for rows in (fake, ~fake)]
    right = member.T @ ((values >= distance / 2) == fake)
    with np.errstate(invalid="ignore"):
        found = {
            "roc_auc": ((drawn @ won) * drawn).sum(axis=1) / (counts[0] * counts[1]),
            "accuracy": (drawn @ right) / (counts[0] + counts[1]),
        }
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return {name: tuple(np.nanquantile(found[name], tails)) for name in BEFORE}


def cell(named: str, auc: float, groups: int, simulations: int, before: bool) -> Counter:
    """How many intervals hold the truth, by (rule, score), and how many pairs differ."""
    design, distance, truth = DESIGNS[named](groups), np.sqrt(2) * norm.ppf(auc), truths(auc)
    held: Counter = Counter()
    for number in range(simulations):
        generator = np.random.default_rng([number, groups])
        values = drawn(design, distance, generator, models=2)
        found = [lines(design, mine, distance) for mine in values]
        for name in NAMED:
            low, high = intervals.limits(found[0][name], design.group_of, LEVEL)
            held["now", name] += low is not None and low <= truth[name] <= high
        for name in PAIRED:
            low, high = intervals.difference(found[0][name], found[1][name], design.group_of, LEVEL)
            held["apart", name] += not low <= 0 <= high
        if before:
            for name, (low, high) in bootstrapped(design, values[0], distance, number).items():
                held["before", name] += low <= truth[name] <= high
                held["no width", name] += low == high
    return held


def rows(designs, aucs, counts, simulations: int, before: bool) -> list[dict]:
    """One dict a cell: design, auc, groups, and what `cell` counted, as shares."""
    cells = list(itertools.product(designs, aucs, counts))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(
            cell, *zip(*cells, strict=True), *map(itertools.repeat, (simulations, before))
        )
        return [
            dict(zip(("design", "auc", "groups"), one, strict=True))
            | {key: count / simulations for key, count in held.items()}
            for one, held in zip(cells, found, strict=True)
        ]


def tables(found: list[dict], counts, before: bool) -> Iterator[str]:
    """The tables in Markdown, and what misses its aim."""
    kinds = list(dict.fromkeys((row["design"], row["auc"]) for row in found))
    at = {(row["design"], row["auc"], row["groups"]): row for row in found}

    def table(rules: list[tuple[str, str]], names) -> str:
        lines = []
        for name in names:
            for kind in kinds:
                shares = [
                    f"{at[*kind, groups].get((rule, name), 0):.3f}"
                    for rule, _ in rules
                    for groups in counts
                ]
                lines.append([NAMED[name], f"{kind[1]:.2f}", kind[0], *shares])
        heads = [f"{head}{groups}" for _, head in rules for groups in counts]
        return measure.table(["score", "AUC", "groups hold", *heads], lines)

    rules = [("before", "before: "), ("now", "now: ")] if before else [("now", "")]
    yield f"Share of {LEVEL:.0%} intervals that hold the truth, by number of groups:"
    yield table(rules, BEFORE)
    yield "The other scores that are printed:"
    yield table([("now", "")], [name for name in NAMED if name not in BEFORE])
    if before:
        yield "Share of the intervals before that had no width:"
        yield table([("no width", "")], BEFORE)
    yield "Two models of one AUC: share of differences whose interval does not hold 0:"
    yield table([("apart", "")], PAIRED)
    for title, names, rule, missed in (
        (f"Below {AIM}", NAMED, "now", lambda held: held < AIM),
        (f"Pairs above {ERRORS[1]}", PAIRED, "apart", lambda error: error > ERRORS[1]),
        (f"Pairs below {ERRORS[0]}", PAIRED, "apart", lambda error: error < ERRORS[0]),
    ):
        yield f"{title}: {_cells(found, names, rule, missed)}."


def _cells(found: list[dict], names, rule: str, missed) -> str:
    """The cells that a rule misses, in words."""
    return (
        "; ".join(
            f"{NAMED[name]} at AUC {row['auc']}, {row['groups']} groups of {row['design']} "
            f"({row.get((rule, name), 0):.3f})"
            for name in names
            for row in found
            if missed(row.get((rule, name), 0))
        )
        or "none"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=2000, help="of each cell")
    parser.add_argument("--groups", type=int, nargs="+", default=GROUPS)
    parser.add_argument("--auc", type=float, nargs="+", default=AUCS)
    parser.add_argument("--design", nargs="+", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument("--only-now", action="store_true", help="leave out the intervals before")
    parser.add_argument("--page", action="append", default=[], help="a page to put the table into")
    given = parser.parse_args()
    before = not given.only_now
    cells = given.design, given.auc, given.groups, given.simulations, before
    text = [f"{given.simulations} simulations a cell, {VIDEOS} videos a group; {measure.machine()}"]
    text += tables(rows(*cells), given.groups, before)
    measure.publish("coverage", "\n\n".join(text), given.page)


if __name__ == "__main__":
    main()
