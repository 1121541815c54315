"""One decision tree on bytes: growing it and running rows down it, compiled. Not what a forest is.

Nothing here checks its arguments, and a tree's arrays must be sound: there are no bounds checks.
"""

from __future__ import annotations

import numpy as np
from numba import config, njit, types

from deepfake.models import cuts
from deepfake.models.cuts import (
    FEW,
    FIELD,
    HOW,
    WIDTH,
    below,
    compiled,
    fake_of,
    next_,
    real_of,
    xlogx,
)

TILE = 64  # rows turned into columns at once
LEAST_COPIED = 64  # rows of a node that is copied: for fewer it takes longer than it saves
KEPT = bool(config.CACHE_DIR)  # see `numba_cache`; elsewhere nothing is left behind
COLUMNS = types.Array(types.uint8, 2, "C", readonly=True)
ROWS = types.uint32[::1]
TREE = (types.int32[::1], types.uint8[::1], types.int32[::1], types.int32[::1], types.float64[::1])
# fmt: off
GROW = types.Tuple(TREE)(
    COLUMNS, COLUMNS, types.int64, ROWS, types.boolean[::1], types.uint64, types.uint64,
    types.int64, types.int64, types.int64, types.int64, types.int64, types.boolean, types.boolean,
)
# fmt: on
VOTE = types.void(COLUMNS, ROWS, *TREE, types.float64[::1])


@compiled
def generator(seed, tree):
    """The state of a tree's own random numbers."""
    state = np.array([seed], np.uint64)
    state[0] = next_(state) ^ tree
    state[0] = next_(state)
    return state


@compiled
def bootstrap(fake, drawn, balanced, state):
    """How often each of m rows is drawn when so many are drawn with replacement, int64 (m,).

    Balanced, each draw is from either class alike: as scikit-learn 1.9 weighs classes.
    """
    m = len(fake)
    times = np.zeros(m, np.int64)
    classes = np.flatnonzero(~fake), np.flatnonzero(fake)
    if not balanced or min(len(classes[0]), len(classes[1])) == 0:
        for _ in range(drawn):
            times[below(state, m)] += 1
    else:
        for _ in range(drawn):
            rows = classes[below(state, 2)]
            times[rows[below(state, len(rows))]] += 1
    return times


@compiled
def copy(table, rows, chosen, columns):
    """Put rows of a table into columns (p, k): those at the places of the chosen ones in `rows`."""
    places = np.searchsorted(rows, chosen).astype(np.uint32)
    for first in range(0, len(chosen), TILE):
        last = min(first + TILE, len(chosen))
        for feature in range(len(columns)):
            column = columns[feature]
            for i in range(first, last):
                column[i] = table[places[i], feature]


@compiled
def divide(column, cut, start, end, kept, cells, other_rows, other_cells):
    """Put a node's rows up to a cut before the others; where these begin. Rows stay ascending."""
    middle, others = start, 0
    for i in range(start, end):
        if column[kept[i]] <= cut:
            kept[middle], cells[middle] = kept[i], cells[i]
            middle += 1
        else:
            other_rows[others], other_cells[others] = kept[i], cells[i]
            others += 1
    kept[middle:end], cells[middle:end] = other_rows[:others], other_cells[:others]
    return middle


@njit(GROW, **HOW, cache=KEPT)
def grow(
    columns,
    table,
    near,
    rows,
    fake,
    seed,
    tree,
    drawn,
    tried,
    depth,
    fewest,
    least,
    balanced,
    entropy,
):
    """Grow one tree on a bootstrap of rows.

    Args:
        columns: uint8 (p, n).
        table: uint8 (m, p), the training rows again, each p bytes in a row, or (0, p).
        near: a node of at most so many rows is copied from the table, for itself and all below it:
            in few columns that are near each other the memory's latency is no limit.
        rows: uint32 (m,), the training rows, ascending. fake: bool (m,), their labels.
        seed, tree: uint64, which alone decide the random numbers.
        drawn: rows of the bootstrap. tried: features tried at a node. depth: of the deepest leaf.
        fewest: rows of a node to be split. least: rows of a leaf; rows drawn twice count once, as
            in scikit-learn.
        balanced: whether both classes are drawn alike.
        entropy: whether splits are chosen by entropy, not by Gini impurity.

    Returns:
        feature int32 (-1 in a leaf), threshold uint8, left and right int32, fake_share float64, a
        number a node; each node before its children, the left subtree before the right one.
    """
    state = generator(seed, tree)
    m = len(rows)
    times = bootstrap(fake, drawn, balanced, state)
    kept, cells = np.empty(m, np.uint32), np.empty(m, np.int64)
    count = 0
    for i in range(m):
        if times[i]:
            kept[count] = rows[i]
            cells[count] = (times[i] << (FIELD if fake[i] else 0)) + (1 << (2 * FIELD))
            count += 1
    most = 2 * count - 1
    feature, threshold = np.full(most, -1, np.int32), np.zeros(most, np.uint8)
    left, right = np.full(most, -1, np.int32), np.full(most, -1, np.int32)
    share = np.empty(most)
    features = np.arange(len(columns), dtype=np.int32)
    room = (
        np.zeros((WIDTH, 256), np.int64),
        np.empty(16, np.int64),
        np.empty(256, np.int64),
        np.empty(256),
        np.empty(FEW, np.int32),
        np.empty(FEW, np.int32),
        xlogx(drawn if entropy else 0),
    )
    other_rows, other_cells = np.empty(count, np.uint32), np.empty(count, np.int64)
    stack = np.empty((count + 1, 4), np.int64)  # start, end, depth, node it is the right child of
    stack[0] = 0, count, 0, -1
    waiting, nodes = 1, 0
    p, near = len(columns), near if len(table) else 0
    room_near = np.empty(p * near, np.uint8)
    copied, until = room_near[:0].reshape(p, 0), 0  # a node's columns; where its rows end
    while waiting:
        waiting -= 1
        start, end, level, parent = stack[waiting]
        node = nodes
        nodes += 1
        if parent >= 0:
            right[parent] = node
        total = cells[start:end].sum()
        r, f = real_of(total), fake_of(total)
        share[node] = f / (r + f)
        if r == 0 or f == 0 or level >= depth or end - start < max(fewest, 2 * least):
            continue
        if start >= until and LEAST_COPIED < end - start <= near:
            copied, until = room_near[: p * (end - start)].reshape(p, end - start), end
            copy(table, rows, kept[start:end], copied)
            kept[start:end] = np.arange(end - start)
        some = kept[start:end], cells[start:end], features, state, tried, least, entropy, room
        if start < until:
            found, cut, _ = cuts.split(copied, *some)
        else:
            found, cut, _ = cuts.split(columns, *some)
        if found < 0:
            continue
        feature[node], threshold[node], left[node] = found, cut, nodes
        column = copied[found] if start < until else columns[found]
        middle = divide(column, cut, start, end, kept, cells, other_rows, other_cells)
        stack[waiting] = middle, end, level + 1, node
        stack[waiting + 1] = start, middle, level + 1, -1
        waiting += 2
    return feature[:nodes], threshold[:nodes], left[:nodes], right[:nodes], share[:nodes]


@njit(VOTE, **HOW, cache=KEPT)
def vote(columns, rows, feature, threshold, left, right, share, votes):
    """Put into votes, float64 (m,), the share of fakes in the leaf of each of m rows."""
    for i in range(len(rows)):
        node = 0
        while feature[node] >= 0:
            goes_left = columns[feature[node], rows[i]] <= threshold[node]
            node = left[node] if goes_left else right[node]
        votes[i] = share[node]
