"""The page of one video that was judged, and the page that lists them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from deepfake import classify, features, previews
from deepfake.models import Fitted
from deepfake.report import figures, look, pages

Row = Mapping[str, object]
COLOURS = {"fake": figures.FAKE, "real": figures.REAL}


def write(
    path: Path,
    found: Row,
    rows: Sequence[Row],
    record: dict,
    pictures: Mapping[int, tuple[int, bytes]],
    seen: Sequence[tuple[str, Markup]],
    undecided: Sequence[float],
) -> None:
    """Write a video's page.

    Args:
        path: of the page.
        found: from `classify.verdict`. rows: its frames, from `classify.frame_scores`.
        record: of bundle.json.
        pictures: width of the whole frame in pixels, and its preview, by frame.
        seen: from `looks`.
        undecided: probabilities between these two decide nothing.
    """
    frames = [row for row in rows if row["frame"] != ""]
    chances = _chances(frames, record, found["prior"])
    pages.write(
        path,
        "verdict.html",
        found=found,
        name=Path(str(found["video"])).name,
        record=record,
        training=record["training"],
        unseen=None if record["training"]["leaky"] else record.get("out_of_fold"),
        auc=record["calibration"]["roc_auc"],
        dropped=[row for row in rows if row["score"] == "" and row["reason"]],
        frames=[
            _frame(row, chance, pictures[int(row["frame"])])
            for row, chance in zip(frames, chances, strict=True)
            if int(row["frame"]) in pictures
        ],
        total=len(frames),
        scale=_scale(found, undecided),
        timeline=_timeline(frames, chances, found, undecided) if frames else "",
        seen=seen,
        undecided=undecided,
    )


def looks(fitted: Fitted, faces: np.ndarray, sees: str) -> list[tuple[str, Markup]]:
    """Pictures of what the model sees and where it looks, each with a caption; perhaps none.

    Args:
        fitted: the model. faces: of one video, uint8 (n, size, size, 3).
        sees: the features of the model; only pixels have a place in the face.
    """
    if sees != features.PIXELS or not len(faces):
        return []
    mean = np.round(faces.mean(axis=0)).astype(np.uint8)
    shown = [(f"The mean of the {len(faces)} faces, as the model sees them", pages.jpeg(mean))]
    weights = look.importance(fitted, mean.size)
    if weights is not None:
        caption = (
            "The pixels that the forest's trees decide on"
            if fitted.model == "forest"
            else "The model's weights: brighter pixels in a red place speak for fake, "
            "in a blue place for real"
        )
        shown.append((caption, pages.jpeg(look.picture(weights, mean))))
    return shown


def write_list(path: str | Path, rows: Sequence[Row]) -> None:
    """Write the page of all videos: fakes first, then undecided, then real, by probability."""
    order = ["fake", "undecided", "real"]
    listed = sorted(rows, key=lambda row: (order.index(str(row["verdict"])), -_chance(row)))
    counts = {said: sum(row["verdict"] == said for row in rows) for said in order}
    pages.write(path, "verdicts.html", rows=listed, counts=counts)


def _chance(row: Row) -> float:
    chance = row.get("probability", "")
    return float(chance) if chance not in ("", None) else -1.0


def _chances(rows: Sequence[Row], record: dict, prior: float) -> list[float | None]:
    """P(fake) of each frame alone, None where it has no score."""
    return [
        None
        if row["score"] == ""
        else float(classify.probability(record, np.array([row["score"]]), prior)[0])
        for row in rows
    ]


def _seconds(row: Row) -> float | None:
    fps = float(row["fps"] or 0)
    return int(row["frame"]) / fps if fps else None


def _frame(row: Row, chance: float | None, picture: tuple[int, bytes]) -> dict:
    """What the page shows of one frame."""
    width, data = picture
    box = [float(row[side]) for side in ("x", "y", "width", "height") if row[side] != ""]
    colour = figures.DOUBT if chance is None else COLOURS["fake" if chance > 0.5 else "real"]
    seconds = _seconds(row)
    return {
        "frame": int(row["frame"]),
        "time": "" if seconds is None else f"{int(seconds // 60)}:{seconds % 60:04.1f}",
        "chance": chance,
        "reason": row["reason"],
        "picture": pages.data_uri(previews.boxed(data, box, width, colour), "image/jpeg"),
    }


def _scale(found: Row, undecided: Sequence[float]) -> Markup | str:
    """The probability on a line from real to fake, with the band that decides nothing."""
    if found.get("probability", "") == "":
        return ""
    figure = figures.new(5, 0.55)
    axes = figures.axes(figure, xlim=(0, 1), ylim=(0, 1), yticks=[])
    axes.axvspan(*undecided, color=figures.DOUBT, alpha=0.35, linewidth=0)
    axes.plot(
        [found["probability"]], [0.5], "o", markersize=10, clip_on=False,
        color=COLOURS.get(found["verdict"], figures.DOUBT),
    )  # fmt: skip
    axes.spines["left"].set_visible(False)
    axes.set_xticks([0, 1], ["real", "fake"])
    return figures.svg(figure, "scale", f"P(fake) is {found['probability']:.2f}")


def _timeline(
    rows: Sequence[Row], chances: Sequence[float | None], found: Row, undecided: Sequence[float]
) -> Markup:
    """P(fake) of each frame over the time; frames without a face below the axis."""
    times = [_seconds(row) for row in rows]
    known = None not in times
    if not known:
        times = [int(row["frame"]) for row in rows]
    figure = figures.new(5, 2.2)
    axes = figures.axes(figure, ylim=(-0.1, 1.04), ylabel="P(fake)")
    axes.set_xlabel("seconds" if known else "frame")
    axes.axhspan(*undecided, color=figures.DOUBT, alpha=0.25, linewidth=0)
    points = [(t, c) for t, c in zip(times, chances, strict=True) if c is not None]
    if points:
        axes.plot(*zip(*points, strict=True), color=figures.INK, alpha=0.35, linewidth=1)
    for said, colour in COLOURS.items():
        mine = [(t, c) for t, c in points if (c > 0.5) == (said == "fake")]
        if mine:
            axes.plot(*zip(*mine, strict=True), "o", color=colour, label=said, markersize=5)
    without = [t for t, c in zip(times, chances, strict=True) if c is None]
    if without:
        axes.plot(without, [-0.06] * len(without), "x", color=figures.DOUBT, label="no usable face")
    if found.get("probability", "") != "":
        axes.axhline(found["probability"], color=figures.INK, linewidth=1, linestyle=":")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    told = f"P(fake) of {len(points)} frames over the video; the dotted line is the verdict's"
    return figures.svg(figure, "timeline", told)
