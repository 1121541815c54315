"""Whether two runs gave the same, file by file, as the design defines it.

Every result belongs to a class. A file that belongs to none fails the comparison, so that a new
output is given one.
"""

import json
import re
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from deepfake.core import archive, tables
from deepfake.preprocessing.face_record import crop_name

# Seconds, memory, dates, hosts, commit, machine code.
NEVER = (
    "logs/*", "benchmarks/*", "compiled/*", "usage.tsv", "report.html",
    "leakage.html", "leakage.svg", "robustness.html", "robustness.svg",
    "transfer.html", "transfer.svg", "variants.html",
)  # fmt: skip
# Byte for byte, on any number of threads, jobs, batches and hosts.
BYTES = (
    "frames/*", "faces/*", "rows.tsv", "faces.tsv", "config.json", "*/batches/*", "*/matrix.npy",
    "perturbed/*", "*/perturbed/*", "copies/*", "*/copies/*",
    "calibration/*", "*/calibration/matrix.npy", "splits/*", "shuffled.tsv", "*/gram/none.*",
    "*/search/forest*", "*/models/forest/*.npy",
    "*/evaluation/forest/frames.tsv",
)  # fmt: skip
# Numbers to 1e-9 and all words, so every prediction: LAPACK's sums depend on the threads.
CLOSE = (
    "*/gram/standard.*", "summary.tsv", "summary.txt", "comparisons.tsv", "best.json",
    "*/search/*", "*/models/*", "*/evaluation/*", "*/published/*", "leakage.tsv",
    "*/robustness/*", "robustness.tsv", "transfer.tsv", "selection/*", "shortcuts.tsv",
    "variants.tsv", "variants.txt", "variants/*.json",
)  # fmt: skip
# Cut otherwise where batches are, and the keys that say how.
BATCHES = (
    "config.json", "frames/*", "faces/*", "faces.tsv", "*/batches/*", "perturbed/*",
    "*/perturbed/*", "copies/*", "*/copies/*",
)  # fmt: skip
TOLERANCE = 1e-9
# A number that changes in its last digits has another sum; the sheet names its folder and batches.
HASHES = ("sha256", "sheet_sha256")


def assert_same_results(ours: Path, theirs: Path, same_batches: bool = True) -> None:
    """Compare the folders `results/<run>` of two runs.

    Args:
        same_batches: otherwise files of batches are compared by what they hold together.

    Raises:
        AssertionError: it names the first file that differs, is missing, or has no class.
    """
    names = _names(ours)
    assert names, f"{ours} is empty"
    if not same_batches:
        for name in ("frames", "faces", "perturbed", "copies"):
            assert _together(ours / name) == _together(theirs / name), name
    of_batches = () if same_batches else BATCHES
    one, two = (
        {name for name in _names(folder) if not _is(name, of_batches)} for folder in (ours, theirs)
    )
    assert one == two, f"only in one: {sorted(one ^ two)}"
    for name in sorted(one):
        if _is(name, BYTES):
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
        else:
            _assert_close(_read(ours / name), _read(theirs / name), name)


def _names(folder: Path) -> set[str]:
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    found = {name for name in found if not _is(name, NEVER)}
    unknown = sorted(name for name in found if not _is(name, BYTES + CLOSE))
    assert not unknown, f"{__name__} gives no class to {unknown}"
    return found


def _is(name: str, patterns: tuple[str, ...]) -> bool:
    name = re.sub("^variants/[^/]+/", "", name)  # a variant has the files of a run
    return any(fnmatch(name, pattern) for pattern in patterns)


def _together(folder: Path) -> list[dict]:
    """Every row of the batches' tables, each with the hash of its picture instead of its name."""
    found = []
    for table in sorted(folder.glob("*.tsv")):
        crops = table.with_suffix(".tar")
        pictures = dict(archive.members(crops)) if crops.exists() else {}
        for row in tables.read(table):
            name = crop_name(row["crop_row"]) if row.get("crop_row") else row.pop("member", None)
            picture = pictures.get(name, b"")
            found.append(row | {"crop_row": sha256(picture).hexdigest()})
    return sorted(found, key=json.dumps)


def _read(path: Path) -> Any:
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    if path.suffix == ".tsv":
        return [{name: _cell(cell) for name, cell in row.items()} for row in tables.read(path)]
    return path.read_text(encoding="utf-8")


def _cell(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _assert_close(one: Any, two: Any, where: str) -> None:
    assert type(one) is type(two), where
    if isinstance(one, dict):
        assert one.keys() == two.keys(), where
        for name in one.keys() - set(HASHES):
            _assert_close(one[name], two[name], f"{where}: {name}")
    elif isinstance(one, list):
        assert len(one) == len(two), where
        for number, pair in enumerate(zip(one, two, strict=True)):
            _assert_close(*pair, f"{where}[{number}]")
    elif isinstance(one, np.ndarray | float):
        np.testing.assert_allclose(one, two, rtol=TOLERANCE, atol=TOLERANCE, err_msg=where)
        assert np.asarray(one).dtype == np.asarray(two).dtype, where
    else:
        assert one == two, where
