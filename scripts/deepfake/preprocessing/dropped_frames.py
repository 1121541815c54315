"""Frames without a face: counts by class and reason, and whether the classes differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from deepfake.core.tables import Row
from deepfake.preprocessing.face_record import ANOTHER

SKEW = 0.02  # difference of the lost shares that is pointed out


def count(records: Sequence[Row]) -> dict[str, dict]:
    """What was lost of each class: frames, kept faces, dropped ones by reason, their share.

    Args:
        records: of every frame and face, kept or dropped, with its label.
    """
    found = {}
    for label in ("real", "fake"):
        frames = _frames(record for record in records if record["label"] == label)
        reasons = Counter(filter(None, frames.values()))
        found[label] = {
            "frames": len(frames),
            "kept": len(frames) - reasons.total(),
            "dropped": dict(sorted(reasons.items())),
            "share": reasons.total() / len(frames) if frames else 0.0,
        }
    return found


def _frames(records: Iterable[Row]) -> dict[tuple[str, str], str]:
    """Why each frame gave no face, or "" where it gave one: a second person's is no loss."""
    found: dict[tuple[str, str], str] = {}
    for record in records:
        frame = record["video_id"], record["frame"]
        reason = "" if record["status"] == "kept" else record["reason"]
        if not reason or found.get(frame, ANOTHER) == ANOTHER:
            found[frame] = reason
    return found


def skew(found: dict[str, dict]) -> str:
    """A sentence where the classes lose different shares, as `count` found them, or ""."""
    real, fake = (found[label]["share"] for label in ("real", "fake"))
    if abs(real - fake) <= SKEW:
        return ""
    return (
        f"the classes lose different shares (real {real:.1%}, fake {fake:.1%}); "
        "scores may be biased"
    )
