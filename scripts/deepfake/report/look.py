"""Which pixels of a face a model uses: its weights, as a picture over the face."""

from __future__ import annotations

import numpy as np

from deepfake.models.registry import Fitted

BLUR = 1 / 64  # standard deviation of the smoothing, in sides of the face


def importance(fitted: Fitted, length: int) -> np.ndarray | None:
    """How much each feature moves the score, float64 (length,).

    Linear models: the weight, above 0 towards fake. Forests: the probability
    that a row which goes left or right with equal chance meets a decision on the feature, so 1 at
    a root; it has no direction. A kernel SVM has no weight of a pixel: None.
    """
    arrays = fitted.arrays
    if "weights" in arrays:
        return arrays["weights"]
    if "first_node" not in arrays:
        return None
    found = np.zeros(length)
    first, weight = arrays["first_node"][:-1], 1.0
    nodes = first
    while nodes.size:
        inner = arrays["feature"][nodes] >= 0
        first, nodes = first[inner], nodes[inner]
        np.add.at(found, arrays["feature"][nodes], weight)
        nodes = np.concatenate([first + arrays["left"][nodes], first + arrays["right"][nodes]])
        first, weight = np.concatenate([first, first]), weight / 2
    return found


def picture(weights: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The weights over a grey face: red towards fake, blue towards real, uint8 RGB.

    Args:
        weights: float (size * size * 3,). face: uint8 RGB of shape (size, size, 3).
    """
    import cv2

    size = face.shape[0]
    by_pixel = weights.reshape(size, size, 3).sum(axis=2)
    smooth = cv2.GaussianBlur(by_pixel, (0, 0), size * BLUR)
    most = np.quantile(np.abs(smooth), 0.995) or 1.0
    strength = np.clip(np.abs(smooth) / most, 0, 1)[:, :, None]
    colour = np.where(smooth[:, :, None] > 0, (230.0, 40.0, 60.0), (30.0, 120.0, 230.0))
    grey = face.mean(axis=2, keepdims=True) * 0.6 + 70
    return np.round(grey * (1 - 0.85 * strength) + colour * 0.85 * strength).astype(np.uint8)
