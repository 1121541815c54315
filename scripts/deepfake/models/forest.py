"""Random forests (Breiman 2001), grown by `trees` on threads, kept as node arrays.

The first 100 trees of a 2,000-tree forest are the 100-tree forest, so a grid over n_estimators
grows the largest forest once and scores its prefixes. A tree's random numbers come from the seed
and its own number, so trees may be grown in any order, anywhere.

Against scikit-learn: the same distribution of forests, other random numbers; a threshold is the
whole number below its midpoint, which judges bytes alike.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from deepfake.features.matrix import InMemoryMatrix, Matrix
from deepfake.models.bootstrap import drawn
from deepfake.models.layout import Layout, demand
from deepfake.models.registry import Fitted, Training

THRESHOLD = 0.5
NODES = {  # the arrays of a tree
    "feature": np.int32,
    "threshold": np.uint8,
    "left": np.int32,
    "right": np.int32,
    "fake_share": np.float64,
}
LAYOUTS: tuple[Layout, ...] = (
    {"first_node": ("int64", ("bounds",))}
    | {name: (np.dtype(dtype).name, ("nodes",)) for name, dtype in NODES.items()},
)
DEEPEST = 2**31
MANY, SHORT = 100_000, 5000  # more rows than these, of fewer bytes, are held in C order too
NEAR = 4096  # rows of a node whose bytes are copied there
COMPILING_PAYS = 10**7  # trees x rows to judge, above which it is worth its ten seconds

Tree = tuple[np.ndarray, ...]


def table_of(pixels: Matrix | InMemoryMatrix) -> np.ndarray:
    """Rows that are read beside their columns, uint8 (n, p), for `grow`; or none of them, (0, p).

    They pay where they are many and short: the nodes below one look at its bytes again and again.
    """
    count, length = pixels.shape
    if count > MANY and length <= SHORT:
        return pixels.take(np.arange(count))
    return np.empty((0, length), np.uint8)


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Mean share of fakes in the leaves of held-out rows, for each candidate."""
    columns, rows = training.pixels.mapped()
    table = table_of(training.pixels.at(train))
    families: dict[tuple, list[int]] = {}
    for position, candidate in enumerate(candidates):
        families.setdefault(_family(candidate), []).append(position)
    scores: list[np.ndarray] = [np.empty(0)] * len(candidates)
    for members in families.values():
        sizes = [candidates[member]["n_estimators"] for member in members]
        candidate, fake = candidates[members[0]], training.fake[train]
        numbers = range(max(sizes))
        grown = grow(candidate, columns, rows[train], fake, numbers, seed, threads, table)
        found = _prefixes(votes(columns, rows[held_out], grown), sizes)
        for member, values in zip(members, found, strict=True):
            scores[member] = values
    return scores


def score_votes(candidates: list[dict], parts: Iterable[np.ndarray]) -> list[np.ndarray]:
    """`score` of candidates that differ in n_estimators alone, from `votes` in the trees' order.

    Args:
        parts: float64 (trees, held out) each.
    """
    sizes = [candidate["n_estimators"] for candidate in candidates]
    return _prefixes(itertools.chain.from_iterable(parts), sizes)


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Grow a forest on all training rows."""
    columns, rows = training.pixels.mapped()
    settings = training.fake, range(candidate["n_estimators"]), seed, threads
    # The table is freed when all trees are grown, before they are joined.
    grown = grow(candidate, columns, rows, *settings, table_of(training.pixels))
    return join(candidate, [pack(grown)])


def pack(grown: Iterable[Tree]) -> dict[str, np.ndarray]:
    """Trees as arrays, as a bundle keeps them; there may be none."""
    parts: dict[str, list[np.ndarray]] = {name: [np.empty(0, NODES[name])] for name in NODES}
    first = [0]
    for tree in grown:
        first.append(first[-1] + len(tree[0]))
        for name, array in zip(NODES, tree, strict=True):
            parts[name].append(array)
    arrays = {name: np.concatenate(parts.pop(name)) for name in NODES}
    return arrays | {"first_node": np.array(first, np.int64)}


def join(candidate: dict, parts: Sequence[dict[str, np.ndarray]]) -> Fitted:
    """A forest of packed trees, in order.

    Raises:
        ValueError: they are not as many as the candidate says.
    """
    sizes = np.concatenate([np.diff(part["first_node"]) for part in parts])
    if len(sizes) != candidate["n_estimators"]:
        raise ValueError(f"{len(sizes)} trees were grown, not {candidate['n_estimators']}")
    arrays = dict(parts[0])
    if len(parts) > 1:
        arrays = {name: np.concatenate([part[name] for part in parts]) for name in NODES}
    arrays["first_node"] = np.cumsum([0, *sizes]).astype(np.int64)
    return Fitted("forest", candidate, arrays, threshold=THRESHOLD)


def decide(fitted: Fitted, matrix: Matrix | InMemoryMatrix) -> np.ndarray:
    """Mean over the trees of the share of fake rows in the leaf, float64 (n,)."""
    arrays = fitted.arrays
    inner = arrays["feature"] >= 0
    used, compact = np.unique(arrays["feature"][inner], return_inverse=True)
    feature = np.full(len(inner), -1, np.int32)
    feature[inner] = compact
    pixels = matrix.columns(used)
    first, rows = arrays["first_node"], np.arange(pixels.shape[1], dtype=np.uint32)
    trees = len(first) - 1
    if trees * len(rows) > COMPILING_PAYS:
        nodes = [feature, *(arrays[name] for name in list(NODES)[1:])]
        grown = (tuple(a[f:g] for a in nodes) for f, g in itertools.pairwise(first))
        said = votes(pixels, rows, grown)
    else:
        said = (arrays["fake_share"][_leaves(arrays, feature, pixels, f)] for f in first[:-1])
    return _prefixes(said, [trees])[0]


def grow(
    candidate: dict,
    columns: np.ndarray,
    rows: np.ndarray,
    fake: np.ndarray,
    numbers: Iterable[int],
    seed: int,
    threads: int = 1,
    table: np.ndarray | None = None,
) -> Iterator[Tree]:
    """Some trees of a forest, each the arrays of NODES, in the order of their numbers.

    Args:
        candidate: the forest's settings.
        columns: uint8 (p, n). rows: uint32 (m,) of n, ascending. fake: bool (m,).
        numbers: of the trees. seed: of the forest. table: see `table_of`.
    """
    from deepfake.models import (
        cuts,  # compiled, which a verdict need not wait for
        trees,  # compiled, which a verdict need not wait for
    )

    if table is None:
        table = np.empty((0, len(columns)), np.uint8)
    if len(rows) > cuts.MASK:
        raise ValueError(f"{len(rows)} training rows are more than a forest's {cuts.MASK}")
    settings = (
        drawn(candidate["max_samples"], len(rows)),
        _tried(candidate["max_features"], len(columns)),
        candidate["max_depth"] or DEEPEST,
        candidate["min_samples_split"],
        candidate["min_samples_leaf"],
        candidate["class_weight"] == "balanced",
        candidate["criterion"] == "entropy",
    )

    def one(number: int) -> Tree:
        seeds = np.uint64(seed), np.uint64(number)
        tree = trees.grow(columns, table, NEAR, rows, fake, *seeds, *settings)
        return tuple(array.copy() for array in tree)  # not views of arrays for the most nodes

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(one, numbers)


def votes(columns: np.ndarray, rows: np.ndarray, grown: Iterable[Tree]) -> Iterator[np.ndarray]:
    """What each tree says of some rows: share of fakes in the leaf, float64 (m,)."""
    from deepfake.models import trees

    for tree in grown:
        said = np.empty(len(rows))
        trees.vote(columns, rows, *tree, said)
        yield said


def _family(candidate: dict) -> tuple:
    """What the trees depend on; as text, since max_features 1 is one feature and 1.0 is all."""
    return tuple(repr(v) for name, v in sorted(candidate.items()) if name != "n_estimators")


def _tried(max_features: str | float, p: int) -> int:
    """How many features a node tries."""
    if isinstance(max_features, str):
        return max(1, int({"sqrt": math.sqrt, "log2": math.log2}[max_features](p)))
    if isinstance(max_features, float):
        return max(1, int(max_features * p))
    return min(max_features, p)


def _prefixes(said: Iterable[np.ndarray], sizes: Sequence[int]) -> list[np.ndarray]:
    """Mean of what the first so many trees say, for each of the sizes.

    Raises:
        ValueError: there are fewer trees.
    """
    kept: dict[int, np.ndarray] = {}
    total: np.ndarray | float = 0.0
    number = 0
    for number, one in enumerate(said, 1):
        total = total + one
        if number in sizes:
            kept[number] = total / number
    if max(sizes) not in kept:
        raise ValueError(f"{number} trees were grown, not {max(sizes)}")
    return [kept[size] for size in sizes]


def _leaves(
    arrays: dict[str, np.ndarray], feature: np.ndarray, pixels: np.ndarray, first: int
) -> np.ndarray:
    """The leaf of each row in the tree that starts at a node; pixels is (features used, n)."""
    nodes = np.full(pixels.shape[1], first, np.int64)
    going = np.flatnonzero(feature[nodes] >= 0)
    while going.size:
        at = nodes[going]
        goes_left = pixels[feature[at], going] <= arrays["threshold"][at]
        nodes[going] = first + np.where(goes_left, arrays["left"][at], arrays["right"][at])
        going = going[feature[nodes[going]] >= 0]
    return nodes


def check(arrays: dict[str, np.ndarray], length: int, record: dict) -> None:
    """Whether arrays and settings of a bundle fit each other: see `bundle_schema.check`."""
    first, nodes = arrays["first_node"], len(arrays["feature"])
    sizes = np.diff(first)
    demand(
        len(first) > 1
        and first[0] == 0
        and first[-1] == nodes
        and bool((first[1:] > first[:-1]).all()),  # the sizes of huge numbers wrap around
        "first_node does not cut the nodes into trees",
    )
    feature, share = arrays["feature"], arrays["fake_share"]
    demand(
        bool(((feature >= -1) & (feature < length)).all()),
        "a node uses an unknown feature",
    )
    demand(bool(((share >= 0) & (share <= 1)).all()), "a leaf's share is not between 0 and 1")
    inner = feature >= 0
    place = np.arange(nodes) - np.repeat(first[:-1], sizes)
    size = np.repeat(sizes, sizes)
    for name in ("left", "right"):
        child = arrays[name][inner]
        sound = (child > place[inner]) & (child < size[inner])
        demand(bool(sound.all()), f"a node's {name} child does not come after it in its tree")
