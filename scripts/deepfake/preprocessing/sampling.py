"""Choose the frames of a video to sample.

The Snakefile needs this, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONG = 600  # seconds; in a longer clip a spread's frames are sought, not reached by decoding it all


@dataclass(frozen=True)
class Spread:
    """Frames spread evenly over a whole clip; its length is known only after decoding.

    Attributes:
        every: least distance between two of them, in frames.
        most: how many, at most.
    """

    every: int
    most: int

    def over(self, length: int) -> list[int]:
        """0-based indices in a clip of so many frames: the middle of each of equal parts.

        As Wang et al. 2016, "Temporal segment networks", place them; so a black first frame and a
        broken last one are left out.
        """
        count = min(self.most, max(1, length // self.every), length)
        return [(2 * number + 1) * length // (2 * count) for number in range(count)]


def wanted(every: int, per_video: int, span: str = "start") -> list[int] | Spread:
    """Which frames to take: 0-based indices 0, every, 2*every, ..., or a spread over the whole."""
    if span == "whole":
        return Spread(every, per_video)
    return [every * number for number in range(per_video)]


def most_bytes(count: int) -> int:
    """Bytes that so many encoded frames of one video may have; two jobs hold them in memory."""
    return (350 + 8 * count) * 2**20  # a frame of 4K in PNG has 10 MB


def covered(times: Sequence[float], fps: float, seconds: float) -> str:
    """How much of a clip its sampled frames show, in words; "" of no frame.

    Args:
        times: of the frames, in seconds, ascending. fps, seconds: of the clip; 0 where not known.
    """
    if not times:
        return ""
    count = "1 frame" if len(times) == 1 else f"{len(times)} frames"
    if not seconds:
        return f"{count}, of a clip of unknown length"
    gap = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
    if len(times) > 1 and times[-1] + gap >= seconds - 1 / (fps or 25):
        return f"{count} over {seconds:.1f} s"
    if times[0] > gap:
        return f"{count} at {times[0]:.1f} of {seconds:.1f} s"
    return f"{count} in the first {times[-1] + 1 / (fps or 25):.1f} of {seconds:.1f} s"
