"""Random forests (Breiman 2001), grown by scikit-learn on joblib threads, kept as node arrays.

The first 100 trees of a seeded 2,000-tree forest are the 100-tree forest, so a grid over
n_estimators grows the largest forest once and scores its prefixes.
"""

from __future__ import annotations

import numpy as np

from deepfake.matrix import Faces, Matrix, as_floats
from deepfake.models import Fitted, Training

THRESHOLD = 0.5
GROWTH = ("max_features", "min_samples_leaf", "criterion")


def score(
    candidates: list[dict],
    training: Training,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int = 0,
    threads: int = 1,
) -> list[np.ndarray]:
    """Shares of trees that say fake for held-out rows, for each candidate."""
    asked = training.pixels.at(held_out)
    pixels = as_floats(training.pixels.at(train))
    families: dict[tuple, list[int]] = {}
    for position, candidate in enumerate(candidates):
        # as text, since max_features 1 is one feature and 1.0 is all of them
        family = tuple(repr(candidate[name]) for name in GROWTH)
        families.setdefault(family, []).append(position)
    scores: list[np.ndarray] = [np.empty(0)] * len(candidates)
    for members in families.values():
        sizes = {member: candidates[member]["n_estimators"] for member in members}
        largest = max(members, key=sizes.get)
        fitted = _grow(candidates[largest], pixels, training.fake[train], seed, threads)
        for member, values in zip(members, _prefixes(fitted, asked, sizes.values()), strict=True):
            scores[member] = values
    return scores


def fit(candidate: dict, training: Training, seed: int = 0, threads: int = 1) -> Fitted:
    """Grow a forest on all training rows."""
    return _grow(candidate, as_floats(training.pixels), training.fake, seed, threads)


def _grow(candidate: dict, pixels: np.ndarray, fake: np.ndarray, seed: int, threads: int) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(**candidate, random_state=seed, n_jobs=threads)
    forest.fit(pixels, fake)
    trees = [estimator.tree_ for estimator in forest.estimators_]
    counts = [tree.node_count for tree in trees]
    inner = np.concatenate([tree.children_left for tree in trees]) >= 0
    # x <= t for a byte x is x <= floor(t)
    thresholds = np.floor(np.concatenate([tree.threshold for tree in trees]))
    share = [tree.value[:, 0, -1] / tree.value[:, 0].sum(axis=1) for tree in trees]
    one_class = len(forest.classes_) == 1
    arrays = {
        "first_node": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "feature": np.concatenate([tree.feature for tree in trees]).astype(np.int32),
        "threshold": np.where(inner, thresholds, 0).astype(np.uint8),
        "left": np.concatenate([tree.children_left for tree in trees]).astype(np.int32),
        "right": np.concatenate([tree.children_right for tree in trees]).astype(np.int32),
        "fake_share": np.full(sum(counts), float(fake[0])) if one_class else np.concatenate(share),
    }
    arrays["feature"][~inner] = -1
    return Fitted("forest", candidate, arrays, threshold=THRESHOLD)


def decide(fitted: Fitted, seen: Matrix | Faces) -> np.ndarray:
    """Mean over the trees of the share of fake rows in the leaf, float64 (n,)."""
    trees = len(fitted.arrays["first_node"]) - 1
    return next(_prefixes(fitted, seen, [trees]))


def _prefixes(fitted: Fitted, seen: Matrix | Faces, sizes):
    """Yield `decide` of the first so many trees, for each of the sizes in the order given."""
    arrays = fitted.arrays
    inner = arrays["feature"] >= 0
    used, compact = np.unique(arrays["feature"][inner], return_inverse=True)
    feature = np.full(len(inner), -1, np.int64)
    feature[inner] = compact
    pixels = seen.columns(used)
    wanted = list(sizes)
    kept: dict[int, np.ndarray] = {}
    total = np.zeros(seen.shape[0])
    for tree in range(max(wanted)):
        first = arrays["first_node"][tree]
        total += arrays["fake_share"][_leaves(arrays, feature, pixels, first)]
        if tree + 1 in wanted:
            kept[tree + 1] = total / (tree + 1)
    return iter([kept[size] for size in wanted])


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
