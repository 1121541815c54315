"""Kernels of support vector machines, and rows that new rows are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models import gram as grams
from deepfake.models import landmarks
from deepfake.models.standardise import Scaler

DEGREE = 3  # of the polynomial kernel (gamma z'z)**3, as in scikit-learn


def gamma_of(gamma: str | float, p: int, variance: float) -> float:
    """A number for gamma, of p features and the variance of all their entries."""
    if gamma == "scale":
        return 1.0 / (p * variance) if variance > 0 else 1.0
    return 1.0 / p if gamma == "auto" else float(gamma)


def values(
    kernel: str,
    products: np.ndarray,
    gamma: float | None,
    norms: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Kernel values from inner products; `norms` are the squared lengths of rows and columns."""
    if kernel == "linear":
        return products
    if kernel == "poly":
        return (gamma * products) ** DEGREE
    left, right = norms or (products.diagonal(), products.diagonal())
    distances = -2.0 * products
    distances += left[:, None]
    distances += right[None, :]
    np.maximum(distances, 0, out=distances)
    distances *= -gamma
    return np.exp(distances, out=distances)


class Vectors:
    """Rows that new rows are compared with.

    Args:
        vectors: uint8 (m, p). scaler: of rows. kernel, gamma: what compares them.
    """

    def __init__(
        self, vectors: np.ndarray, scaler: Scaler, kernel: str, gamma: float | None
    ) -> None:
        self.vectors, self.scaler, self.gamma = vectors, scaler, gamma
        self._kernel = kernel

    def kernel(self, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
        """Kernel values of rows, float64 (n, m)."""
        vectors = InMemoryMatrix(self.vectors)
        products, *norms = grams.cross(matrix, vectors, self.scaler)
        return values(self._kernel, products, self.gamma, norms)

    def values(self, matrix: Matrix | InMemoryMatrix, coefficients: np.ndarray) -> np.ndarray:
        """Kernel values of rows times coefficients (m, ...): float64 (n, ...)."""
        if 8 * matrix.shape[0] * len(self.vectors) <= landmarks.KERNEL_BYTES:
            return self.kernel(matrix) @ coefficients  # in one pass over its columns
        found = np.empty((matrix.shape[0], *coefficients.shape[1:]))
        for some, rows in landmarks.blocks(matrix, len(self.vectors)):
            found[some] = self.kernel(InMemoryMatrix(rows)) @ coefficients
        return found

    def arrays(self, coefficients: np.ndarray) -> dict[str, np.ndarray]:
        """What a bundle holds of them."""
        found = {"support_vectors": self.vectors, "dual_coefficients": coefficients}
        if self.scaler.mean is not None:
            found |= {"mean": self.scaler.mean, "scale": self.scaler.scale}
        return found
