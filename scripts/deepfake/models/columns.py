"""Training rows in the columns of their feature set, for linear models of more rows than columns.

Nothing is n x n: the rows stay as they are, are read by passes in float64, a block at a time, and
their products are p x p. Those of bytes are sums of whole numbers, so they are exact, and are made
once for all candidates of a fold.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import numpy as np

from deepfake.models.gram import Products
from deepfake.models.standardise import EXACT, SHIFT, deviation

log = logging.getLogger("deepfake")

ROWS = 512  # rows of a block: of 3,328 columns they are 13 MB as float64
SYRK = 4096  # rows of a block whose products are taken


class Table:
    """Rows as bytes, and the sums that every scaling of them is made of.

    Args:
        rows: uint8 (n, p), in C order.

    Attributes:
        products: float64 (p, p), sums: float64 (p,), of the rows less SHIFT: whole numbers.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows
        products, self.sums = Products(rows.shape[1]), np.zeros(rows.shape[1])
        for first in range(0, len(rows), EXACT):
            floats = rows[first : first + EXACT] - SHIFT
            products.add(floats)
            self.sums += floats.sum(axis=0)
        self.products = products.whole()


class Columns:
    """Scaled rows z = (x - offset) / scale with a 1 behind each, which the intercept multiplies.

    What a model looks for is one vector (p + 1,): the weights of z and the intercept. See `scaled`
    and `centred`.

    Args:
        rows: x, of any kind (n, p), in C order.
        offset, scale: float64 (p,).
        products: z'z, float64 (p, p). ones: the sum of all z, float64 (p,).

    Attributes:
        products: float64 (p + 1, p + 1), with the 1 behind each row.
    """

    def __init__(
        self,
        rows: np.ndarray,
        offset: np.ndarray,
        scale: np.ndarray,
        products: np.ndarray,
        ones: np.ndarray,
    ) -> None:
        self._rows, self._offset, self._scale = rows, offset, scale
        self.count, p = rows.shape
        self.products = np.empty((p + 1, p + 1))
        self.products[:p, :p] = products
        self.products[p, :p] = self.products[:p, p] = ones
        self.products[p, p] = self.count

    def values(self, found: np.ndarray) -> np.ndarray:
        """Weights and intercept (p + 1,) applied to each row: float64 (n,)."""
        weights, result = found[:-1] / self._scale, np.empty(len(self._rows))
        for some, floats in self._blocks():
            result[some] = floats @ weights
        return result + found[-1]

    def combined(self, coefficients: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """The sum of (some) rows (p + 1,), each times its coefficient (n,)."""
        some_of = coefficients if rows is None else coefficients[rows]
        return self._unscaled(lambda some, floats: some_of[some], rows)

    def bent(
        self, found: np.ndarray, curvature: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """In one pass `values` of what was found, and `combined` of them times their curvature.

        Args:
            curvature: float64 (m,), of the rows at positions `rows`, which are m and ascend: the
                others have none.
        """
        weights, values = found[:-1] / self._scale, np.empty(len(rows))

        def coefficients(some: slice, floats: np.ndarray) -> np.ndarray:
            values[some] = floats @ weights + found[-1]
            return curvature[some] * values[some]

        total = self._unscaled(coefficients, rows)
        return values, total

    def hessian(self, curvature: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Products of some rows, each times its curvature: float64 (p + 1, p + 1); see `bent`."""
        p = len(self._scale)
        products, root = Products(p + 1, np.float64), np.sqrt(curvature)
        for some, floats in self._blocks(SYRK, constant=True, rows=rows):
            floats *= root[some, None]
            products.add(floats)
        whole, scale = products.whole(), np.append(self._scale, 1.0)
        whole /= scale
        whole /= scale[:, None]
        return whole

    def raw(self, found: np.ndarray) -> tuple[np.ndarray, float]:
        """Weights and intercept of what was found, float64 (p,) and one, for raw features."""
        weights = found[:-1] / self._scale
        return weights, float(found[-1] - weights @ self._offset)

    def _unscaled(
        self,
        coefficients: Callable[[slice, np.ndarray], np.ndarray],
        rows: np.ndarray | None = None,
    ) -> np.ndarray:
        total = np.zeros(len(self._scale) + 1)
        for some, floats in self._blocks(rows=rows):
            part = coefficients(some, floats)
            total[:-1] += part @ floats
            total[-1] += part.sum()
        total[:-1] /= self._scale
        return total

    def _blocks(
        self, count: int = ROWS, constant: bool = False, rows: np.ndarray | None = None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield (some) rows less the offset, float64 (m, p), perhaps with the constant behind them.

        The array is overwritten by the next one.
        """
        n, p = self._rows.shape
        if rows is not None and len(rows) == n:
            rows = None
        n = n if rows is None else len(rows)
        buffer = np.ones((min(n, count), p + constant))
        for first in range(0, n, count):
            some = slice(first, min(first + count, n))
            floats = buffer[: some.stop - first]
            taken = self._rows[some if rows is None else rows[some]]
            np.subtract(taken, self._offset, out=floats[:, :p])
            if constant:
                floats[:, p] = 1.0
            yield some, floats


def scaled(table: Table, scaling: str, free: bool) -> Columns:
    """Rows of bytes as a candidate scales them.

    Args:
        scaling: "standard", by mean and deviation of these rows, or "none".
        free: whether the intercept is free: then the mean is taken off in any case, for which the
            intercept makes up.
    """
    n, p = len(table.rows), len(table.sums)
    mean, scale = table.sums / n, np.ones(p)
    if scaling == "standard":
        squares = n * table.products.diagonal() - table.sums**2
        scale = deviation(squares / n**2)
    if scaling == "standard" or free:
        offset, ones = mean + 128, np.zeros(p)
        inner = table.products - np.outer(table.sums, table.sums / n)
    else:
        offset, ones = np.zeros(p), table.sums + 128.0 * n
        inner = table.products + 128.0 * np.add.outer(table.sums, table.sums) + 128.0**2 * n
    return Columns(table.rows, offset, scale, inner / scale / scale[:, None], ones / scale)


def centred(rows: np.ndarray) -> Columns:
    """Rows of numbers, float32 (n, p), less their mean, for which a free intercept makes up."""
    p = rows.shape[1]
    products, mean = Products(p, np.float64), rows.mean(axis=0, dtype=np.float64)
    for first in range(0, len(rows), SYRK):
        products.add(rows[first : first + SYRK] - mean)
    return Columns(rows, mean, np.ones(p), products.whole(), np.zeros(p))


def solve(
    candidates: list[dict],
    rows: np.ndarray,
    solver: Callable[[int, dict, Columns], np.ndarray],
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield weights (p,) and an intercept of raw features for each candidate.

    Args:
        rows: uint8 (n, p), to learn from.
        solver: gives weights and intercept (p + 1,) of a candidate, from its place, its settings
            and the rows as it scales them.
    """
    log.info("%d rows are solved in their %d columns, without a Gram matrix", *rows.shape)
    table, known = Table(rows), {}
    for place, candidate in enumerate(candidates):
        key = candidate["scaling"], candidate.get("intercept") != "penalised"
        if key not in known:
            known[key] = scaled(table, *key)
        yield known[key].raw(solver(place, candidate, known[key]))
