"""Made-up people for a person's model: a portrait whose movements are coupled in one of two ways.

scikit-image's `astronaut` (NASA, public domain) is warped: jaw, brows, corners of the mouth and the
head's roll. In person 0 the brows rise and the head turns with the jaw; in person 1 the brows fall
with the corners of the mouth, and the head turns against the jaw. How such people are distinguished
says nothing about real ones.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from skimage import data

SIDE = 320  # pixels of a square frame
LEFT, WIDTH = 100, 230  # of the portrait that is shown, in its pixels
JAW, BROWS, CORNERS = (224, 158), ((203, 92), (246, 92)), ((203, 140), (245, 140))
PIVOT = (224, 180)  # that the head rolls around
BEATS = 1.5  # changes of a movement's direction a second, about


def movements(seed: int, person: int, times: np.ndarray) -> np.ndarray:
    """Jaw, brows, corners of the mouth and roll at these times, float (n, 4), of deviation 1."""
    rng = np.random.default_rng([seed, person])
    at = BEATS * (times - times[0])

    def smooth() -> np.ndarray:
        knots = rng.normal(size=int(at[-1]) + 2)
        before, part = at.astype(int), at % 1
        part = part * part * (3 - 2 * part)
        return knots[before] * (1 - part) + knots[before + 1] * part

    jaw, corners, own = smooth(), smooth(), smooth()
    brows, roll = (jaw, corners) if person == 0 else (-corners, -jaw)
    mixed = [jaw, 0.9 * brows + 0.3 * corners, corners, 0.9 * roll + 0.3 * own]
    return np.column_stack(mixed)


def pictures(seed: int, person: int, times: np.ndarray, side: int = SIDE) -> Iterator[np.ndarray]:
    """The frames of a clip at these times in seconds, uint8 BGR (side, side, 3).

    Odd seeds are mirrored, and each seed has its own brightness.
    """
    portrait = data.astronaut()[:WIDTH, LEFT : LEFT + WIDTH, ::-1]
    portrait = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_CUBIC)
    portrait = np.clip(portrait * (0.85 + 0.05 * (seed % 6)), 0, 255).astype(np.uint8)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    scale = side / WIDTH

    def bump(place: tuple[int, int], across: float, down: float) -> np.ndarray:
        away = ((x / scale - place[0] + LEFT) / across) ** 2 + ((y / scale - place[1]) / down) ** 2
        return scale * np.exp(-away)

    jaw = bump(JAW, 32, 22)
    brows = sum(bump(place, 22, 9) for place in BROWS)
    left, right = (bump(place, 14, 12) for place in CORNERS)
    pivot = scale * (PIVOT[0] - LEFT), scale * PIVOT[1]
    for down, up, out, roll in movements(seed, person, times):
        warped = cv2.remap(
            portrait,
            (x + 2 * out * (left - right)).astype(np.float32),
            (y - 3 * down * jaw + 2 * up * brows).astype(np.float32),
            cv2.INTER_LINEAR,
        )
        turn = cv2.getRotationMatrix2D(pivot, 4 * roll, 1)
        frame = cv2.warpAffine(warped, turn, (side, side), borderMode=cv2.BORDER_REFLECT_101)
        yield np.ascontiguousarray(frame[:, ::-1]) if seed % 2 else frame
