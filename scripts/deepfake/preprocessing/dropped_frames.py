"""Frames without a face: counts by class and reason, and whether the classes differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from deepfake.core import tables
from deepfake.core.row import Row
from deepfake.core.tables import Table
from deepfake.preprocessing.face_record import ANOTHER

SKEW = 0.02  # difference of the lost shares that is pointed out


def count(records: Sequence[Row]) -> dict[str, dict]:
    """What was lost of each class: frames, kept faces, dropped ones by reason, their share.

    Args:
        records: of every frame and face, kept or dropped, with its label.
    """
    found, records = {}, tables.of(records)
    for label in ("real", "fake"):
        frames = _frames(records.at(records.column("label", "") == label))
        reasons = Counter(filter(None, frames))
        found[label] = {
            "frames": len(frames),
            "kept": len(frames) - reasons.total(),
            "dropped": dict(sorted(reasons.items())),
            "share": reasons.total() / len(frames) if frames else 0.0,
        }
    return found


def _frames(records: Table) -> list[str]:
    """Why each frame gave no face, or "" where it gave one: a second person's is no loss."""
    reasons = np.where(records.column("status", "") == "kept", "", records.column("reason", ""))
    counts = np.where(reasons == "", 0, np.where(reasons == ANOTHER, 2, 1))
    _, frame_of = records.distinct("video_id", "frame")
    order = np.lexsort((counts, frame_of))
    first = np.unique(frame_of[order], return_index=True)[1]
    return reasons[order[first]].tolist()


def skew(found: dict[str, dict]) -> str:
    """A sentence where the classes lose different shares, as `count` found them, or ""."""
    real, fake = (found[label]["share"] for label in ("real", "fake"))
    if abs(real - fake) <= SKEW:
        return ""
    return (
        f"the classes lose different shares (real {real:.1%}, fake {fake:.1%}); "
        "scores may be biased"
    )
