"""The tables of what was followed in videos, and the correlations of their windows."""

from __future__ import annotations

import numpy as np

from deepfake.person import signals, windows
from deepfake.person.following import Followed
from deepfake.person.stream import Ending

FOLLOWED = (
    "video_id", "seconds", "pictures", "followed", "eye_distance", "stretches", "longest",
    "windows", "ended_by", "reason", "note",
)  # fmt: skip
STARTS = ("video_id", "start")  # a row a window, in the order of the correlations
TOO_SHORT = "too short"


def of_video(video_id: str, found: Followed, ending: Ending) -> tuple[dict, list, np.ndarray]:
    """A row of FOLLOWED, one of STARTS for each window, and their correlations, (windows, 190)."""
    times = [np.array(one.times) for one in found.stretches]
    longest = max((windows.lasts(one) for one in times), default=0.0)
    starts = [start for one in times for start in windows.starts(one)]
    rows = [
        windows.correlations(of, one.signals())
        for of, one in zip(times, found.stretches, strict=True)
        if len(windows.starts(of))
    ]
    row = {
        "video_id": video_id,
        "seconds": ending.seconds,
        "pictures": found.pictures,
        "followed": round(found.share, 4),
        "eye_distance": round(found.unit, 1),
        "stretches": len(found.stretches),
        "longest": round(longest, 3),
        "windows": len(starts),
        "ended_by": found.endings(),
        "reason": "" if starts else _too_short(longest, found) if found.pictures else ending.reason,
        "note": ending.reason if found.pictures else "",
    }
    found_rows = np.concatenate([np.empty((0, len(signals.PAIRS)), np.float32), *rows])
    return row, [{"video_id": video_id, "start": round(start, 3)} for start in starts], found_rows


def _too_short(longest: float, found: Followed) -> str:
    if not found.stretches:
        why = "more than one face in it" if found.several else "no face was found"
        return f"{TOO_SHORT}: {why}"
    ended = found.endings()
    return (
        f"{TOO_SHORT}: one face was followed for {longest:.1f} s at most, a window takes "
        f"{windows.SECONDS:g} s{f' ({ended})' if ended else ''}"
    )
