"""Choose the sample faces of a page: pairs of real and fake, of the same person if possible."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from deepfake.core import archive, tables
from deepfake.core.row import Row
from deepfake.core.tables import Table
from deepfake.preprocessing.face_record import crop_name
from deepfake.report import pages

SIDE = 240  # pixels at most


def choose(rows: Sequence[Row], number: int) -> list[dict[str, Row]]:
    """Pairs of rows, `fake` and `real`, of videos spread evenly over all of them.

    Args:
        rows: of the matrix. number: of faces; a pair is two of them.
    """
    rows = tables.of(rows)
    fakes, reals = (_videos(rows, label) for label in ("fake", "real"))
    count = min((number + 1) // 2, len(fakes), len(reals))
    places = np.linspace(0, len(fakes) - 1, count).round().astype(int) if count else []
    pairs, taken = [], set()
    for place in places:
        frames = fakes[place]
        fake = rows[frames[len(frames) // 2]]
        free = [number for number in range(len(reals)) if number not in taken]
        # the first of equal ones
        nearest = max(free, key=lambda number: _similarity(fake, rows[reals[number][0]]))
        taken.add(nearest)
        real = rows.at(reals[nearest])
        same = real.at(real.column("frame") == fake["frame"])
        pairs.append({"fake": fake, "real": same[0] if same else real[len(real) // 2]})
    return pairs


def _videos(rows: Table, label: str) -> list[np.ndarray]:
    """The numbers of the rows of each video of a class, int (rows of it,), in order."""
    inside = np.flatnonzero(rows.among("label", label))
    first, video_of = rows.at(inside).distinct("video_id")
    ends = np.cumsum(np.bincount(video_of, minlength=len(first)))
    ordered = inside[np.argsort(video_of, kind="stable")]
    return np.split(ordered, ends[:-1]) if len(first) else []


def _similarity(fake: Row, real: Row) -> int:
    if fake["target_id"] and fake["target_id"] == real["target_id"]:
        return 2
    return int(fake["group_id"] == real["group_id"])


def pictures(
    pairs: Sequence[dict[str, Row]], records: Sequence[Row], batch_of: dict[str, str],
    crops: Sequence[str],
) -> list[list[dict]]:  # fmt: skip
    """The faces of pairs as data URIs, with label, video and frame.

    Args:
        pairs: see `choose`. records: of every frame. batch_of: a video's batch.
        crops: the archives of native crops, BATCH.tar each.
    """
    tars = {Path(path).name.removesuffix(".tar"): path for path in crops}
    rows = [pair[label] for pair in pairs for label in ("real", "fake")]
    wanted = {_key(row) for row in rows}
    records = tables.of(records)
    videos = sorted({row["video_id"] for row in rows})
    of_videos = records.at(np.isin(records.column("video_id"), videos))
    member = {
        _key(r): crop_name(r["crop_row"])
        for r in of_videos
        if r["status"] == "kept" and _key(r) in wanted
    }
    shown = {}
    for batch in sorted({batch_of[row["video_id"]] for row in rows}):
        faces = [_key(row) for row in rows if batch_of[row["video_id"]] == batch]
        with archive.Reader(tars[batch]) as native:
            shown |= {face: _small(native.read(member[face])) for face in faces}
    return [
        [
            {name: pair[label][name] for name in ("label", "video_id", "frame")}
            | {"uri": shown[_key(pair[label])]}
            for label in ("real", "fake")
        ]
        for pair in pairs
    ]


def _key(row: Row) -> tuple[str, str, str]:
    return row["video_id"], row["frame"], row["face"]


def _small(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as picture:
        picture = picture.convert("RGB")
        picture.thumbnail((SIDE, SIDE))
        return pages.jpeg(np.asarray(picture))
