"""A person's model on disk: one JSON file and two arrays, no pickle and no pictures.

    results/persons/<name>/person.json            whose, what it needs, what is known of it
    results/persons/<name>/support_vectors.npy    correlations of windows
    results/persons/<name>/coefficients.npy

They are biometric data of a person. Whatever is wrong with a bundle is refused here.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np

from deepfake.core import filenames
from deepfake.person import mesh_file, person_file, signals, windows
from deepfake.person.model import PersonModel
from deepfake.person.person_file import FILE, FORMAT, PersonError

NUMBERS = ("gamma", "nu", "threshold")
ARRAYS = {"support_vectors": ("float32", 2), "coefficients": ("float64", 1)}
ABOUT = (
    "Biometric data: correlations of a person's facial movements. They need that person's consent."
)


def save(model: PersonModel, name: str, known: dict, folder: dict[str, str | Path]) -> None:
    """Write a bundle.

    Args:
        name: of the person. known: JSON-ready, see `enrolment.measured`.
        folder: the files to write, by "record" and the names of ARRAYS.
    """
    hashes = {}
    for array in ARRAYS:
        with open(folder[array], "wb") as file:
            np.save(file, np.ascontiguousarray(getattr(model, array)), allow_pickle=False)
        hashes[array] = _sha256(Path(folder[array]))
    record = {
        "format": FORMAT,
        "person": name,
        "about": ABOUT,
        "mesh": mesh_file.SHA256,
        "signals": list(signals.NAMES),
        "window": {"seconds": windows.SECONDS, "rate": windows.RATE},
        **{number: getattr(model, number) for number in NUMBERS},
        "known": known,
        "arrays": hashes,
    }
    text = json.dumps(record, indent=1, allow_nan=False)
    Path(folder["record"]).write_text(text + "\n", encoding="utf-8")


def load(folder: str | Path) -> tuple[PersonModel, dict]:
    """Read a bundle and check everything in it that a score is computed with.

    Returns:
        The model, and the record of person.json.

    Raises:
        PersonError: anything missing, changed, malformed or of another mesh or version.
    """
    record = person_file.read(folder)
    try:
        _demand(record["mesh"] == mesh_file.SHA256, "was made with another face mesh")
        same = record["signals"] == list(signals.NAMES)
        same &= record["window"] == {"seconds": windows.SECONDS, "rate": windows.RATE}
        _demand(same, "has other signals or windows than this version")
        numbers = [record[name] for name in NUMBERS]
        finite = all(type(one) in (int, float) and math.isfinite(one) for one in numbers)
        _demand(finite and numbers[0] > 0, "has a gamma, nu or threshold that is no such number")
        arrays = {name: _array(Path(folder), name, record["arrays"][name]) for name in ARRAYS}
    except _Refused as reason:
        raise PersonError(f"{folder}: {reason}; enroll the person again") from None
    except (LookupError, TypeError, ValueError, OSError, ArithmeticError) as error:
        reason = filenames.shown(repr(error))[:200]
        raise PersonError(f"{folder}: {FILE} or an array is malformed: {reason}") from None
    shape = arrays["support_vectors"].shape
    if shape != (len(arrays["coefficients"]), len(signals.PAIRS)):
        raise PersonError(f"{folder}: support_vectors.npy is of the shape {shape}")
    return PersonModel(**arrays, **dict(zip(NUMBERS, map(float, numbers), strict=True))), record


class _Refused(Exception):
    pass


def _demand(holds: bool, reason: str) -> None:
    if not holds:
        raise _Refused(reason)


def _array(folder: Path, name: str, sha256: str) -> np.ndarray:
    path, (dtype, dimensions) = folder / f"{name}.npy", ARRAYS[name]
    _demand(_sha256(path) == sha256, f"{name}.npy was changed or cut short")
    array = np.load(path, mmap_mode="r", allow_pickle=False)  # refuses a shape that is not there
    fits = str(array.dtype) == dtype and array.ndim == dimensions
    _demand(fits and bool(np.isfinite(array).all()), f"{name}.npy holds what is no {dtype} number")
    return np.array(array)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
