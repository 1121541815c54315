"""Training rows in the columns of their feature set, for linear models of more rows than columns.

Nothing is n x n: the rows stay as they are and are read by `passes` in float64, on threads, and
their products are p x p. Those of bytes are sums of whole numbers, so they are exact, and are made
once for all candidates of a fold. Sums over rows are the same with any number of threads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from deepfake.models.gram import Products
from deepfake.models.standardise import EXACT, SHIFT, deviation

log = logging.getLogger("deepfake")

ROWS = 1024  # of a pass' part, whose sums are one thread's
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
        threads: of a pass.

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
        threads: int = 1,
    ) -> None:
        self._rows, self._offset, self._scale, self._threads = rows, offset, scale, threads
        self.count, p = rows.shape
        self.products = np.empty((p + 1, p + 1))
        self.products[:p, :p] = products
        self.products[p, :p] = self.products[:p, p] = ones
        self.products[p, p] = self.count

    def values(self, found: np.ndarray) -> np.ndarray:
        """Weights and intercept (p + 1,) applied to each row: float64 (n,)."""
        from deepfake.models import passes

        (weights, added), result = self.raw(found), np.empty(self.count)
        every = np.arange(self.count)

        def work(some: slice) -> None:
            passes.values(self._rows, every[some], weights, result[some])

        self._each(self.count, work)
        return result + added

    def combined(self, coefficients: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """The sum of (some) rows (p + 1,), each times its coefficient (n,)."""
        from deepfake.models import passes

        chosen = np.arange(self.count) if rows is None else rows
        of_chosen = coefficients[chosen]

        def work(some: slice) -> np.ndarray:
            total = np.zeros(len(self._scale))
            passes.combined(self._rows, chosen[some], of_chosen[some], total)
            return total

        return self._scaled(self._each(len(chosen), work), of_chosen.sum())

    def bent(
        self, found: np.ndarray, curvature: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """In one pass `values` of what was found, and `combined` of them times their curvature.

        Args:
            curvature: float64 (m,), of the rows at positions `rows`, which are m and ascend: the
                others have none.
        """
        from deepfake.models import passes

        (weights, added), values = self.raw(found), np.empty(len(rows))

        def work(some: slice) -> np.ndarray:
            total = np.zeros(len(weights))
            chosen = self._rows, rows[some], weights, added, curvature[some], values[some]
            passes.bent(*chosen, total)
            return total

        totals = self._each(len(rows), work)
        return values, self._scaled(totals, curvature @ values)

    def hessian(self, curvature: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Products of some rows, each times its curvature: float64 (p + 1, p + 1); see `bent`."""
        p, root = len(self._scale), np.sqrt(curvature)
        products = Products(p + 1, np.float64)
        buffer = np.empty((min(len(rows), SYRK), p + 1))
        for first in range(0, len(rows), SYRK):
            some = slice(first, first + SYRK)
            floats = buffer[: len(rows[some])]
            np.subtract(self._rows[rows[some]], self._offset, out=floats[:, :p])
            floats[:, p] = 1.0
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

    def _scaled(self, totals: list[np.ndarray], ones: float) -> np.ndarray:
        """The sum of scaled rows (p + 1,), from sums of raw ones and the sum of coefficients."""
        total = np.sum(totals, axis=0) if totals else np.zeros(len(self._scale))
        return np.append((total - ones * self._offset) / self._scale, ones)

    def _each(self, count: int, work: Callable[[slice], Any]) -> list:
        """What a function gives for each part of so many rows, in order."""
        parts = [slice(first, first + ROWS) for first in range(0, count, ROWS)]
        if self._threads == 1 or len(parts) == 1:
            return [work(part) for part in parts]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(work, parts))


def scaled(table: Table, scaling: str, free: bool, threads: int = 1) -> Columns:
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
    products = inner / scale / scale[:, None]
    return Columns(table.rows, offset, scale, products, ones / scale, threads)


def centred(rows: np.ndarray, threads: int = 1) -> Columns:
    """Rows of numbers, float32 (n, p), less their mean, for which a free intercept makes up."""
    p = rows.shape[1]
    products, mean = Products(p, np.float64), rows.mean(axis=0, dtype=np.float64)
    for first in range(0, len(rows), SYRK):
        products.add(rows[first : first + SYRK] - mean)
    return Columns(rows, mean, np.ones(p), products.whole(), np.zeros(p), threads)


def solve(
    candidates: list[dict],
    rows: np.ndarray,
    solver: Callable[[int, dict, Columns], np.ndarray],
    threads: int = 1,
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
            known[key] = scaled(table, *key, threads)
        yield known[key].raw(solver(place, candidate, known[key]))
