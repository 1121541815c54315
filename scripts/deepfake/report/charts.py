"""The figures of a run's page: search curves, ROC curves, scores with their intervals."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from deepfake.models.catalogue import SPECS
from deepfake.report import figures

# Both repeat, six colours and five strokes: no two models of thirty look alike.
COLOURS = dict(zip(SPECS, itertools.cycle(figures.MODEL_COLOURS), strict=False))
_STROKES = ("-", "--", "-.", (0, (6, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)))
STROKES = dict(zip(SPECS, itertools.cycle(_STROKES), strict=False))
AXES = {name: spec.axis for name, spec in SPECS.items()}
LINES, TICKS, POINTS = 6, 6, 400  # shown at most


def roc_points(fake: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates from (0, 0) to (1, 1); equal values are one step.

    Args:
        fake: bool (n,), both classes among them. values: float (n,), grow with the evidence.

    Returns:
        Two float arrays of POINTS + 1 values at most, the steps that are furthest apart.
    """
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    true = np.append(0, np.cumsum(fake[order])[ends] / fake.sum())
    false = np.append(0, np.cumsum(~fake[order])[ends] / (~fake).sum())
    if len(ends) > POINTS:
        way = true + false  # the curve's length, from 0 to 2
        kept = np.unique(np.searchsorted(way, np.linspace(0, 2, POINTS + 1)).clip(0, len(ends)))
        true, false = true[kept], false[kept]
    return false, true


def roc(name: str, curves: Sequence[dict]) -> Markup:
    """ROC curves of several models on the same rows.

    Args:
        name: of the figure, unique in the page.
        curves: model, label (its name and score for the legend), fake and values of the rows.
    """
    figure = figures.new(3.7, 3.6 + 0.19 * len(curves))
    axes = figures.axes(figure)
    axes.plot([0, 1], [0, 1], ":", color=figures.INK, lw=1, label="chance 0.500")
    for curve in curves:
        axes.plot(*roc_points(curve["fake"], curve["values"]), **line_style(curve["model"]),
                  label=curve["label"])  # fmt: skip
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set(xlabel="real called fake (false positive rate)")
    axes.set(ylabel="fake called fake (true positive rate)")
    add_legend(figure)
    description = "; ".join(curve["label"] for curve in curves)
    return figures.svg(figure, name, f"ROC curves with the diagonal of chance: {description}")


def calibration(name: str, curves: Sequence[dict]) -> Markup:
    """Calibration curves: the share of fakes against the probability that was said.

    Args:
        name: of the figure. curves: model, label, and bins of `calibration.assess`.
    """
    figure = figures.new(3.7, 3.6 + 0.19 * len(curves))
    axes = figures.axes(figure)
    axes.plot([0, 1], [0, 1], ":", color=figures.INK, lw=1, label="as it should be")
    for curve in curves:
        said, true = ([part[key] for part in curve["bins"]] for key in ("probability", "fake"))
        axes.plot(said, true, marker="o", ms=4, label=curve["label"], **line_style(curve["model"]))
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set(xlabel="P(fake) that was said", ylabel="share that is fake")
    add_legend(figure)
    description = "; ".join(curve["label"] for curve in curves)
    return figures.svg(
        figure, name, f"Calibration curves, with the Brier score of each: {description}"
    )


def add_legend(figure) -> None:
    figure.legend(loc="outside lower center", frameon=False, labelcolor=figures.INK)


def line_style(model: str) -> dict:
    return {"color": COLOURS[model], "linestyle": STROKES[model], "lw": 1.8}


def search(name: str, model: str, candidates: Sequence[dict], score: str) -> tuple[Markup, int]:
    """A model's score against its numeric setting, one line a combination of the others.

    Args:
        name: of the figure. score: its name on the axis.
        candidates: settings, mean, low and high over the folds; the best first.

    Returns:
        The figure, empty where the setting has one value or one that no log axis has a place for;
        and how many lines there would be.
    """
    axis = AXES[model]
    if not all(_is_positive(candidate["settings"][axis]) for candidate in candidates):
        return Markup(), 0
    lines: dict[str, list[dict]] = {}
    for candidate in candidates:
        lines.setdefault(_others(candidate["settings"], axis, candidates), []).append(candidate)
    values = sorted({float(candidate["settings"][axis]) for candidate in candidates})
    if len(values) < 2:
        return Markup(), 0
    shown = sorted(
        list(lines.items())[:LINES], key=lambda line: line[0]
    )  # by label: one colour under every split
    legend = len(lines) > 1
    figure = figures.new(3.7, 2.7 + (0.19 * len(shown) if legend else 0))
    axes = figures.axes(figure)
    for number, (label, line) in enumerate(shown):
        line = sorted(line, key=lambda candidate: float(candidate["settings"][axis]))
        where = [float(candidate["settings"][axis]) for candidate in line]
        colour = figures.MODEL_COLOURS[number] if legend else COLOURS[model]
        low, mean, high = ([c[key] for c in line] for key in ("low", "mean", "high"))
        axes.fill_between(where, low, high, color=colour, alpha=0.15, lw=0)
        axes.plot(where, mean, "o-", color=colour, lw=1.6, ms=4, label=label)
    best = candidates[0]
    axes.plot(float(best["settings"][axis]), best["mean"], "o", ms=10, mfc="none", mec=figures.INK)
    _log_axis(axes, values)
    axes.set(xlabel=axis, ylabel=score)
    if legend:
        add_legend(figure)
    description = f"{score} of {model} against {axis}; the best is {best['mean']:.3f}"
    return figures.svg(figure, name, description), len(lines)


def learning(
    name: str, model: str, folds: Sequence[Sequence[dict]], chosen: int, score: str
) -> Markup:
    """Learning curves: the training loss and the held-out score after each epoch.

    Args:
        name: of the figure. folds: of each fold its epochs: epoch, loss, score.
        chosen: the best number of epochs. score: its name on the axis.
    """
    figure = figures.new(3.7, 3.8)
    above, below = figures.axes(figure, 2, 1, 1), figures.axes(figure, 2, 1, 2)
    for axes, key in ((above, "loss"), (below, "score")):
        epochs = [row["epoch"] for row in folds[0]]
        lines = np.array([[row[key] for row in fold] for fold in folds])
        axes.plot(epochs, lines.T, color=COLOURS[model], lw=0.8, alpha=0.5)
        axes.plot(epochs, lines.mean(axis=0), color=COLOURS[model], lw=1.8)
        axes.axvline(chosen, ls=":", lw=1, color=figures.INK)
        axes.xaxis.set_major_locator(MaxNLocator(TICKS, integer=True))
    above.set(ylabel="training loss")
    below.set(xlabel="epochs", ylabel=score)
    last = np.mean([fold[-1]["loss"] for fold in folds])
    description = (
        f"Learning curves of {model}: the training loss ends at {last:.3f} after {len(folds[0])} "
        f"epochs; the best number of epochs on the folds is {chosen}"
    )
    return figures.svg(figure, name, description)


def _is_positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def _others(settings: dict, axis: str, candidates: Sequence[dict]) -> str:
    """The settings besides the axis in which the candidates differ, as a label."""
    varied = [
        key
        for key in settings
        if key != axis and len({candidate["settings"][key] for candidate in candidates}) > 1
    ]
    return ", ".join(f"{key} {settings[key]}" for key in varied if settings[key] != "")


def _log_axis(axes, values: Sequence[float]) -> None:
    """A log axis whose ticks are the values themselves, in plain digits, no more than fit."""
    axes.set_xscale("log")
    places = np.unique(np.linspace(0, len(values) - 1, min(TICKS, len(values))).round().astype(int))
    ticks = [values[place] for place in places]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())


def dots(name: str, rows: Sequence[dict], score: str, chance: float | None) -> Markup:
    """A score of each model as a dot with its interval; leaky ones are hollow and say so.

    Args:
        name: of the figure. score: its name. chance: where a line is drawn, or None.
        rows: protocol, features, model, leaky, value, low, high, baseline; a value None is
            "undefined".
    """
    figure = figures.new(3.7, 0.95 + 0.36 * len(rows))
    names = [
        f"{r['protocol']}: {r['features']} {r['model']}{' LEAKY' if r['leaky'] else ''}"
        for r in rows
    ]
    description = _dots(figures.axes(figure), rows, names, score, chance)
    return figures.svg(figure, name, description)


def two_dots(name: str, panels: Sequence[tuple], names: Sequence[str]) -> Markup:
    """Two scores of the same models side by side; see `dots`.

    Args:
        name: of the figure. panels: rows, score and chance of each. names: of the rows.
    """
    figure = figures.new(7.6, 0.95 + 0.3 * len(names))
    description = [_dots(figures.axes(figure, 1, 2, 1 + place), panel[0], names, *panel[1:])
            for place, panel in enumerate(panels)]  # fmt: skip
    figure.axes[1].set_yticklabels([])
    return figures.svg(figure, name, ". ".join(description))


def _dots(axes, rows, names, score, chance) -> str:
    """Draw the dots of a score; what they show, in words."""
    for place, row in enumerate(rows):
        if row["value"] is None:
            axes.text(0.5, place, "undefined", ha="center", va="center")
            continue
        colour = COLOURS[row["model"]]
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place, place], color=colour, lw=2, clip_on=False)
        face = "none" if row["leaky"] else colour
        axes.plot(row["value"], place, "o", ms=7, mec=colour, mfc=face, mew=1.6, clip_on=False)
        if row["baseline"] is not None:
            axes.plot(row["baseline"], place, "|", ms=13, color=figures.INK, mew=1.4)
    if chance is not None:
        axes.axvline(chance, ls=":", lw=1, color=figures.INK)
    axes.set_yticks(range(len(rows)), names, parse_math=False)  # a $ is only text
    axes.set(xlim=(-0.02, 1.02), ylim=(max(len(rows), 1) - 0.5, -0.5), xlabel=score)
    description = "; ".join(
        f"{name} {'undefined' if row['value'] is None else format(row['value'], '.3f')}"
        for name, row in zip(names, rows, strict=True)
    )
    return f"{score}: {description}"


def strengths(
    name: str, kinds: Sequence[str], grid: Sequence[tuple], score: str, chance: float
) -> Markup:
    """A score against the strength of several kinds of change, a line a model with its interval.

    Args:
        name: of the figure. kinds: one a column. score: its name. chance: where a line is drawn.
        grid: rows of panels: what the row is of, and for each kind by model a list of (strength as
            text, {value, low, high}), whose texts are the same for all models.
    """
    models = list(dict.fromkeys(model for _, row in grid for panel in row for model in panel))
    figure = figures.new(1.2 + 2.1 * len(kinds), 0.5 + 2.1 * len(grid) + 0.19 * len(models) / 3)
    description = []
    for number, (of, row) in enumerate(grid):
        for place, (kind, panel) in enumerate(zip(kinds, row, strict=True)):
            axes = figures.axes(figure, len(grid), len(kinds), 1 + number * len(kinds) + place)
            axes.axhline(chance, ls=":", lw=1, color=figures.INK)
            for turn, (model, points) in enumerate(panel.items()):
                aside = 0.4 * ((turn + 0.5) / len(panel) - 0.5)
                description.append(f"{of} {model} {kind}: {_strengths(axes, model, points, aside)}")
            texts = [text for text, _ in next(iter(panel.values()))]
            axes.set_xticks(range(len(texts)), texts)
            axes.set(ylim=(-0.02, 1.02), xlim=(-0.3, len(texts) - 0.7))
            if number == len(grid) - 1:
                axes.set(xlabel=kind)
            if place == 0:
                axes.set(ylabel=f"{of}\n{score}")
            else:
                axes.set_yticklabels([])
    handles = [figure.axes[0].plot([], [], "o", ms=4, label=m, **line_style(m))[0] for m in models]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(models)))
    return figures.svg(figure, name, f"{score} against strength. {'; '.join(description)}")


def _strengths(axes, model: str, points: Sequence[tuple[str, dict]], aside: float) -> str:
    """Draw a model's line a little aside, so that intervals can be told apart; it in words."""
    where = [place + aside for place in range(len(points))]
    values = [np.nan if point["value"] is None else point["value"] for _, point in points]
    axes.plot(where, values, "o", ms=3.5, **line_style(model))
    for place, (_, point) in zip(where, points, strict=True):
        if point["low"] is not None:
            limits = [point["low"], point["high"]]
            axes.plot([place, place], limits, lw=1, alpha=0.45, color=COLOURS[model])
    return ", ".join(f"{text} {value:.3f}" for (text, _), value in zip(points, values, strict=True))
