"""Frames that gave no face: how many of each class and why, and whether the classes differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from deepfake.tables import Row

SKEW = 0.02  # difference of the lost shares that is pointed out


def count(records: Sequence[Row]) -> dict[str, dict]:
    """What was lost of each class: frames, kept faces, dropped ones by reason, their share.

    Args:
        records: of every frame, kept or dropped, with its label.
    """
    found = {}
    for label in ("real", "fake"):
        mine = [record for record in records if record["label"] == label]
        reasons = Counter(record["reason"] for record in mine if record["status"] != "kept")
        found[label] = {
            "frames": len(mine),
            "kept": len(mine) - reasons.total(),
            "dropped": dict(sorted(reasons.items())),
            "share": reasons.total() / len(mine) if mine else 0.0,
        }
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


def lines(records: Sequence[Row]) -> list[str]:
    """What was lost of each class, in plain lines; a skew between the classes is pointed out."""
    found = count(records)
    told = []
    for label, mine in found.items():
        told.append(f"{label}: {mine['kept']} faces kept, {mine['frames'] - mine['kept']} dropped")
        told += [f"  {number} x {reason}" for reason, number in mine["dropped"].items()]
    return told + [f"warning: {what}" for what in [skew(found)] if what]
