"""The page of one classified video, and the page that lists all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from deepfake.evaluation import calibration, decision, operating_points
from deepfake.features import registry as features
from deepfake.inference import known_scores, reasons
from deepfake.models.registry import Fitted
from deepfake.preprocessing import thumbnails
from deepfake.report import figures, look, pages, texts

Values = Mapping[str, object]
COLOURS = {"fake": figures.FAKE, "no_trace": figures.REAL, "undecided": figures.DOUBT}
ORDER = ("fake", "undecided", "no_trace")


def write(
    path: Path,
    found: Values,
    each: Sequence[Values],
    rows: Sequence[Values],
    record: dict,
    pictures: Mapping[int, tuple[int, bytes]],
    explanations: Mapping[int, Sequence[tuple[str, Markup]]],
    person: Values | None = None,
) -> None:
    """Write a video's page.

    Args:
        path: of the page.
        found, each: from `classify.verdict`.
        rows: its frames and faces, from `classify.frame_scores`.
        record: of bundle.json.
        pictures: width of the whole frame in pixels, and its preview, by frame.
        explanations: from `looks`, by face.
        person: from `person.section`; None without a person's model.
    """
    band, datasets = _band(record, found["prior"]), record["training"]["datasets"]
    frames: dict[int, list[Values]] = {}
    for row in rows:
        if row["frame"] != "":
            row = {**row, **_of_frame(row, record, found)}
            frames.setdefault(int(row["frame"]), []).append(row)
    several = len(each) > 1
    pages.write(
        path,
        "verdict.html",
        found=found,
        name=Path(str(found["video"])).name,
        record=record,
        training=record["training"],
        trained_on=", ".join(filter(None, datasets)) or "unnamed videos",
        one_dataset=len(datasets) == 1,
        auc=known_scores.auc(record),
        known=record.get("known") or {"shortcut": None, "null": None},
        dropped=[row for row in rows if row["score"] == "" and row["reason"]],
        frames=[
            _frame(faces, pictures[frame], several)
            for frame, faces in frames.items()
            if frame in pictures
        ],
        total=len(frames),
        scale=_scale(found, band),
        each=[
            {
                **one,
                "explanations": explanations.get(int(one["face"]), []),
                "timeline": _timeline(int(one["face"]), frames, one, band, 3.4 if several else 5),
            }
            for one in each
        ],
        several=several,
        calibrated_on=record.get("calibrated_on"),
        person=person,
        timeline="" if each or not frames else _timeline(0, frames, found, band),
        points=[
            {"name": reasons.NAMES[side], "lacks": operating_points.lacks(record["verdict"][side])}
            | record["verdict"][side]
            for side in operating_points.SIDES
        ],
    )


def looks(fitted: Fitted, faces: np.ndarray, feature_set: str) -> list[tuple[str, Markup]]:
    """Pictures of the model's input and of the pixels that it uses, with captions; maybe none.

    Args:
        fitted: the model. faces: of one video, uint8 (n, size, size, 3).
        feature_set: of the model; only pixels have a place in the face.
    """
    if feature_set != features.PIXELS or not len(faces):
        return []
    mean = np.round(faces.mean(axis=0)).astype(np.uint8)
    shown = [(texts.MEAN_FACE.format(faces=len(faces)), pages.jpeg(mean))]
    weights = look.importance(fitted, mean.size)
    if weights is not None:
        caption = texts.FOREST_PIXELS if fitted.model == "forest" else texts.LINEAR_PIXELS
        shown.append((caption, pages.jpeg(look.picture(weights, mean))))
    return shown


def write_list(path: str | Path, rows: Sequence[Values]) -> None:
    """Write the page of all videos in ORDER of their verdicts, then by probability."""
    listed = sorted(rows, key=lambda row: (ORDER.index(str(row["verdict"])), -_chance(row)))
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in ORDER}
    pages.write(path, "verdicts.html", rows=listed, counts=counts)


def _chance(row: Values) -> float:
    chance = row.get("probability", "")
    return float(chance) if chance not in ("", None) else -1.0


def _of_frame(row: Values, record: dict, found: Values) -> dict[str, object]:
    """P(fake) of a face in one frame alone, and its verdict; None if it has no score."""
    if row["score"] == "":
        return {"chance": None, "verdict": None}
    calibrated = record["calibration"]
    score = decision.combined_score(calibrated, [row["score"]], max(1, found["faces"]))
    chance = float(calibration.probability(calibrated, score, found["prior"]))
    return {"chance": chance, "verdict": operating_points.verdict(score, record["verdict"])}


def _band(record: dict, prior: float) -> tuple[float, float]:
    """Probabilities between which a score decides nothing: those of the operating points."""
    ends = []
    for side, end in (("no_trace", 0.0), ("fake", 1.0)):
        at = record["verdict"][side]["at"]
        known = at is not None and record["calibration"]["slope"]
        ends.append(
            float(calibration.probability(record["calibration"], at, prior)) if known else end
        )
    return ends[0], ends[1]


def _seconds(row: Values) -> float | None:
    fps = float(row["fps"] or 0)
    return int(row["frame"]) / fps if fps else None


def _frame(rows: Sequence[Values], picture: tuple[int, bytes], several: bool) -> dict:
    """Data of one frame for the page; several faces of a video are numbered."""
    width, data = picture
    boxes = []
    for row in rows:
        box = [float(row[side]) for side in ("x", "y", "width", "height") if row[side] != ""]
        if box:
            name = str(row["face"]) if several else ""
            boxes.append((box, COLOURS.get(row["verdict"], figures.DOUBT), name))
    seconds = _seconds(rows[0])
    return {
        "frame": int(rows[0]["frame"]),
        "time": "" if seconds is None else f"{int(seconds // 60)}:{seconds % 60:04.1f}",
        "faces": rows,
        "picture": pages.data_uri(thumbnails.boxed(data, boxes, width), "image/jpeg"),
    }


def _scale(found: Values, band: tuple[float, float]) -> Markup | str:
    """The probability on a line, with the band between the operating points."""
    if found.get("probability", "") == "":
        return ""
    figure = figures.new(5, 0.55)
    axes = figures.axes(figure, xlim=(0, 1), ylim=(0, 1), yticks=[])
    axes.axvspan(*band, color=figures.DOUBT, alpha=0.35, linewidth=0)
    axes.plot(
        [found["probability"]], [0.5], "o", markersize=10, clip_on=False,
        color=COLOURS.get(found["verdict"], figures.DOUBT),
    )  # fmt: skip
    axes.spines["left"].set_visible(False)
    axes.set_xticks([0, 1], ["no trace found", "fake"])
    return figures.svg(figure, "scale", texts.PROBABILITY.format(probability=found["probability"]))


def _timeline(
    number: int,
    frames: Mapping[int, Sequence[Values]],
    found: Values,
    band: tuple[float, float],
    width: float = 5,
) -> Markup:
    """P(fake) of a face in each frame over time; frames without the face are below the axis."""
    times = [_seconds(rows[0]) for rows in frames.values()]
    known = None not in times
    if not known:
        times = list(frames)
    by_face = [{row["face"]: row for row in rows} for rows in frames.values()]
    face_rows = [faces.get(str(number), {}) for faces in by_face]
    chances = [row.get("chance") for row in face_rows]
    figure = figures.new(width, 2.2)
    axes = figures.axes(figure, ylim=(-0.1, 1.04), ylabel="P(fake)")
    axes.set_xlabel("seconds" if known else "frame")
    axes.axhspan(*band, color=figures.DOUBT, alpha=0.25, linewidth=0)
    points = [(t, c) for t, c in zip(times, chances, strict=True) if c is not None]
    if points:
        axes.plot(*zip(*points, strict=True), color=figures.INK, alpha=0.35, linewidth=1)
    for verdict, colour in COLOURS.items():
        same = [
            (time, row["chance"])
            for time, row in zip(times, face_rows, strict=True)
            if row.get("verdict") == verdict
        ]
        if same:
            name = reasons.NAMES.get(verdict, verdict)
            axes.plot(*zip(*same, strict=True), "o", color=colour, label=name, markersize=5)
    without = [t for t, c in zip(times, chances, strict=True) if c is None]
    if without:
        axes.plot(without, [-0.06] * len(without), "x", color=figures.DOUBT, label="no usable face")
    if found.get("probability", "") != "":
        axes.axhline(found["probability"], color=figures.INK, linewidth=1, linestyle=":")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return figures.svg(figure, f"timeline{number}", texts.TIMELINE.format(points=len(points)))
