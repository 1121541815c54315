"""The page of an enrolled person, and the scores of that person's model on a verdict's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from deepfake.person import enrolment, signals
from deepfake.person.model import PersonModel
from deepfake.report import figures, pages, texts

COLOURS = {enrolment.PERSON: figures.REAL, enrolment.OTHER: figures.FAKE}
NAMES = {enrolment.PERSON: "the person, left out", enrolment.OTHER: "other people"}


def write_enrolment(
    path: str | Path,
    name: str,
    known: dict,
    model: PersonModel,
    windows: Sequence[Mapping],
    videos: Sequence[Mapping],
) -> None:
    """Write the page of an enrolment.

    Args:
        name: of the person. known: from `enrolment.measured`. model: what was learned.
        windows, videos: rows of `enrolment.WINDOW_COLUMNS` and `VIDEO_COLUMNS`.
    """
    pages.write(
        path,
        "person.html",
        name=name,
        known=known,
        interval=enrolment.interval,
        model=model,
        videos=videos,
        figure=_by_video(windows),
        signals=[name.replace("_", " ") for name in signals.NAMES],
    )


def section(answer: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> dict:
    """What the page of a verdict shows of a person's model.

    Args:
        answer: of `answers.ANSWERS`. rows: the video's, of `answers.SCORES`.
    """
    return {
        **answer,
        "timeline": _over_time(rows) if rows else "",
        "length": float(rows[0]["end"]) - float(rows[0]["start"]) if rows else 0.0,
    }


def _by_video(windows: Sequence[Mapping]) -> Markup:
    """The scores of all windows, a line a video, the person's above the others'."""
    lines = list(dict.fromkeys((row["of"], row["video"]) for row in windows))
    figure = figures.new(6, 0.9 + 0.16 * len(lines))
    axes = figures.axes(figure, xlabel="score", yticks=[])
    axes.axvline(0, color=figures.INK, linewidth=1, linestyle=":")
    place = {line: -number for number, line in enumerate(lines)}
    for of, colour in COLOURS.items():
        points = [(row["score"], place[of, row["video"]]) for row in windows if row["of"] == of]
        if points:
            axes.plot(
                *zip(*points, strict=True), "o", color=colour, alpha=0.5, markersize=4,
                markeredgewidth=0, label=NAMES[of],
            )  # fmt: skip
    axes.spines["left"].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return figures.svg(figure, "windows", texts.PERSON_WINDOWS.format(videos=len(lines)))


def _over_time(rows: Sequence[Mapping[str, str]]) -> Markup:
    """The score of each window over time, at its middle."""
    figure = figures.new(5, 2.2)
    axes = figures.axes(figure, xlabel="seconds, middle of the window", ylabel="score")
    axes.axhline(0, color=figures.INK, linewidth=1, linestyle=":")
    points = [((float(row["start"]) + float(row["end"])) / 2, float(row["score"])) for row in rows]
    axes.plot(*zip(*points, strict=True), color=figures.INK, alpha=0.35, linewidth=1)
    for fits, colour, label in (
        (True, figures.REAL, "fits"),
        (False, figures.FAKE, "does not fit"),
    ):
        same = [point for point in points if (point[1] >= 0) == fits]
        if same:
            axes.plot(*zip(*same, strict=True), "o", color=colour, markersize=5, label=label)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return figures.svg(figure, "person", texts.PERSON_TIMELINE.format(windows=len(points)))
