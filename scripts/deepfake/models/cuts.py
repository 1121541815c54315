"""The best split of a node among features drawn at random, compiled. Not what a tree is.

The matrix is read as columns, uint8 (p, n) in C order: a feature is n bytes in a row. A histogram
of 256 bins is then the exact search (Breiman 2001), and a few rows are sorted. The memory's latency
is the limit, so features are drawn ahead, their bytes asked for, and four counted at once.

Nothing here checks its arguments. No fastmath: splits by gini are the same on every host.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from deepfake.models.prefetching import prefetch

# A cell holds three sums over rows: times real ones were drawn, times fake ones, number of rows.
FIELD = 21
MASK = 2**FIELD - 1
WIDTH = 4  # features looked at together, to hide the memory's latency
FEW = 16  # rows in a node, up to which sorting beats a histogram
AHEAD = 2  # batches of features drawn before they are looked at, so that they can be asked for

HOW = {"nogil": True, "error_model": "numpy"}

compiled = njit(**HOW)
inlined = njit(**HOW, inline="always")


@inlined
def next_(state):
    """The next 64 random bits, by splitmix64 (Steele et al. 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def below(state, limit):
    """A random whole number from 0 up to a limit, which it does not reach."""
    return np.int64(np.float64(np.int64(next_(state) >> np.uint64(11))) * 2.0**-53 * limit)


@inlined
def real_of(cell):
    return np.int32(cell & MASK)


@inlined
def fake_of(cell):
    return np.int32((cell >> FIELD) & MASK)


@inlined
def _rows(cell):
    return np.int32(cell >> (2 * FIELD))


@compiled
def _draw(features, first, last, state):
    """Draw features[first:last] from those not yet drawn."""
    for place in range(first, last):
        other = place + below(state, len(features) - place)
        feature = features[other]
        features[other] = features[place]
        features[place] = feature


@compiled
def _fetch(columns, features, rows):
    """Ask for the bytes of some features and rows."""
    for feature in features:
        for row in rows:
            prefetch(columns, np.int64(feature), np.int64(row))


@inlined
def _bin(value):
    """Place of a value in a histogram: values 16 apart are neighbours."""
    return np.uint8((value << 4) | (value >> 4))


@compiled
def _count(columns, features, following, rows, cells, bins):
    """Add a node's cells into the histogram of each feature, and ask for bytes of those to follow.

    Four features at once, where there are four.
    """
    if len(features) == WIDTH:
        c0, c1 = columns[features[0]], columns[features[1]]
        c2, c3 = columns[features[2]], columns[features[3]]
        b0, b1, b2, b3 = bins[0], bins[1], bins[2], bins[3]
        if len(following) < WIDTH:
            following = features
        f0, f1 = np.int64(following[0]), np.int64(following[1])
        f2, f3 = np.int64(following[2]), np.int64(following[3])
        for i in range(len(rows)):
            row, cell = rows[i], cells[i]
            prefetch(columns, f0, np.int64(row))
            prefetch(columns, f1, np.int64(row))
            prefetch(columns, f2, np.int64(row))
            prefetch(columns, f3, np.int64(row))
            b0[_bin(c0[row])] += cell
            b1[_bin(c1[row])] += cell
            b2[_bin(c2[row])] += cell
            b3[_bin(c3[row])] += cell
    else:
        for number in range(len(features)):
            column, counts = columns[features[number]], bins[number]
            for i in range(len(rows)):
                counts[_bin(column[rows[i]])] += cells[i]


@compiled
def _sum_bins(bins, before):
    """Sum the bins up to each inside its sixteen values, and all bins before the sixteen."""
    for place in range(16, 256):
        bins[place] += bins[place - 16]
    so_far = 0
    for sixteen in range(16):
        before[sixteen] = so_far
        so_far += bins[240 + sixteen]


@compiled
def _beats(bins, before, total, best):
    """Whether a cut may have a Gini score above the best: without divisions, and not where.

    The margin is above all rounding, so no is sure; yes is nearly so.
    """
    real, fake = np.float64(real_of(total)), np.float64(fake_of(total))
    limit = best * (1 - 1e-12)
    found = False
    for first in range(0, 256, 16):
        for sixteen in range(16):
            here = bins[first + sixteen] + before[sixteen]
            r, f = np.float64(real_of(here)), np.float64(fake_of(here))
            apart = f * real - r * fake
            found |= apart * apart > limit * ((r + f) * (real - r + fake - f))
    return found


@compiled
def _order_bins(bins, before, total, sums):
    """Sums of the cells up to each value; first and last value to cut at or before."""
    low, high = 0, 0
    for value in range(256):
        here = bins[(value % 16) * 16 + value // 16] + before[value // 16]
        sums[value] = here
        low += here == 0
        high += here != total
    return low, high


@compiled
def _sum_sorted(column, rows, cells, keys, values, sums):
    """Distinct values of a few rows, ascending, the sums of cells up to each, and their number."""
    for i in range(len(rows)):
        key = np.int32(column[rows[i]]) * FEW + np.int32(i)
        place = i
        while place > 0 and keys[place - 1] > key:
            keys[place] = keys[place - 1]
            place -= 1
        keys[place] = key
    so_far, distinct = 0, 0
    for i in range(len(rows)):
        value = keys[i] // FEW
        so_far += cells[keys[i] % FEW]
        distinct += i > 0 and value != values[distinct]
        values[distinct] = value
        sums[distinct] = so_far
    return distinct + 1


@compiled
def _gini(sums, total, low, high, scores):
    """Decrease of the Gini impurity by a cut after each place, but for a factor of the node."""
    real, fake = np.float64(real_of(total)), np.float64(fake_of(total))
    for i in range(low, high):
        r, f = np.float64(real_of(sums[i])), np.float64(fake_of(sums[i]))
        apart = f * real - r * fake  # whole numbers, exact up to 2**53
        scores[i] = apart * apart / ((r + f) * (real - r + fake - f))


@compiled
def xlogx(most):
    """x log(x) of the whole numbers up to a limit, float64 (most + 1,)."""
    table = np.zeros(most + 1)
    for x in range(1, most + 1):
        table[x] = x * np.log(x)
    return table


@compiled
def _entropy(sums, total, low, high, table, scores):
    """Minus the entropy of both sides of a cut after each place, times how much is there."""
    real, fake = real_of(total), fake_of(total)
    for i in range(low, high):
        r, f = real_of(sums[i]), fake_of(sums[i])
        s, g = real - r, fake - f
        left = table[r] + table[f] - table[r + f]
        scores[i] = left + (table[s] + table[g] - table[s + g])


@compiled
def _pick(sums, total, low, high, least, scores, best):
    """The first place whose score is above the best so far and leaves enough rows; or -1."""
    found = -1
    for i in range(low, high):
        if scores[i] > best:
            rows = _rows(sums[i])
            if rows >= least and _rows(total) - rows >= least:
                best, found = scores[i], i
    return found


@compiled
def split(columns, rows, cells, features, state, tried, least, entropy, room):
    """Search a node's best split among features drawn at random.

    Like scikit-learn's: `tried` features are looked at, constant ones among them, and more only
    while all were constant; of equal splits the first one found is taken.

    Args:
        rows, cells: of the node.
        features: all of them in any order; those drawn are moved to the front.
        state: of the generator. tried: how many features. least: rows of a leaf.
        entropy: whether by entropy, not by Gini impurity. room: buffers.

    Returns:
        Feature (-1: none), threshold (rows up to it go left), how many features were looked at.
    """
    bins, before, sums, scores, keys, values, table = room
    total = cells.sum()
    drawn, examined, varied = 0, 0, False
    feature, threshold, left, best = -1, 0, 0, -1.0e300
    few = len(rows) <= FEW
    while examined < tried or (not varied and examined < len(features)):
        width = min(WIDTH, tried - examined) if examined < tried else 1
        ahead = min(max(tried, examined + width), examined + AHEAD * WIDTH)
        if drawn < ahead:
            _draw(features, drawn, ahead, state)
            if few:
                _fetch(columns, features[drawn:ahead], rows)
            drawn = ahead
        batch = features[examined : examined + width]
        if not few:
            _count(columns, batch, features[examined + width : drawn], rows, cells, bins)
        for number in range(width):
            if few:
                low = 0
                high = _sum_sorted(columns[batch[number]], rows, cells, keys, values, sums) - 1
            else:
                _sum_bins(bins[number], before)
                if not entropy and feature >= 0 and not _beats(bins[number], before, total, best):
                    bins[number] = 0
                    examined += 1
                    continue
                low, high = _order_bins(bins[number], before, total, sums)
                bins[number] = 0
            examined += 1
            if low == high:
                continue
            varied = True
            if entropy:
                _entropy(sums, total, low, high, table, scores)
            else:
                _gini(sums, total, low, high, scores)
            place = _pick(sums, total, low, high, least, scores, best)
            if place < 0:
                continue
            best, feature, left = scores[place], batch[number], sums[place]
            after = place + 1
            while sums[after] == left:
                after += 1
            low, high = (values[place], values[after]) if few else (place, after)
            threshold = (low + high) // 2
            pure = (real_of(left) == 0 and fake_of(left) == fake_of(total)) or (
                fake_of(left) == 0 and real_of(left) == real_of(total)
            )
            if pure:  # nothing is better, and of equal ones the first counts
                bins[:] = 0
                return feature, threshold, examined
    return feature, threshold, examined
