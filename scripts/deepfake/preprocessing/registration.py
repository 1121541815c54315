"""Registering a face to a template by the detector's five points. Not the template's pixels.

The template is SIDE x SIDE pixels, and the box of a face's outline in it is HULL: 1.18 times as
high as wide, as the detector's points are on faces that look into the camera. Their places in the
box are ours, but those of the mouth's corners: these are of figure 1 of Abdali, Vasilescu and
Papalexakis 2021, "Deepfake representation with multilinear regression".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SIDE = 128
HULL = (10, 0, 108, 128)  # x, y, width, height
# left eye, right eye, nose, left and right corner of the mouth: hundredths of the hull's box
POINTS = ((28, 24), (76, 24), (52, 48), (32, 71), (72, 71))
LEAST = 0.5  # share of the points' spread that the template must explain

Points = Sequence[tuple[float, float]]


def similarity(points: Points) -> tuple[complex, complex] | None:
    """Where the template lies in a picture: a pixel t = x + iy of it at a t + b.

    Least squares over the five points (Umeyama 1991, without reflection), in complex numbers.

    Args:
        points: x and y of each, in pixels of the picture, in the order of POINTS.

    Returns:
        a (scale and turn) and b; None where the points are no face's: not five, all in one place,
        or so that the template explains less than LEAST of their spread.
    """
    if len(points) != len(POINTS):
        return None
    left, top, width, height = HULL
    template = np.array([complex(x * width, y * height) / 100 for x, y in POINTS])
    template += complex(left - 0.5, top - 0.5)  # a pixel's number is that of its centre
    found = np.array([complex(x, y) for x, y in points])
    middles = template.mean(), found.mean()
    template -= middles[0]
    found -= middles[1]
    spread, own = np.vdot(found, found).real, np.vdot(template, template).real
    scale = complex(np.vdot(template, found)) / own
    if not spread or abs(scale) ** 2 * own < LEAST * spread:
        return None
    return scale, complex(middles[1] - scale * middles[0])
