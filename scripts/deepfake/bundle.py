"""A model on disk: one JSON file and plain arrays, no pickle; checked whole when it is loaded.

    models/<model>/bundle.json     what the model is, what it was trained on, what it needs
    models/<model>/<array>.npy     its numbers, each with its hash in bundle.json

Bundles come from other people, and compiled or indexed code has no bounds checks: whatever is
wrong with one is refused here, with a line that says what.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path

import numpy as np

from deepfake import features, names
from deepfake import record as records
from deepfake.models import NAMES, Fitted, meso4
from deepfake.record import FILE

FORMAT = 1
MAX_BYTES = 64 * 2**30  # of one array, by its own header
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
_NETWORK = {name: ("float64", len(shape)) for name, shape in meso4.shapes(32).items()}
KINDS = {
    "svm": (_WEIGHTS, _VECTORS, _VECTORS | _SCALER),
    "logistic": (_WEIGHTS,),
    "forest": (_TREES,),
    "mesonet": (_NETWORK,),
}


class BundleError(ValueError):
    """A bundle that cannot be trusted, with its folder and what is wrong."""


def fingerprint(preprocessing: dict) -> str:
    """Hash of the settings by which a video became features: sha256 of their JSON."""
    text = json.dumps(preprocessing, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def save(fitted: Fitted, facts: dict, folder: Path, file: str | Path) -> None:
    """Write a bundle: arrays into its folder, then the record that names them all.

    Args:
        fitted: the model.
        facts: JSON-ready; preprocessing (whose fingerprint is added), features, calibration and
            what the model was trained on.
        folder: of the arrays. file: the record, written last (perhaps under another name that
            the caller moves into place).
    """
    folder.mkdir(parents=True, exist_ok=True)
    described = {}
    for name, array in sorted(fitted.arrays.items()):
        array = np.ascontiguousarray(array)
        part = folder / f".part.{name}.npy"
        np.save(part, array)
        os.replace(part, folder / f"{name}.npy")
        described[name] = {
            "dtype": str(array.dtype),
            "shape": list(array.shape),
            "sha256": sha256(folder / f"{name}.npy"),
        }
    for stale in folder.glob("*.npy"):
        if stale.stem not in described:
            stale.unlink()
    record = {
        "format": FORMAT,
        "model": fitted.model,
        "classes": ["fake", "real"],
        "positive": "fake",
        "candidate": fitted.candidate,
        "settings": fitted.settings,
        "threshold": fitted.threshold,
        "contains_training_images": fitted.contains_training_images,
        "fingerprint": fingerprint(facts["preprocessing"]),
        **facts,
        "arrays": described,
    }
    text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
    Path(file).write_text(text + "\n", encoding="utf-8")


def load(folder: str | Path) -> tuple[Fitted, dict]:
    """Read a bundle and check everything in it.

    Returns:
        The model, and the whole record of bundle.json.

    Raises:
        BundleError: anything missing, changed, malformed or of an unknown version.
    """
    folder = Path(folder)
    try:
        record = records.read(folder)
    except records.RecordError as error:
        raise BundleError(str(error)) from None
    try:
        return _checked(record, folder), record
    except _Refused as reason:
        raise BundleError(f"{folder}: {names.shown(str(reason))[:500]}") from None
    except _MALFORMED as error:
        raise BundleError(f"{folder}: {FILE} is malformed: {repr(error)[:500]}") from None


class _Refused(Exception):
    pass


# What keys, types and numbers that nobody expects raise where they are used.
_MALFORMED = (
    LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError, OSError,
)  # fmt: skip


def _demand(holds: bool, reason: str) -> None:
    if not holds:
        raise _Refused(reason)


def _checked(record: dict, folder: Path) -> Fitted:
    _demand(isinstance(record, dict), f"{FILE} is malformed")
    known = record.get("format")
    _demand(known == FORMAT, f"has format {known!r}; this version reads format {FORMAT}")
    model, described = record["model"], record["arrays"]
    _demand(model in NAMES, f"holds a {model!r}; known are {', '.join(NAMES)}")
    _demand(
        record["fingerprint"] == fingerprint(record["preprocessing"]),
        "its preprocessing was changed after it was written",
    )
    for name, number in (
        ("threshold", record["threshold"]),
        ("calibration.slope", record["calibration"]["slope"]),
        ("calibration.intercept", record["calibration"]["intercept"]),
        *((f"settings.{key}", value) for key, value in record["settings"].items()),
    ):
        finite = isinstance(number, int | float) and math.isfinite(number)
        _demand(finite, f"{name} is {number!r}, no finite number")
    _demand(record["calibration"]["slope"] >= 0, "calibration.slope is negative")
    kind = next((k for k in KINDS[model] if set(k) == set(described)), None)
    _demand(kind is not None, f"a {model} does not hold the arrays {', '.join(sorted(described))}")
    arrays = {name: _array(folder, name, described[name], *kind[name]) for name in sorted(kind)}
    length = record["features"]["length"]
    _demand(isinstance(length, int) and 0 < length < 2**31, f"features.length is {length!r}")
    _CHECKS[model](arrays, length, record)
    _check_features(record, length)
    _check_facts(record)
    return Fitted(
        model,
        record["candidate"],
        arrays,
        record["settings"],
        float(record["threshold"]),
        bool(record["contains_training_images"]),
    )


def _array(folder: Path, name: str, described: dict, dtype: str, dimensions: int) -> np.ndarray:
    path = folder / f"{name}.npy"
    _demand(path.is_file(), f"{name}.npy is missing")
    _demand(path.stat().st_size < MAX_BYTES, f"{name}.npy is too large")
    _demand(sha256(path) == described["sha256"], f"{name}.npy was changed or cut short")
    with open(path, "rb") as file:
        try:
            np.lib.format.read_magic(file)
            shape, _, found = np.lib.format.read_array_header_1_0(file)
        except Exception as error:  # numpy evaluates the header, which raises what Python does
            raise _Refused(f"{name}.npy cannot be read: {error}") from None
        _demand(
            str(found) == dtype == described["dtype"]
            and len(shape) == dimensions
            and list(shape) == described["shape"],
            f"{name}.npy is {found} {shape}, not what {FILE} says",
        )
        size = file.tell() + math.prod(shape) * found.itemsize
        _demand(path.stat().st_size == size, f"{name}.npy has not the {size} bytes it claims")
    array = np.load(path, allow_pickle=False)
    if dtype == "float64":
        _demand(bool(np.isfinite(array).all()), f"{name}.npy holds numbers that are not finite")
    return array


def _check_features(record: dict, length: int) -> None:
    """What classify computes of a face."""
    seen, size = record["features"], record["preprocessing"]["faces"]["size"]
    name, known = seen["name"], (features.PIXELS, *features.NAMES)
    _demand(name in known, f"sees {name!r}; known are {', '.join(known)}")
    what = f"face of {size} x {size} pixels" if name == features.PIXELS else f"vector of {name}"
    _demand(length == features.length(name, size), f"{length} features are no {what}")
    told, ours = seen["version"], features.version(name)
    _demand(told == ours, f"sees {name} of version {told!r}; this version computes {ours!r}")


def _check_facts(record: dict) -> None:
    """What a verdict tells of the model and is computed with."""
    training, auc = record["training"], record["calibration"]["roc_auc"]
    named = all(isinstance(name, str) for name in (*training["datasets"], training["protocol"]))
    _demand(named and isinstance(training["leaky"], bool), "training is malformed")
    rows, fake = training["rows"], training["fake"]
    counts = type(rows) is type(fake) is int and 0 <= fake <= rows
    _demand(counts, f"training has {fake!r} fakes of {rows!r} rows")
    sound = auc is None or (isinstance(auc, int | float) and 0 <= auc <= 1)
    _demand(sound, f"calibration.roc_auc is {auc!r}")
    for name, limits in record.get("domain", {}).items():
        numbers = len(limits) == 2 and all(type(limit) in (int, float) for limit in limits)
        _demand(numbers and 0 <= limits[0] <= limits[1], f"domain.{name} is no range")
    shown = [training[name] for name in ("videos", "real", "groups")]
    _demand(all(type(count) is int for count in shown), "training does not say how much it was")
    _demand(isinstance(record["candidate"], dict), "candidate is no setting")
    if "out_of_fold" in record:
        unseen = record["out_of_fold"]
        limits = [unseen["metrics"]["roc_auc"][name] for name in ("low", "high")]
        known = all(limit is None or type(limit) in (int, float) for limit in limits)
        counted = all(type(unseen[name]) is int for name in ("fake", "real", "groups"))
        _demand(known and counted and isinstance(unseen["note"], str), "out_of_fold is malformed")


def _check_linear(arrays: dict, length: int, record: dict) -> None:
    _demand(len(arrays["weights"]) == length, f"{len(arrays['weights'])} weights, not {length}")
    _demand("intercept" in record["settings"], "settings.intercept is missing")


def _check_svm(arrays: dict, length: int, record: dict) -> None:
    if "weights" in arrays:
        return _check_linear(arrays, length, record)
    vectors, dual = arrays["support_vectors"], arrays["dual_coefficients"]
    _demand(len(vectors) == len(dual), f"{len(vectors)} support vectors, {len(dual)} coefficients")
    _demand({"gamma", "intercept"} <= set(record["settings"]), "settings.gamma is missing")
    _demand(record["settings"]["gamma"] > 0, "settings.gamma is not above zero")
    _demand(record["candidate"]["kernel"] in ("rbf", "poly"), "its kernel is unknown")
    images = record["features"]["name"] == features.PIXELS
    told = record["contains_training_images"]
    _demand(told is True or not images, "it hides that it holds training images")
    for name, shape in (
        ("support_vectors", vectors.shape[1:]),
        *((name, arrays[name].shape) for name in ("mean", "scale") if name in arrays),
    ):
        _demand(shape == (length,), f"{name} has {shape} features, not {length}")
    _demand(bool((arrays.get("scale", np.ones(1)) > 0).all()), "scale holds numbers below zero")
    return None


def _check_forest(arrays: dict, length: int, _record: dict) -> None:
    first, nodes = arrays["first_node"], len(arrays["feature"])
    sizes = np.diff(first)
    _demand(
        len(first) > 1
        and first[0] == 0
        and first[-1] == nodes
        and bool((first[1:] > first[:-1]).all()),  # the sizes of huge numbers wrap around
        "first_node does not cut the nodes into trees",
    )
    for name in ("threshold", "left", "right", "fake_share"):
        _demand(len(arrays[name]) == nodes, f"{name} has {len(arrays[name])} nodes, not {nodes}")
    feature, share = arrays["feature"], arrays["fake_share"]
    _demand(bool(((feature >= -1) & (feature < length)).all()), "a node asks for no such feature")
    _demand(bool(((share >= 0) & (share <= 1)).all()), "a leaf's share is not between 0 and 1")
    inner = feature >= 0
    place = np.arange(nodes) - np.repeat(first[:-1], sizes)
    size = np.repeat(sizes, sizes)
    for name in ("left", "right"):
        child = arrays[name][inner]
        sound = (child > place[inner]) & (child < size[inner])
        _demand(bool(sound.all()), f"a node's {name} child does not come after it in its tree")


def _check_network(arrays: dict, _length: int, record: dict) -> None:
    side = record["settings"]["side"]
    whole = type(side) is int and 0 < side <= MAX_SIDE and side % meso4.SHRINKAGE == 0
    _demand(whole, f"settings.side is {side!r}")
    for name, shape in meso4.shapes(side).items():
        _demand(arrays[name].shape == shape, f"{name} is {arrays[name].shape}, not {shape}")
        sound = bool((np.abs(arrays[name]) <= MAX_WEIGHT).all())
        _demand(sound, f"{name} holds numbers above {MAX_WEIGHT:g}")


_CHECKS = {
    "svm": _check_svm,
    "logistic": _check_linear,
    "forest": _check_forest,
    "mesonet": _check_network,
}


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
