"""Which faces of a clip are one person's: boxes that stay near each other from frame to frame.

By place alone, not by who looks alike: a cut from one person to another in the same place stays one
track, and who comes back elsewhere is a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the Snakefile imports this room, and NumPy is not for it
    from deepfake.detector import Face

MOST = 8  # tracks of a clip that are judged
# Frames may lie a second apart, so boxes are compared with room around them: Yang et al. 2023,
# "Hard to track objects with irregular motions and similar appearances? Make it easier by buffering
# the matching space". With these two, equal boxes may be 1.6 of their sides apart.
ROOM = 0.5  # added on each side, in boxes
NEAR = 0.1  # least intersection over union of such boxes
COAST = 2  # frames over which a track moves on as it did before

Box = tuple[float, float, float, float]
Seen = tuple[int, int, Box]  # position among the sampled frames, the frame's index, where


def number(
    frames: Sequence[int], found: Sequence[Sequence[Face]], usable: Sequence[Sequence[bool]]
) -> list[list[int]]:
    """Tell each face's track: 0 is in most frames; of equals the largest, then the first.

    Args:
        frames: indices of a clip's frames, ascending.
        found: the faces of each frame.
        usable: whether each may be used: only these count for the order.

    Returns:
        The track of each face of each frame, from 0 without a gap. No two faces of a frame are
        in one track.
    """
    linked = link(frames, found)
    size: dict[int, list[int]] = {}
    for faces, mine, good in zip(found, linked, usable, strict=True):
        for face, track, counts in zip(faces, mine, good, strict=True):
            size.setdefault(track, [0, 0])
            if counts:
                size[track][0] += 1
                size[track][1] += face.box[2] * face.box[3]
    order = sorted(size, key=lambda track: (-size[track][0], -size[track][1], track))
    place = {track: position for position, track in enumerate(order)}
    return [[place[track] for track in mine] for mine in linked]


def link(frames: Sequence[int], found: Sequence[Sequence[Face]]) -> list[list[int]]:
    """Tell each face's track, numbered as they appear; see `number`.

    The nearest pairs of tracks and faces are joined first: near to where the track should be if it
    moved on (people cross), else to where it was (heads nod). A track is never closed: a face that
    was not found for a while goes on where it was, unless it is that of a track seen since.
    """
    tracks: list[list[Seen]] = []
    linked = []
    for position, (frame, faces) in enumerate(zip(frames, found, strict=True)):
        pairs = []
        for track, seen in enumerate(tracks):
            lost = position - seen[-1][0] > COAST
            there = seen[-1][2]
            ahead = there if lost else _moved(seen, frame)
            for face, its in enumerate(faces):
                shared = tuple(overlap(box, its.box, ROOM) for box in (ahead, there))
                if max(shared) >= NEAR:
                    pairs.append((lost, -shared[0], -shared[1], track, face))
        mine: dict[int, int] = {}
        for *_, track, face in sorted(pairs):
            if face not in mine and track not in mine.values():
                mine[face] = track
        # new ones from left to right
        for face in sorted(set(range(len(faces))) - set(mine), key=lambda face: faces[face].box):
            mine[face] = len(tracks)
            tracks.append([])
        for face, track in mine.items():
            tracks[track].append((position, frame, faces[face].box))
        linked.append([mine[face] for face in range(len(faces))])
    return linked


def _moved(seen: Sequence[Seen], frame: int) -> Box:
    """Where a track should be in a frame, by its mean motion since it was first seen."""
    (_, first, start), (_, last, end) = seen[0], seen[-1]
    times = (frame - last) / (last - first) if last > first else 0.0
    ways = (end[side] - start[side] + (end[side + 2] - start[side + 2]) / 2 for side in (0, 1))
    right, down = (times * way for way in ways)
    return end[0] + right, end[1] + down, end[2], end[3]


def overlap(one: Box, other: Box, room: float = 0.0) -> float:
    """Intersection over union of two boxes (x, y, width, height), each grown on every side.

    Args:
        room: what is added on each side, as a share of the box's own sides.
    """
    both = 1.0
    for side in (0, 1):
        low = max(box[side] - room * box[side + 2] for box in (one, other))
        high = min(box[side] + (1 + room) * box[side + 2] for box in (one, other))
        both *= max(high - low, 0.0)
    areas = sum(box[2] * box[3] for box in (one, other)) * (1 + 2 * room) ** 2
    return both / (areas - both) if areas > both else float(both > 0)
