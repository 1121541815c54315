"""Passes over rows of bytes or of float32 numbers, compiled: their products with one vector.

A row is read once and stays in the processor's cache until the next, so a pass takes the time of
reading bytes; nothing is converted in memory. Sums are float64 unless said, and inside a row taken
in the order that suits the processor, as in BLAS.

Nothing here checks its arguments.
"""

from __future__ import annotations

import numpy as np
from numba import njit

compiled = njit(
    nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"}, inline="never"
)


@compiled
def values(rows, chosen, weights, result):
    """The product of each chosen row with the weights, into `result`."""
    for place in range(len(chosen)):
        row, value = rows[chosen[place]], 0.0
        for column in range(len(weights)):
            value += row[column] * weights[column]
        result[place] = value


@compiled
def combined(rows, chosen, coefficients, total):
    """Add the chosen rows, each times its coefficient, to `total`."""
    for place in range(len(chosen)):
        coefficient = coefficients[place]
        if coefficient != 0.0:
            row = rows[chosen[place]]
            for column in range(len(total)):
                total[column] += coefficient * row[column]


@compiled
def bent(rows, chosen, weights, curvature, total):
    """`values`, times their curvature, and `combined` of that, in one pass.

    Each row has a 1 behind its last column, as weights and the total have one more. Both are
    float32 or float64, and so are the sums.
    """
    width = rows.shape[1]
    for place in range(len(chosen)):
        row, value = rows[chosen[place]], weights[width]
        for column in range(width):
            value += row[column] * weights[column]
        coefficient = curvature[place] * value
        for column in range(width):
            total[column] += coefficient * row[column]
        total[width] += coefficient


@compiled
def lengths(rows, offset, factor, result):
    """The squared length of each row, less an offset and times a factor a column."""
    for place in range(len(rows)):
        row, length = rows[place], 0.0
        for column in range(len(offset)):
            value = (row[column] - offset[column]) * factor[column]
            length += value * value
        result[place] = length


@compiled
def moments(rows, shift, sums, squares):
    """Add the rows of bytes less a whole number, and their squares, to sums a column."""
    total, power = np.zeros(len(sums), np.int64), np.zeros(len(sums), np.int64)
    for place in range(len(rows)):
        row = rows[place]
        for column in range(len(sums)):
            value = np.int64(row[column]) - shift
            total[column] += value
            power[column] += value * value
    for column in range(len(sums)):
        sums[column] += total[column]
        squares[column] += power[column]
