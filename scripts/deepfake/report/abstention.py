"""What a run's page shows of verdicts: who gets an answer, and how many answers are wrong."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from deepfake.core import tables
from deepfake.evaluation import answers, operating_points, summary
from deepfake.report import charts, figures


def shown(record: dict) -> dict:
    """What a model's verdicts are worth, ready to be shown; record: of its evaluation."""
    found = record["answers"]
    return {
        "model": record["model"],
        **{name: summary.interval(found[name]) for name in answers.SHARES},
        "sides": [
            found["points"][side]
            | {"name": operating_points.NAMES[side]}
            | {"lacks": operating_points.lacks(found["points"][side])}
            for side in operating_points.SIDES
        ],
    }


def figure(name: str, records: Sequence[dict], videos: Sequence[Sequence[dict]]) -> Markup:
    """Risk against coverage of several models on one test.

    Args:
        name: of the figure. records: of their evaluations. videos: the scored videos of each.
    """
    level = f"{100 * records[0]['level']:g} %"
    curves = [_curve(record, scored) for record, scored in zip(records, videos, strict=True)]
    return _drawn(name, curves, level)


def _curve(record: dict, videos: Sequence[dict]) -> dict:
    found = record["answers"]
    videos = tables.of(videos)
    fake, values = videos.column("label") == "fake", videos.floats("score")
    error = found["error"]
    at = {"coverage": found["answered"]["value"], "risk": error["value"]} | {
        end: error[end] for end in ("low", "high")
    }
    return {
        "model": record["model"],
        "label": f"{record['model']}: {summary.interval(found['answered'])} answered",
        "points": answers.curve(fake, values, record["videos"]["threshold"]),
        "at": None if error["value"] is None else at,
    }


def _drawn(name: str, curves: Sequence[dict], level: str) -> Markup:
    """Risk against coverage: the share of wrong answers when only the surest are given.

    Args:
        name: of the figure. level: of the intervals, like "95 %".
        curves: model, label, points of `answers.curve`, and at: {coverage, risk} at the operating
            points, None where nothing is answered; risk with its interval low and high.
    """
    figure = figures.new(3.7, 3.2 + 0.19 * len(curves))
    axes = figures.axes(figure)
    for curve in curves:
        x, y = ([point[key] for point in curve["points"]] for key in ("coverage", "risk"))
        axes.step(x, y, where="post", label=curve["label"], **charts.line_style(curve["model"]))
        if at := curve["at"]:
            color = charts.COLOURS[curve["model"]]
            if at["low"] is not None:
                axes.plot([at["coverage"]] * 2, [at["low"], at["high"]], color=color, lw=1)
            axes.plot(at["coverage"], at["risk"], "o", color=color, ms=6)
    axes.set(xlim=(0, 1.02), ylim=(-0.02, None))
    axes.set(xlabel="share of videos answered", ylabel="share of answers that is wrong")
    charts.add_legend(figure)
    shown = "; ".join(curve["label"] for curve in curves)
    title = f"Risk against coverage; a point with its {level} interval is at the operating points"
    return figures.svg(figure, name, f"{title}: {shown}")
