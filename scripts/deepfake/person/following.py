"""Follow the one face of a video through its pictures: stretches without a cut, loss or other face.

The detector finds the face and looks again every second; in between the mesh follows its own box.
Identity is not checked: who is in the video, its user says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np

from deepfake.person import mesh, signals
from deepfake.person.mesh import Box, FaceMesh
from deepfake.preprocessing import faces, tracking
from deepfake.preprocessing.detector import Detector, Face

CHECK = 1.0  # seconds from one detection to the next, while a face is followed
SEARCH = 0.2  # the same while none is
THRESHOLDS = (0.6, 0.7, 0.8)  # of the detector, its own
DETECT_AT = 640  # longest side in pixels of the picture that is searched for faces
LEAST_CONFIDENCE = 0.9
ANOTHER = 0.5  # height of a second face that counts, in heights of the first
APART = 0.1  # least overlap of the followed face with a detected one, as intersection over union
LEAST_INTERVAL = 1 / 31  # seconds; of faster videos, pictures are left out
LONGEST_GAP = 0.25  # seconds between two pictures of a stretch
JUMP = 0.35  # of a face from one picture to the next, in sides of its box
THUMBNAIL = (32, 18)  # pixels, in which pictures are compared
CUT = 20.0  # grey levels by which these differ at least where there is a cut
CUT_TIMES = 4.0  # and so many times as much as lately
LATELY = 25  # pictures

CUTS, LOST, SEVERAL, GAP = "cut", "face lost", "more than one face", "pictures missing"


@dataclass
class Stretch:
    """A face that was followed without a break.

    Attributes:
        times: of its pictures, in seconds. points: of each, float (468, 3).
        ending: one of CUTS, LOST, SEVERAL, GAP; "" at the video's end.
    """

    times: list[float] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    ending: str = ""

    def signals(self) -> np.ndarray:
        """float (n, 20), see `signals.of_points`."""
        return signals.of_points(np.array(self.points))


@dataclass
class Followed:
    """What was followed of a video.

    Attributes:
        stretches: in order. pictures: that were read. without: where no face was found.
        several: pictures of a search that found more than one face.
    """

    stretches: list[Stretch] = field(default_factory=list)
    pictures: int = 0
    without: int = 0
    several: int = 0

    @property
    def share(self) -> float:
        """The share of the pictures in which a face was followed."""
        return sum(len(one.times) for one in self.stretches) / max(1, self.pictures)

    @property
    def unit(self) -> float:
        """The median distance of the inner eye corners, in pixels; 0.0 without a face."""
        left, right = signals.INNER_CORNERS
        found = [
            np.linalg.norm(points[left, :2] - points[right, :2])
            for one in self.stretches
            for points in one.points
        ]
        return float(np.median(found)) if found else 0.0

    def endings(self) -> str:
        """How often stretches ended by what, in words."""
        count = Counter(one.ending for one in self.stretches if one.ending)
        return ", ".join(f"{name}: {count[name]}" for name in sorted(count))


class Follower:
    """Follows the face of one video.

    Args:
        detector: finds faces. face_mesh: finds the points of one.
    """

    def __init__(self, detector: Detector, face_mesh: FaceMesh) -> None:
        self._detector, self._mesh = detector, face_mesh
        self._found = Followed()
        self._stretch: Stretch | None = None
        self._place: tuple[Box, float] | None = None  # where the face is looked for next
        self._searched = self._last = -np.inf  # times of the last detection and picture
        self._differences: list[float] = []
        self._thumbnail: np.ndarray | None = None

    def follow(self, pictures: Iterable[tuple[float, np.ndarray]]) -> Followed:
        """Follow the face through all pictures: times in seconds, uint8 BGR."""
        for time, picture in pictures:
            if time - self._last < LEAST_INTERVAL:
                continue
            if self._stretch and time - self._last > LONGEST_GAP:
                self._close(GAP)
            if self._is_cut(picture):
                self._close(CUTS)
                self._searched = -np.inf
            self._last = time
            self._found.pictures += 1
            if time - self._searched >= (CHECK if self._stretch else SEARCH):
                self._searched = time
                self._search(picture)
            if self._place:
                self._step(time, picture)
        self._close("")
        return self._found

    def _search(self, picture: np.ndarray) -> None:
        """Look for faces; start, end or leave the stretch accordingly."""
        found = self._faces(picture)
        if len(found) > 1:
            self._found.several += 1
            self._close(SEVERAL)
        elif not found:  # a turned head: while the mesh still has it, it is followed
            self._found.without += not self._stretch
        elif self._place and tracking.overlap(self._place[0], found[0].box) < APART:
            self._close(LOST)
        if len(found) == 1 and not self._place:
            self._place = self._settled(picture, found[0].box)

    def _faces(self, picture: np.ndarray) -> list[Face]:
        """The faces that count, the highest first."""
        seen, times = faces.shrink(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), DETECT_AT)
        found = [faces.grow(one, times, picture.shape) for one in self._detector.detect([seen])[0]]
        sure = [one for one in found if one.confidence >= LEAST_CONFIDENCE]
        sure.sort(key=lambda one: (-one.box[3], one.box))
        return [one for one in sure if one.box[3] >= ANOTHER * sure[0].box[3]]

    def _settled(self, picture: np.ndarray, box: Box) -> tuple[Box, float]:
        """Where the mesh itself sees a detected face; its boxes are not the detector's."""
        points, flag = self._mesh.points(picture, box)
        return mesh.place(points) if flag > 0 else (box, 0.0)

    def _step(self, time: float, picture: np.ndarray) -> None:
        """Find the points in a picture; the face may be gone."""
        points, flag = self._mesh.points(picture, *self._place)
        after = mesh.place(points)
        if flag <= 0 or (self._stretch and _moved(self._place[0], after[0]) > JUMP):
            self._close(LOST)
            return
        self._place = after
        if not self._stretch:
            self._stretch = Stretch()
            self._found.stretches.append(self._stretch)
        self._stretch.times.append(time)
        self._stretch.points.append(points)

    def _close(self, ending: str) -> None:
        if self._stretch:
            self._stretch.ending = ending
        self._stretch = self._place = None

    def _is_cut(self, picture: np.ndarray) -> bool:
        """Whether the picture differs from the last one by much more than pictures lately did."""
        small = cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA)
        before, self._thumbnail = self._thumbnail, small.astype(float)
        if before is None:
            return False
        difference = float(np.abs(self._thumbnail - before).mean())
        usual = float(np.median(self._differences)) if self._differences else 0.0
        is_cut = difference > max(CUT, CUT_TIMES * usual)
        self._differences = [] if is_cut else [*self._differences, difference][-LATELY:]
        return is_cut


def _moved(box: Box, after: Box) -> float:
    """How far a box moved or grew, in its own longer side."""
    way = [after[side] - box[side] + (after[side + 2] - box[side + 2]) / 2 for side in (0, 1)]
    grown = abs(max(after[2:]) - max(box[2:]))
    return float(max(np.hypot(*way), grown) / max(box[2:]))
