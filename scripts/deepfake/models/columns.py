"""Training rows in the columns of their feature set, for linear models of more rows than columns.

Nothing is n x n: the rows stay as they are and are read by `passes` in float64, on threads. Their
products are p x p. Those of bytes are sums of whole numbers, so they are exact, and are made once
for all candidates of a fold; where they only have to be near, they are made of some of the rows.
Sums over rows are the same with any number of threads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np

from deepfake.models.gram import Products
from deepfake.models.standardise import EXACT, SHIFT, deviation

log = logging.getLogger("deepfake")

ROWS = 1024  # of a pass' part, whose sums are one thread's
SYRK = 4096  # rows of a block whose products are taken
SAMPLE = 4  # rows a column of which `estimate` is made: their products are near those of all


class Table:
    """Rows as bytes, and the sums that every scaling of them is made of.

    Args:
        rows: uint8 (n, p), in C order.

    Attributes:
        sums, squares: of the rows less SHIFT and of their squares, float64 (p,): whole numbers.
    """

    def __init__(self, rows: np.ndarray) -> None:
        from deepfake.models import passes

        self.rows = rows
        self.sums, self.squares = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
        passes.moments(rows, int(SHIFT), self.sums, self.squares)
        self._known: dict[int | None, tuple[np.ndarray, np.ndarray, int]] = {}

    def products(self, most: int | None = None) -> tuple[np.ndarray, np.ndarray, int]:
        """Products of the rows less SHIFT, exact; the sums of those rows; how many they are.

        Args:
            most: of how many rows at most, drawn evenly; of all by default.
        """
        if most not in self._known:
            self._known[most] = self._products(_drawn(len(self.rows), most))
        return self._known[most]

    def _products(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
        products, sums = Products(self.rows.shape[1]), np.zeros(self.rows.shape[1])
        for first in range(0, len(chosen), EXACT):
            floats = self.rows[chosen[first : first + EXACT]] - SHIFT
            products.add(floats)
            sums += floats.sum(axis=0)
        return products.whole(), sums, len(chosen)


def _drawn(count: int, most: int | None) -> np.ndarray:
    """Positions of all of so many rows, or of some; ascending."""
    if most is None or count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


class Columns:
    """Scaled rows z = (x - offset) / scale with a 1 behind each, which the intercept multiplies.

    What a model looks for is one vector (p + 1,): the weights of z and the intercept. See `scaled`
    and `centred`.

    Args:
        rows: x, of any kind (n, p), in C order.
        offset, scale: float64 (p,).
        sums: gives, of so many rows at most, z'z, float64 (p, p), the sum of z, float64 (p,), and
            the number of these rows.
        threads: of a pass.

    Attributes:
        count: n. unknowns: p + 1.
    """

    def __init__(
        self,
        rows: np.ndarray,
        offset: np.ndarray,
        scale: np.ndarray,
        sums: Callable[[int | None], tuple[np.ndarray, np.ndarray, int]],
        threads: int = 1,
    ) -> None:
        self._rows, self._offset, self._scale, self._threads = rows, offset, scale, threads
        self._sums = sums
        self.count, self.unknowns = len(rows), rows.shape[1] + 1

    @cached_property
    def products(self) -> np.ndarray:
        """Products of all rows with the 1 behind each, float64 (p + 1, p + 1)."""
        return self._products(None)

    @cached_property
    def estimate(self) -> np.ndarray:
        """What `products` are about, from some of the rows: they take long to make of all."""
        most = int(SAMPLE * self.unknowns)
        return self.products if self.count <= most else self._products(most)

    def _products(self, most: int | None) -> np.ndarray:
        products, ones, count = self._sums(most)
        found = np.empty((self.unknowns, self.unknowns))
        found[:-1, :-1] = products
        found[-1, :-1] = found[:-1, -1] = ones
        found[-1, -1] = count
        if count < self.count:
            found *= self.count / count
        return found

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

        parts = self._each(len(chosen), work)
        return self._scaled(np.sum(parts, axis=0), of_chosen.sum())

    def bent(
        self, found: np.ndarray, curvature: np.ndarray, rows: np.ndarray, kind: type
    ) -> np.ndarray:
        """`values` of what was found, times their curvature, and `combined` of that, in one pass.

        Args:
            curvature: (m,), of the rows at positions `rows`, which are m and ascend: the others
                have none.
            kind: of the numbers that a part of the rows is calculated in.
        """
        from deepfake.models import passes

        weights = np.append(*self.raw(found)).astype(kind)
        curvature = curvature.astype(kind)

        def work(some: slice) -> np.ndarray:
            total = np.zeros(self.unknowns, kind)
            passes.bent(self._rows, rows[some], weights, curvature[some], total)
            return total

        total = np.sum(self._each(len(rows), work), axis=0, dtype=np.float64)
        return self._scaled(total[:-1], total[-1])

    def add_bent(self, hessian: Products, curvature: np.ndarray, rows: np.ndarray) -> None:
        """Add the products of some rows, each times its curvature, which may be below 0.

        Args:
            hessian: of (p + 1) columns, float64.
            curvature, rows: see `bent`.
        """
        p = len(self._scale)
        buffer = np.empty((2, min(len(rows), SYRK), p + 1))
        for first in range(0, len(rows), SYRK):
            some = slice(first, first + SYRK)
            floats, weighted = buffer[:, : len(rows[some])]
            np.subtract(self._rows[rows[some]], self._offset, out=floats[:, :p])
            floats[:, :p] /= self._scale
            floats[:, p] = 1.0
            np.multiply(floats, curvature[some, None], out=weighted)
            hessian.add(floats, weighted)

    def raw(self, found: np.ndarray) -> tuple[np.ndarray, float]:
        """Weights and intercept of what was found, float64 (p,) and one, for raw features."""
        weights = found[:-1] / self._scale
        return weights, float(found[-1] - weights @ self._offset)

    def _scaled(self, total: np.ndarray, ones: float) -> np.ndarray:
        """The sum of scaled rows (p + 1,), from that of raw ones and the sum of coefficients."""
        return np.append((total - ones * self._offset) / self._scale, ones)

    def _each(self, count: int, work: Callable[[slice], Any]) -> list:
        """What a function gives for each part of so many rows, in order."""
        parts = [slice(first, first + ROWS) for first in range(0, max(1, count), ROWS)]
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
    scale = np.ones(p)
    if scaling == "standard":
        scale = deviation((n * table.squares - table.sums**2) / n**2)
    is_centred = scaling == "standard" or free

    def sums(most: int | None) -> tuple[np.ndarray, np.ndarray, int]:
        inner, ones, count = table.products(most)
        if is_centred:
            inner = inner - np.outer(ones, ones / count)
            ones = np.zeros(p)
        else:
            inner = inner + 128.0 * np.add.outer(ones, ones)
            inner += 128.0**2 * count
            ones = ones + 128.0 * count
        inner /= scale
        inner /= scale[:, None]
        return inner, ones / scale, count

    offset = table.sums / n + 128 if is_centred else np.zeros(p)
    return Columns(table.rows, offset, scale, sums, threads)


def centred(rows: np.ndarray, threads: int = 1) -> Columns:
    """Rows of numbers, float32 (n, p), less their mean, for which a free intercept makes up."""
    p, mean = rows.shape[1], rows.mean(axis=0, dtype=np.float64)

    def sums(most: int | None) -> tuple[np.ndarray, np.ndarray, int]:
        chosen = _drawn(len(rows), most)
        products, ones = Products(p, np.float64), np.zeros(p)
        for first in range(0, len(chosen), SYRK):
            floats = rows[chosen[first : first + SYRK]] - mean
            products.add(floats)
            ones += floats.sum(axis=0)
        return products.whole(), ones, len(chosen)

    return Columns(rows, mean, np.ones(p), sums, threads)


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
