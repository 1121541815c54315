"""Small made-up data for the unit tests: pixels, rows of a matrix, grids of candidates."""

import numpy as np

GRIDS = {
    "svm": [
        {"kernel": "linear", "C": 1.0, "scaling": "standard"},
        {"kernel": "linear", "C": 1e-6, "scaling": "none"},
        {"kernel": "rbf", "C": 2.0, "gamma": "scale", "scaling": "standard"},
        {"kernel": "rbf", "C": 2.0, "gamma": "scale", "scaling": "none"},
        {"kernel": "poly", "C": 1.0, "gamma": "scale", "scaling": "standard"},
        {"kernel": "poly", "C": 1.0, "gamma": "auto", "scaling": "none"},
    ],
    "logistic": [
        {"C": 1.0, "scaling": "standard", "intercept": "free"},
        {"C": 1.0, "scaling": "none", "intercept": "penalised"},
        {"C": 1.0, "scaling": "none", "intercept": "free"},
    ],
    "forest": [
        {
            "n_estimators": 7,
            "max_features": "sqrt",
            "max_depth": None,
            "min_samples_split": 2,
            "min_samples_leaf": 1,
            "criterion": "gini",
            "class_weight": None,
            "max_samples": None,
        },
        {
            "n_estimators": 4,
            "max_features": 0.5,
            "max_depth": 6,
            "min_samples_split": 8,
            "min_samples_leaf": 3,
            "criterion": "entropy",
            "class_weight": "balanced",
            "max_samples": 0.9,
        },
    ],
    "ridge": [
        {"alpha": 100.0, "scaling": "standard"},
        {"alpha": 1e4, "scaling": "none"},
    ],
    "elasticnet": [{"C": 0.1, "l1_ratio": 0.5}, {"C": 0.3, "l1_ratio": 1.0}],
    "lda": [{"shrinkage": "auto"}, {"shrinkage": 0.5}],
    "qda": [{"reg_param": 0.5}, {"reg_param": 0.1}],
    "knn": [{"n_neighbors": 5}, {"n_neighbors": 3}],
    "multilinear": [
        {"components": "0-0.2", "C": 10.0, "scaling": "standard"},
        {"components": "0-0.1", "C": 1.0, "scaling": "standard"},
    ],
    "mahalanobis": [{"shrinkage": "auto"}, {"shrinkage": 0.1}],
}
CANDIDATES = [(model, candidate) for model, grid in GRIDS.items() for candidate in grid]


def name(value) -> str:
    """Id of a parametrised candidate."""
    return value if isinstance(value, str) else "-".join(str(part) for part in value.values())


def faces(n: int, p: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pixels uint8 (n, p) and labels, fake or not.

    The first tenth of the features is constant, the second varies in row 1 only, some pixels
    are saturated, and the classes overlap.
    """
    generator = np.random.default_rng(seed)
    fake = generator.permutation(np.arange(n) % 2 == 0)
    common = np.random.default_rng(1).integers(60, 190, p)
    hint = np.random.default_rng(2).normal(size=p) * 5
    light = generator.normal(size=(n, 6)) @ np.random.default_rng(3).normal(size=(6, p)) * 15
    pixels = common + light + generator.normal(size=(n, p)) * 12 + np.outer(fake, hint)
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    pixels[:, : p // 10] = 7
    pixels[:, p // 10 : p // 5] = 250
    pixels[1, p // 10 : p // 5] = 251
    return pixels, fake


def rows(groups: int, seed: int = 0, frames: int = 3, methods: tuple = ("swap",)) -> list[dict]:
    """Rows of a matrix: uneven groups, each with one to four real and fake clips."""
    generator = np.random.default_rng(seed)
    found = []
    for group in range(groups):
        for clip in range(int(generator.integers(1, 5))):
            for label in ("real", "fake"):
                video = f"g{group:03}c{clip}{label}"
                for frame in range(int(generator.integers(1, frames + 1))):
                    found.append(
                        {
                            "row": len(found),
                            "video_id": video,
                            "frame": str(frame),
                            "face": "0",
                            "label": label,
                            "group_id": f"g{group:03}",
                            "method": methods[clip % len(methods)] if label == "fake" else "",
                            "compression": "",
                            "clip_id": video,
                            "dataset": "made-up",
                        }
                    )
    return found


def scores(
    groups: int, rows_each: int, seed: int, correlation: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores and groups, whose rows share a part of their score's noise.

    Each group has both labels in turn; a row's noise has variance 1, `correlation` of it shared
    by the rows of its group and label.
    """
    generator = np.random.default_rng(seed)
    group_of = np.repeat(np.arange(groups), rows_each)
    fake = np.arange(len(group_of)) % 2 == 0
    shared = generator.normal(size=(groups, 2))[group_of, fake.astype(int)]
    own = generator.normal(size=len(group_of))
    noise = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    return fake, fake + noise, group_of


def points(fake: float | None = 0.4, no_trace: float | None = -0.4) -> dict:
    """Operating points of a bundle, by their thresholds; None where a side cannot answer."""
    known = {"errors": 1.0, "rate": 0.04, "upper": 0.09, "found": 0.8, "why": ""}
    missing = dict.fromkeys(known) | {"why": "too_few_groups"}
    return {
        side: {"at": at, "bound": bound, "groups": 6 if at is None else 48, "needs": needs}
        | (missing if at is None else known)
        for side, at, bound, needs in (("fake", fake, 0.05, 18), ("no_trace", no_trace, 0.1, 8))
    } | {"strict": False, "source": "folds"}
