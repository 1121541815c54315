"""A model on disk: one JSON file and plain arrays, no pickle; completely checked when loaded.

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

from deepfake.core import filenames, partial_files
from deepfake.evaluation import operating_points
from deepfake.evaluation.decision import AIMS
from deepfake.features import registry as features
from deepfake.inference import bundle_json as records
from deepfake.inference import bundle_schema, known_scores
from deepfake.inference.bundle_json import FILE
from deepfake.models.layout import Refused, demand
from deepfake.models.names import NAMES
from deepfake.models.registry import Fitted

FORMAT = 3
MAX_BYTES = 64 * 2**30  # of one array, by its own header


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
        part = partial_files.path_for(folder / f"{name}.npy")
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
        The model, and the whole record of bundle.json; what is known of it beside it as
        `known_scores`.

    Raises:
        BundleError: anything missing, changed, malformed or of an unknown version.
    """
    folder = Path(folder)
    try:
        record = records.read(folder)
    except records.RecordError as error:
        raise BundleError(str(error)) from None
    try:
        known = known_scores.read(folder)
        return _checked(record, folder), record | ({"known": known} if known else {})
    except Refused as reason:
        raise BundleError(f"{folder}: {filenames.shown(str(reason))[:500]}") from None
    except _MALFORMED as error:
        raise BundleError(f"{folder}: {FILE} is malformed: {repr(error)[:500]}") from None


# What keys, types and numbers that nobody expects raise where they are used.
_MALFORMED = (
    LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError, OSError,
)  # fmt: skip


def _checked(record: dict, folder: Path) -> Fitted:
    demand(isinstance(record, dict), f"{FILE} is malformed")
    known = record.get("format")
    demand(known == FORMAT, f"has format {known!r}; this version reads format {FORMAT}")
    model, described = record["model"], record["arrays"]
    demand(model in NAMES, f"holds a {model!r}; known are {', '.join(NAMES)}")
    demand(
        record["fingerprint"] == fingerprint(record["preprocessing"]),
        "its preprocessing was changed after it was written",
    )
    for name, number in (
        ("threshold", record["threshold"]),
        *((f"thresholds.{unit}", record["thresholds"][unit]) for unit in ("frames", "videos")),
        ("calibration.slope", record["calibration"]["slope"]),
        ("calibration.intercept", record["calibration"]["intercept"]),
        *((f"settings.{key}", value) for key, value in record["settings"].items()),
    ):
        finite = isinstance(number, int | float) and math.isfinite(number)
        demand(finite, f"{name} is {number!r}, no finite number")
    demand(record["calibration"]["slope"] >= 0, "calibration.slope is negative")
    kind = bundle_schema.arrays(model, set(described), record["candidate"])
    arrays = {name: _array(folder, name, described[name], *kind[name]) for name in sorted(kind)}
    length = record["features"]["length"]
    demand(isinstance(length, int) and 0 < length < 2**31, f"features.length is {length!r}")
    bundle_schema.check(model, arrays, length, record)
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
    demand(path.is_file(), f"{name}.npy is missing")
    demand(path.stat().st_size < MAX_BYTES, f"{name}.npy is too large")
    demand(sha256(path) == described["sha256"], f"{name}.npy was changed or cut short")
    with open(path, "rb") as file:
        try:
            np.lib.format.read_magic(file)
            shape, _, found = np.lib.format.read_array_header_1_0(file)
        except Exception as error:  # numpy evaluates the header, which raises what Python does
            raise Refused(f"{name}.npy cannot be read: {error}") from None
        demand(
            str(found) == dtype == described["dtype"]
            and len(shape) == dimensions
            and list(shape) == described["shape"],
            f"{name}.npy is {found} {shape}, not what {FILE} says",
        )
        size = file.tell() + math.prod(shape) * found.itemsize
        demand(path.stat().st_size == size, f"{name}.npy has not the {size} bytes it claims")
    array = np.load(path, allow_pickle=False)
    if dtype == "float64":
        demand(bool(np.isfinite(array).all()), f"{name}.npy holds numbers that are not finite")
    return array


def _check_features(record: dict, length: int) -> None:
    """What classify computes of a face."""
    feature_set, size = record["features"], record["preprocessing"]["faces"]["size"]
    name, known = feature_set["name"], (features.PIXELS, *features.NAMES)
    demand(name in known, f"sees {name!r}; known are {', '.join(known)}")
    what = f"face of {size} x {size} pixels" if name == features.PIXELS else f"vector of {name}"
    demand(length == features.length(name, size), f"{length} features are no {what}")
    stored, computed = feature_set["version"], features.version(name)
    demand(
        stored == computed, f"uses {name} of version {stored!r}; this version computes {computed!r}"
    )


def _check_facts(record: dict) -> None:
    """What a verdict tells of the model and is computed with."""
    training, auc = record["training"], record["calibration"]["roc_auc"]
    named = all(isinstance(name, str) for name in (*training["datasets"], training["protocol"]))
    demand(named and isinstance(training["leaky"], bool), "training is malformed")
    rows, fake = training["rows"], training["fake"]
    counts = type(rows) is type(fake) is int and 0 <= fake <= rows
    demand(counts, f"training has {fake!r} fakes of {rows!r} rows")
    sound = auc is None or (isinstance(auc, int | float) and 0 <= auc <= 1)
    demand(sound, f"calibration.roc_auc is {auc!r}")
    aim = record["thresholds"]["aim"]
    demand(aim in AIMS, f"thresholds.aim is {aim!r}; known are {', '.join(AIMS)}")
    for side in operating_points.SIDES:
        _check_side(side, record["verdict"][side])
    trim = record["calibration"]["trim"]
    sound = isinstance(trim, int | float) and 0 <= trim <= 0.5
    demand(sound, f"calibration.trim is {trim!r}")
    videos, fake = (record["calibration"][name] for name in ("videos", "fake"))
    counts = type(videos) is type(fake) is int and 0 <= fake <= videos
    demand(counts, f"calibration has {fake!r} fakes of {videos!r} videos")
    for name, limits in record.get("domain", {}).items():
        numbers = len(limits) == 2 and all(type(limit) in (int, float) for limit in limits)
        demand(numbers and 0 <= limits[0] <= limits[1], f"domain.{name} is no range")
    shown = [training[name] for name in ("videos", "real", "groups")]
    demand(all(type(count) is int for count in shown), "training does not say how much it was")
    demand(isinstance(record["candidate"], dict), "candidate is no setting")
    source = record["verdict"]["source"]
    demand(source in operating_points.SOURCES, f"verdict.source is {source!r}")
    if source == "sheet":
        other = record["calibrated_on"]
        named = all(isinstance(name, str) for name in other["datasets"])
        counted = all(type(other[name]) is int for name in ("videos", "fake", "groups"))
        demand(named and counted, "calibrated_on is malformed")
    for name in {"out_of_fold", "out_of_fold_copies"} & set(record):
        unseen = record[name]
        limits = [unseen["metrics"]["roc_auc"][name] for name in ("low", "high")]
        known = all(limit is None or type(limit) in (int, float) for limit in limits)
        counted = all(type(unseen[name]) is int for name in ("fake", "real", "groups"))
        demand(known and counted and isinstance(unseen["note"], str), f"{name} is malformed")


def _check_side(side: str, point: dict) -> None:
    """The operating point of one side: numbers in their ranges, all or none."""
    bound, groups, needs = (point[name] for name in ("bound", "groups", "needs"))
    counts = all(type(count) is int and count >= 0 for count in (groups, needs))
    demand(_is_share(bound) and counts, f"verdict.{side} is malformed")
    rates = [point[name] for name in ("rate", "upper", "found")]
    if point["at"] is None:
        known = point["why"] in (operating_points.TOO_FEW, operating_points.NOT_SEPARATED)
        demand(known, f"verdict.{side}.why is {point['why']!r}")
    else:
        finite = type(point["at"]) in (int, float) and math.isfinite(point["at"])
        demand(finite, f"verdict.{side}.at is {point['at']!r}, no finite number")
        demand(all(map(_is_share, rates)), f"verdict.{side} has a rate outside 0 to 1")


def _is_share(value: object) -> bool:
    return type(value) in (int, float) and 0 <= float(str(value)) <= 1


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
