"""What each kind of model must hold for its bundle to be used. Not how a bundle is read.

Compiled and indexed code has no bounds checks, so every number that it goes by is looked at.
"""

from __future__ import annotations

import numpy as np

from deepfake import features
from deepfake.models import Fitted, average, meso4

MAX_WEIGHT = 1e6  # of a network: ten layers of larger ones may leave the range of numbers
MAX_SIDE = 1024  # of the faces that a network sees
# Arrays of each kind of model: dtype and number of dimensions.
_WEIGHTS = {"weights": ("float64", 1)}
_VECTORS = {"support_vectors": ("uint8", 2), "dual_coefficients": ("float64", 1)}
_SCALER = {"mean": ("float64", 1), "scale": ("float64", 1)}
_TREES = {
    "first_node": ("int64", 1),
    "feature": ("int32", 1),
    "threshold": ("uint8", 1),
    "left": ("int32", 1),
    "right": ("int32", 1),
    "fake_share": ("float64", 1),
}
_NORMALS = {"class_means": ("float64", 2), "directions": ("float64", 2)}
_NORMALS |= {"variances": ("float64", 1)}
_NETWORK = {name: ("float64", len(shape)) for name, shape in meso4.shapes(32).items()}
_NEIGHBOURS = {"rows": ("uint8", 2), "fake": ("uint8", 1)}
KINDS = {  # but of an average, which has its members' arrays
    **dict.fromkeys(("logistic", "ridge", "elasticnet", "lda"), (_WEIGHTS,)),
    "svm": (_WEIGHTS, _VECTORS, _VECTORS | _SCALER),
    "forest": (_TREES,),
    "mesonet": (_NETWORK,),
    "qda": (_NORMALS | _SCALER,),
    "knn": (_NEIGHBOURS | _SCALER,),
}


class Refused(Exception):
    """A reason why a bundle cannot be trusted."""


def demand(holds: bool, reason: str) -> None:
    """Refuse a bundle, for a reason, where something does not hold."""
    if not holds:
        raise Refused(reason)


def arrays(model: str, described: set[str], candidate: dict) -> dict[str, tuple[str, int]]:
    """The arrays that a model must hold, by those that it says to hold."""
    if model == "average":
        members = candidate["members"]
        demand(isinstance(members, dict) and len(members) > 1, "an average of less than two")
        kinds = {}
        for name in members:
            demand(name in KINDS, f"averages a {name!r}; known are {', '.join(KINDS)}")
            mine = {key.removeprefix(f"{name}.") for key in described if key.startswith(f"{name}.")}
            kind = arrays(name, mine, members[name])
            kinds |= {f"{name}.{key}": facts for key, facts in kind.items()}
        kind = kinds if set(kinds) == described else None
    else:
        kind = next((kind for kind in KINDS[model] if set(kind) == described), None)
    demand(kind is not None, f"a {model} does not hold the arrays {', '.join(sorted(described))}")
    return kind


def check(model: str, arrays: dict, length: int, record: dict) -> None:
    """Whether a model's arrays and settings fit each other.

    Args:
        arrays: of dtypes and dimensions as `arrays` says. length: of a row of features.
        record: of bundle.json.

    Raises:
        Refused: they do not.
    """
    _CHECKS[model](arrays, length, record)


def _check_linear(arrays: dict, length: int, record: dict) -> None:
    demand(len(arrays["weights"]) == length, f"{len(arrays['weights'])} weights, not {length}")
    demand("intercept" in record["settings"], "settings.intercept is missing")


def _check_svm(arrays: dict, length: int, record: dict) -> None:
    if "weights" in arrays:
        return _check_linear(arrays, length, record)
    vectors, dual = arrays["support_vectors"], arrays["dual_coefficients"]
    demand(len(vectors) == len(dual), f"{len(vectors)} support vectors, {len(dual)} coefficients")
    demand({"gamma", "intercept"} <= set(record["settings"]), "settings.gamma is missing")
    demand(record["settings"]["gamma"] > 0, "settings.gamma is not above zero")
    demand(record["candidate"]["kernel"] in ("rbf", "poly"), "its kernel is unknown")
    _demand_told(record)
    _check_widths(arrays, length, support_vectors=vectors.shape[1:])
    return None


def _demand_told(record: dict) -> None:
    images = record["features"]["name"] == features.PIXELS
    told = record["contains_training_images"]
    demand(told is True or not images, "it hides that it holds training images")


def _check_widths(arrays: dict, length: int, **shapes: tuple) -> None:
    """Features of the scaler, and of arrays whose shapes are given without their rows."""
    shapes |= {name: arrays[name].shape for name in ("mean", "scale") if name in arrays}
    for name, shape in shapes.items():
        demand(shape == (length,), f"{name} has {shape} features, not {length}")
    demand(bool((arrays.get("scale", np.ones(1)) > 0).all()), "scale holds numbers below zero")


def _check_qda(arrays: dict, length: int, record: dict) -> None:
    directions, variances, settings = arrays["directions"], arrays["variances"], record["settings"]
    demand({"offset", "rest", "fake_directions"} <= set(settings), "settings.offset is missing")
    demand(settings["rest"] > 0, "settings.rest is not above zero")
    first = settings["fake_directions"]
    sound = type(first) is int and 0 <= first <= len(directions) == len(variances)
    demand(sound, f"{first!r} of {len(directions)} directions, {len(variances)} variances")
    demand(bool((variances > 0).all()), "variances holds numbers that are not above zero")
    demand(len(arrays["class_means"]) == 2, "class_means are not of two classes")
    shapes = {name: arrays[name].shape[1:] for name in ("class_means", "directions")}
    _check_widths(arrays, length, **shapes)


def _check_knn(arrays: dict, length: int, record: dict) -> None:
    rows, fake, near = arrays["rows"], arrays["fake"], record["settings"]["n_neighbors"]
    demand(type(near) is int and 0 < near <= len(rows), f"settings.n_neighbors is {near!r}")
    demand(len(rows) == len(fake), f"{len(rows)} rows, {len(fake)} labels")
    demand(bool((fake <= 1).all()), "fake holds more than 0 and 1")
    _demand_told(record)
    _check_widths(arrays, length, rows=rows.shape[1:])


def _check_average(arrays: dict, length: int, record: dict) -> None:
    whole = Fitted("average", record["candidate"], arrays, record["settings"])
    for name in record["candidate"]["members"]:
        one, calibrated = average.member(whole, name)
        demand(calibrated["slope"] >= 0, f"settings.{name}.calibration.slope is negative")
        parts = {"candidate": one.candidate, "settings": one.settings}
        _CHECKS[name](one.arrays, length, record | parts)


def _check_forest(arrays: dict, length: int, _record: dict) -> None:
    first, nodes = arrays["first_node"], len(arrays["feature"])
    sizes = np.diff(first)
    demand(
        len(first) > 1
        and first[0] == 0
        and first[-1] == nodes
        and bool((first[1:] > first[:-1]).all()),  # the sizes of huge numbers wrap around
        "first_node does not cut the nodes into trees",
    )
    for name in ("threshold", "left", "right", "fake_share"):
        demand(len(arrays[name]) == nodes, f"{name} has {len(arrays[name])} nodes, not {nodes}")
    feature, share = arrays["feature"], arrays["fake_share"]
    demand(bool(((feature >= -1) & (feature < length)).all()), "a node asks for no such feature")
    demand(bool(((share >= 0) & (share <= 1)).all()), "a leaf's share is not between 0 and 1")
    inner = feature >= 0
    place = np.arange(nodes) - np.repeat(first[:-1], sizes)
    size = np.repeat(sizes, sizes)
    for name in ("left", "right"):
        child = arrays[name][inner]
        sound = (child > place[inner]) & (child < size[inner])
        demand(bool(sound.all()), f"a node's {name} child does not come after it in its tree")


def _check_network(arrays: dict, _length: int, record: dict) -> None:
    side = record["settings"]["side"]
    whole = type(side) is int and 0 < side <= MAX_SIDE and side % meso4.SHRINKAGE == 0
    demand(whole, f"settings.side is {side!r}")
    for name, shape in meso4.shapes(side).items():
        demand(arrays[name].shape == shape, f"{name} is {arrays[name].shape}, not {shape}")
        sound = bool((np.abs(arrays[name]) <= MAX_WEIGHT).all())
        demand(sound, f"{name} holds numbers above {MAX_WEIGHT:g}")


_CHECKS = {
    **dict.fromkeys(("logistic", "ridge", "elasticnet", "lda"), _check_linear),
    "svm": _check_svm,
    "forest": _check_forest,
    "mesonet": _check_network,
    "qda": _check_qda,
    "knn": _check_knn,
    "average": _check_average,
}
