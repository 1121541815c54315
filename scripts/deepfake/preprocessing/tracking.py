"""Link faces of a clip into tracks: boxes close to each other in consecutive frames.

Tracking uses position only, not identity: a cut from one person to another at the same position
stays one track, and a person who returns elsewhere is a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the Snakefile imports this module, which must not import NumPy
    from deepfake.preprocessing.detector import Face

# Frames may be a second apart, so boxes are compared with a margin around them: Yang et al. 2023,
# "Hard to track objects with irregular motions and similar appearances? Make it easier by buffering
# the matching space". With these two, equal boxes may be 1.6 of their sides apart.
MARGIN = 0.5  # added on each side, in boxes
LEAST_OVERLAP = 0.1  # least intersection over union of such boxes
COAST = 2  # frames over which a track's motion is continued

Box = tuple[float, float, float, float]
Position = tuple[int, int, Box]  # position among the sampled frames, the frame's index, the box


def number(
    frames: Sequence[int], found: Sequence[Sequence[Face]], usable: Sequence[Sequence[bool]]
) -> list[list[int]]:
    """The track of each face: 0 is in most frames; the largest of equals, then the first.

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
    for faces, tracks_of_frame, good in zip(found, linked, usable, strict=True):
        for face, track, counts in zip(faces, tracks_of_frame, good, strict=True):
            size.setdefault(track, [0, 0])
            if counts:
                size[track][0] += 1
                size[track][1] += face.box[2] * face.box[3]
    order = sorted(size, key=lambda track: (-size[track][0], -size[track][1], track))
    place = {track: position for position, track in enumerate(order)}
    return [[place[track] for track in tracks_of_frame] for tracks_of_frame in linked]


def link(frames: Sequence[int], found: Sequence[Sequence[Face]]) -> list[list[int]]:
    """The track of each face, numbered in order of appearance; see `number`.

    The nearest pairs of tracks and faces are joined first: near to the
    position that the track's motion predicts (people cross), else to its last position (heads nod).
    A track is never closed: a face that was not found for a while continues it at its last
    position, unless a more recent track is there.
    """
    tracks: list[list[Position]] = []
    linked = []
    for position, (frame, faces) in enumerate(zip(frames, found, strict=True)):
        pairs = []
        for track, positions in enumerate(tracks):
            interrupted = position - positions[-1][0] > COAST
            there = positions[-1][2]
            ahead = there if interrupted else _moved(positions, frame)
            for face, its in enumerate(faces):
                shared = tuple(overlap(box, its.box, MARGIN) for box in (ahead, there))
                if max(shared) >= LEAST_OVERLAP:
                    pairs.append((interrupted, -shared[0], -shared[1], track, face))
        tracks_of_frame: dict[int, int] = {}
        for *_, track, face in sorted(pairs):
            if face not in tracks_of_frame and track not in tracks_of_frame.values():
                tracks_of_frame[face] = track
        # new ones from left to right
        for face in sorted(
            set(range(len(faces))) - set(tracks_of_frame), key=lambda face: faces[face].box
        ):
            tracks_of_frame[face] = len(tracks)
            tracks.append([])
        for face, track in tracks_of_frame.items():
            tracks[track].append((position, frame, faces[face].box))
        linked.append([tracks_of_frame[face] for face in range(len(faces))])
    return linked


def _moved(positions: Sequence[Position], frame: int) -> Box:
    """The predicted box of a track in a frame, by its mean motion since its first frame."""
    (_, first, start), (_, last, end) = positions[0], positions[-1]
    times = (frame - last) / (last - first) if last > first else 0.0
    ways = (end[side] - start[side] + (end[side + 2] - start[side + 2]) / 2 for side in (0, 1))
    right, down = (times * shift for shift in ways)
    return end[0] + right, end[1] + down, end[2], end[3]


def overlap(one: Box, other: Box, margin: float = 0.0) -> float:
    """Intersection over union of two boxes (x, y, width, height), each grown on every side.

    Args:
        margin: added on each side, as a share of the box's own sides.
    """
    both = 1.0
    for side in (0, 1):
        low = max(box[side] - margin * box[side + 2] for box in (one, other))
        high = min(box[side] + (1 + margin) * box[side + 2] for box in (one, other))
        both *= max(high - low, 0.0)
    areas = sum(box[2] * box[3] for box in (one, other)) * (1 + 2 * margin) ** 2
    return both / (areas - both) if areas > both else float(both > 0)
