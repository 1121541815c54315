"""Inner products of rows, computed once for every model that needs nothing else of the pixels.

With 307,200 features and far fewer rows, a kernel machine or an L2-penalised linear model sees
the data only through the Gram matrix K = Z Z'. It is summed over column blocks: float32 products
(syrk), a float64 sum, never the whole matrix in memory. Of no more features than rows the products
are float64: K has null directions there, which must not be filled with what float32 rounds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models.standardise import EXACT, SHIFT, Scaler, deviation, moments, scale, tiles

FLOATS = 16 * 2**20  # float32 numbers of one standardised block, at most


@dataclass(frozen=True)
class Gram:
    """Inner products of n rows under one scaling.

    Attributes:
        products: float64 (n, n).
        p: number of features.
        varying: features that are not constant over the rows scaled by; None without scaling.
        sums: int64 (n,), each row's sum, without scaling; None with it.
    """

    products: np.ndarray
    p: int
    varying: int | None = None
    sums: np.ndarray | None = None

    @property
    def rank(self) -> int:
        """Most directions that the features can span."""
        return self.p if self.varying is None else self.varying

    @property
    def exact(self) -> bool:
        """Whether no float32 was rounded: without scaling, or of no more features than rows."""
        return self.varying is None or self.p <= len(self.products)

    def variance(self, rows: np.ndarray) -> float:
        """Variance of all scaled entries of the rows at these positions, as gamma="scale" needs.

        With scaling they must be the rows that the scaler was fitted on.
        """
        if self.sums is None:
            return self.varying / self.p
        count = len(rows) * self.p
        mean = int(self.sums[rows].sum()) / count
        return float(self.products.diagonal()[rows].sum()) / count - mean**2


def save(gram: Gram, products: str | Path, facts: str | Path) -> None:
    """Write a Gram matrix as .npy and what else belongs to it as JSON."""
    np.save(products, gram.products)
    sums = None if gram.sums is None else gram.sums.tolist()
    record = {"p": gram.p, "varying": gram.varying, "sums": sums}
    Path(facts).write_text(json.dumps(record) + "\n", encoding="utf-8")


def load(products: str | Path, facts: str | Path) -> Gram:
    """Read what `save` wrote."""
    record = json.loads(Path(facts).read_text(encoding="utf-8"))
    sums = None if record["sums"] is None else np.array(record["sums"], np.int64)
    loaded = np.load(products, allow_pickle=False)
    return Gram(loaded, record["p"], record["varying"], sums)


def load_all(
    scalings: list[str], files: dict[str, list[str]], candidates: list[dict]
) -> dict[str, Gram]:
    """Gram matrices by scaling, those that the candidates need.

    Args:
        scalings: of a job's files `products` and `facts`, in that order.
        candidates: settings of models; a forest's name no scaling, and landmarks need no matrix.
    """
    needed = {candidate.get("scaling") for candidate in candidates if "landmarks" not in candidate}
    pairs = zip(files.get("products", []), files.get("facts", []), strict=True)
    named = zip(scalings, pairs, strict=True)
    return {scaling: load(*pair) for scaling, pair in named if scaling in needed}


def compute(
    matrix: Matrix | InMemoryMatrix,
    scaling: str,
    fitted_on: np.ndarray | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> Gram:
    """Gram matrix of rows.

    Args:
        matrix: n rows.
        scaling: "standard", by mean and deviation of the rows `fitted_on`, or "none", which is
            exact: the same bits on every machine.
        fitted_on: positions among the rows that the scaler may look at; all by default.
        step: called with the number of features done since the last call.
    """
    if scaling == "none":
        return _exact(matrix, step)
    n, p = matrix.shape
    counted = np.ones(n, np.float32) if fitted_on is None else np.zeros(n, np.float32)
    counted[slice(None) if fitted_on is None else fitted_on] = 1
    kind = np.float64 if p <= n else np.float32  # see Gram.exact
    sums = Products(n, kind)
    varying = 0
    columns = min(p, max(1, FLOATS // n))
    buffer = np.empty((columns, n), kind)
    for _, block in matrix.blocks(columns):
        floats = buffer[: len(block)]
        for tile in tiles(block):
            shifted = block[tile] - SHIFT
            mean, variance = moments(shifted, counted)
            varying += int(np.count_nonzero(variance))
            floats[tile] = shifted
            scale(floats[tile], mean, deviation(variance))
        sums.add(floats)
        step(len(block))
    return Gram(sums.whole(), p, varying=varying)


class Products:
    """Sums Z Z' over column blocks: products of a kind, a float64 sum, the lower triangle by tiles.

    A tile fits in the processor's cache, so adding it costs little; its product with itself is
    a syrk.
    """

    ROWS = 512

    def __init__(self, n: int, kind: type = np.float32) -> None:
        self._sum = np.zeros((n, n))
        self._tile = np.empty(self.ROWS * n, kind)

    def add(self, floats: np.ndarray, weighted: np.ndarray | None = None) -> None:
        """Add the products of a block, of that kind and of shape (columns, n).

        Args:
            weighted: the same block, each of its rows times a number, for one side of the products.
        """
        n = floats.shape[1]
        weighted = floats if weighted is None else weighted
        for first in range(0, n, self.ROWS):
            own = slice(first, min(first + self.ROWS, n))
            for others in (slice(0, first), own):
                rows, columns = own.stop - first, others.stop - others.start
                tile = self._tile[: rows * columns].reshape(rows, columns)
                np.matmul(floats[:, own].T, weighted[:, others], out=tile)
                self._sum[own, others] += tile

    def multiply(self, factor: float) -> None:
        """Multiply the sum so far."""
        self._sum *= factor

    def lower(self) -> np.ndarray:
        """A copy of the sum, float64 (n, n), of which only the lower triangle holds."""
        return self._sum.copy()

    def whole(self) -> np.ndarray:
        """The symmetric sum, float64 (n, n)."""
        n = len(self._sum)
        for first in range(0, n, self.ROWS):
            last = min(first + self.ROWS, n)
            corner = np.tril(self._sum[first:last, first:last])
            self._sum[first:last, first:last] = corner + np.tril(corner, -1).T
            self._sum[first:last, last:] = self._sum[last:, first:last].T
        return self._sum


def _exact(matrix: Matrix | InMemoryMatrix, step: Callable[[int], None]) -> Gram:
    """Gram matrix of raw pixels; see `_shifted`."""
    n, p = matrix.shape
    products = Products(n)
    sums = np.zeros(n, np.int64)
    buffer = np.empty((EXACT, n), np.float32)
    for _, block in matrix.blocks(EXACT):
        products.add(np.subtract(block, SHIFT, out=buffer[: len(block)]))
        sums += block.sum(axis=0, dtype=np.int64)
        step(len(block))
    found = products.whole()
    _shift_back(found, sums, sums, p)
    return Gram(found, p, sums=sums)


def _shifted(block: np.ndarray) -> np.ndarray:
    """Pixels less 128: each partial sum of a block's products is an integer below 2**24."""
    return np.subtract(block, SHIFT, dtype=np.float32)


def _shift_back(products: np.ndarray, left: np.ndarray, right: np.ndarray, p: int) -> None:
    """Turn products (n, m) of shifted rows, whose sums are given, into those of raw rows.

    A few rows at a time: whole, what is added would take three times the products' memory.
    """
    for first in range(0, len(products), Products.ROWS):
        some = slice(first, first + Products.ROWS)
        products[some] += _shift(left[some, None] + right, p)


def _shift(sums: np.ndarray, p: int) -> np.ndarray:
    """By how much x'y is more than (x - 128)'(y - 128): 128 (s_x + s_y) - 128**2 p."""
    return 128.0 * sums - 128.0**2 * p


def cross(
    matrix: Matrix | InMemoryMatrix, others: Matrix | InMemoryMatrix, scaler: Scaler
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inner products of two sets of scaled rows, and all their squares; without scaling exact.

    Args:
        matrix: n rows. others: m rows with the same features.

    Returns:
        Products, float64 (n, m); the squared length of each row, float64 (n,) and (m,).
    """
    if scaler.mean is None:
        return _exact_cross(matrix, others)
    (n, p), (m, _) = matrix.shape, others.shape
    columns = max(1, min(p, FLOATS // (n + m)))
    result, left, right = np.zeros((n, m)), np.zeros(n), np.zeros(m)
    for (first, one), (_, other) in zip(
        matrix.blocks(columns), others.blocks(columns), strict=True
    ):
        one, other = scaler.apply(one, first), scaler.apply(other, first)
        result += one.T @ other
        _add_squares(one, left)
        _add_squares(other, right)
    return result, left, right


def _exact_cross(
    matrix: Matrix | InMemoryMatrix, others: Matrix | InMemoryMatrix
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    (n, p), (m, _) = matrix.shape, others.shape
    result, left, right = np.zeros((n, m)), np.zeros(n), np.zeros(m)
    left_sums, right_sums = np.zeros(n, np.int64), np.zeros(m, np.int64)
    pairs = zip(matrix.blocks(EXACT), others.blocks(EXACT), strict=True)
    for (_, one), (_, other) in pairs:
        left_sums += one.sum(axis=0, dtype=np.int64)
        right_sums += other.sum(axis=0, dtype=np.int64)
        one, other = _shifted(one), _shifted(other)
        result += one.T @ other
        _add_squares(one, left)
        _add_squares(other, right)
    _shift_back(result, left_sums, right_sums, p)
    left += _shift(2 * left_sums, p)
    right += _shift(2 * right_sums, p)
    return result, left, right


def _add_squares(floats: np.ndarray, total: np.ndarray) -> None:
    """Add the squared length of each column of a block, float32 (columns, n), to float64 (n,)."""
    for tile in tiles(floats, most=EXACT):
        total += np.square(floats[tile]).sum(axis=0)


def project(
    matrix: Matrix | InMemoryMatrix, scaler: Scaler, coefficients: np.ndarray
) -> np.ndarray:
    """Z' a: the weights, one a feature, of a combination of scaled rows, summed in float64.

    Args:
        coefficients: float64 (n,).

    Returns:
        float64 (p,).
    """
    weights = np.empty(matrix.shape[1])
    for first, block in matrix.blocks():
        for tile in tiles(block):
            part = slice(first + tile.start, first + tile.stop)
            weights[part] = block[tile].astype(np.float64) @ coefficients
    if scaler.mean is None:
        return weights
    return (weights - scaler.mean * coefficients.sum()) / scaler.scale


def dot(matrix: Matrix | InMemoryMatrix, weights: np.ndarray) -> np.ndarray:
    """X w of raw pixels, float64 (n,); `weights` float64 (p,)."""
    result = np.zeros(matrix.shape[0])
    for first, block in matrix.blocks():
        for tile in tiles(block):
            part = slice(first + tile.start, first + tile.stop)
            result += weights[part] @ block[tile].astype(np.float64)
    return result
