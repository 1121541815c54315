"""Training rows in the columns of their feature set, for linear models of more rows than columns.

Nothing is n x n: the rows stay bytes, are read by passes in float64, a block at a time, and their
products are p x p. Those are sums of whole numbers, so they are exact, and are made once for all
candidates of a fold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from deepfake.models.gram import Products
from deepfake.models.standardise import EXACT, SHIFT, deviation

ROWS = 512  # rows of a block: of 3,328 columns they are 13 MB as float64
TAKEN = "%d rows are solved in their %d columns, without a Gram matrix"
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

    What a model looks for is one vector (p + 1,): the weights of z and the intercept.

    Args:
        table: n rows of p columns.
        scaling: "standard", by mean and deviation of these rows, or "none".
        centred: whether the mean is taken off in any case, which a free intercept makes up for.

    Attributes:
        products: float64 (p + 1, p + 1), of those rows.
    """

    def __init__(self, table: Table, scaling: str, centred: bool) -> None:
        self._rows = table.rows
        self.count, p = table.rows.shape
        n = self.count
        mean = table.sums / n
        self._scale = np.ones(p)
        if scaling == "standard":
            squares = n * table.products.diagonal() - table.sums**2
            self._scale = deviation(squares / n**2)
        if scaling == "standard" or centred:
            self._offset = mean + 128
            inner = table.products - np.outer(table.sums, table.sums / n)
            ones = np.zeros(p)
        else:
            self._offset = np.zeros(p)
            ones = table.sums + 128.0 * n
            inner = table.products + 128.0 * np.add.outer(table.sums, table.sums) + 128.0**2 * n
        self.products = np.empty((p + 1, p + 1))
        self.products[:p, :p] = inner / self._scale / self._scale[:, None]
        self.products[p, :p] = self.products[:p, p] = ones / self._scale
        self.products[p, p] = n

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
    table, known = Table(rows), {}
    for place, candidate in enumerate(candidates):
        key = candidate["scaling"], candidate.get("intercept") != "penalised"
        if key not in known:
            known[key] = Columns(table, *key)
        yield known[key].raw(solver(place, candidate, known[key]))
