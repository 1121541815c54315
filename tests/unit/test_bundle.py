"""Tests of a model on disk: it comes back as it was, and whatever is wrong with one is refused."""

import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepfake.features import registry as features
from deepfake.features.matrix import InMemoryMatrix
from deepfake.inference import bundle
from deepfake.inference.bundle import BundleError
from deepfake.models import average, gram
from deepfake.models import registry as models
from deepfake.models.registry import Fitted, Training
from tests.unit import synthetic

N, P = 40, 300
FACTS = {
    "preprocessing": {"faces": {"size": 10, "margin": 0.25}},
    "features": {"name": "pixels", "version": 1, "length": P},
    "calibration": {
        "slope": 1.5,
        "intercept": -0.25,
        "roc_auc": 0.8,
        "videos": 12,
        "fake": 5,
        "trim": 0.25,
    },
    "thresholds": {"aim": "equal_error", "frames": 0.5, "videos": 0.75},
    "verdict": synthetic.points(),
    "training": {
        "datasets": ["set"],
        "protocol": "grouped",
        "leaky": False,
        "rows": N,
        "fake": N // 2,
        "real": N // 2,
        "videos": 8,
        "groups": 4,
        "run": "run",
    },
    "out_of_fold": {
        "fake": 4,
        "real": 4,
        "groups": 4,
        "note": "4 groups: no interval",
        "metrics": {"roc_auc": {"value": 0.8, "low": None, "high": None}},
    },
    "domain": {"face_width": [80.0, 200.0]},
}
FOREST = synthetic.GRIDS["forest"][0]
LINEAR, _, RBF, RAW_RBF, *_ = synthetic.GRIDS["svm"]
QDA, KNN = synthetic.GRIDS["qda"][0], synthetic.GRIDS["knn"][0]
REAL = synthetic.GRIDS["mahalanobis"][0]
AVERAGE = {"members": {"forest": FOREST, "logistic": synthetic.GRIDS["logistic"][0], "svm": RBF}}
CANDIDATES = [*synthetic.CANDIDATES, ("average", AVERAGE)]


def fit(model: str, candidate: dict) -> Fitted:
    if model == "average":
        calibrated = {"slope": 1.5, "intercept": -0.25}
        parts = candidate["members"].items()
        return average.join({name: (fit(name, one), calibrated) for name, one in parts})
    pixels, fake = synthetic.faces(N, P)
    grams = {s: gram.compute(InMemoryMatrix(pixels), s) for s in ("none", "standard")}
    return models.module(model).fit(
        candidate, Training(InMemoryMatrix(pixels), fake, grams), seed=1
    )


def asked() -> np.ndarray:
    return synthetic.faces(30, P, seed=8)[0]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Callable[[str, dict], Path]:
    """A bundle's folder by model and candidate; each is fitted once and never touched."""
    known = {}

    def make(model: str, candidate: dict) -> Path:
        key = model + json.dumps(candidate)
        if key not in known:
            known[key] = tmp_path_factory.mktemp("bundle") / "model"
            bundle.save(fit(model, candidate), FACTS, known[key], known[key] / bundle.FILE)
        return known[key]

    return make


@pytest.fixture
def copy(saved, tmp_path) -> Callable[[str, dict], Path]:
    """A copy of a bundle, to be tampered with."""

    def make(model: str, candidate: dict) -> Path:
        return shutil.copytree(saved(model, candidate), tmp_path / "copy")

    return make


def edit(folder: Path, change: Callable[[dict], object]) -> None:
    """Change bundle.json."""
    record = json.loads((folder / bundle.FILE).read_text())
    change(record)
    (folder / bundle.FILE).write_text(json.dumps(record))


def replace(folder: Path, name: str, content: np.ndarray | bytes) -> None:
    """Put another array, or any bytes, in an array's place, with the hash and shape that fit."""
    if isinstance(content, np.ndarray):
        file = io.BytesIO()
        np.save(file, content)
        (folder / f"{name}.npy").write_bytes(file.getvalue())
    else:
        (folder / f"{name}.npy").write_bytes(content)

    def change(record: dict) -> None:
        described = record["arrays"].setdefault(name, {"dtype": "float64", "shape": [P]})
        described["sha256"] = hashlib.sha256((folder / f"{name}.npy").read_bytes()).hexdigest()
        if isinstance(content, np.ndarray):
            described |= {"dtype": str(content.dtype), "shape": list(content.shape)}

    edit(folder, change)


def assert_refused(folder: Path, reason: str) -> None:
    with pytest.raises(BundleError, match=reason) as refused:
        bundle.load(folder)
    assert str(folder) in str(refused.value)
    assert len(str(refused.value)) < len(str(folder)) + 600
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(("model", "candidate"), CANDIDATES, ids=synthetic.name)
def test_a_saved_model_comes_back_as_it_was(saved, model, candidate):
    fitted = fit(model, candidate)
    loaded, record = bundle.load(saved(model, candidate))
    assert loaded.arrays.keys() == fitted.arrays.keys()
    for name, array in fitted.arrays.items():
        assert loaded.arrays[name].dtype == array.dtype
        assert (loaded.arrays[name] == array).all()
    for name in ("model", "candidate", "settings", "threshold", "contains_training_images"):
        assert getattr(loaded, name) == getattr(fitted, name)
    expected = models.decide(fitted, InMemoryMatrix(asked()))
    assert (models.decide(loaded, InMemoryMatrix(asked())) == expected).all()
    assert record["calibration"] == FACTS["calibration"]
    assert record["fingerprint"] == bundle.fingerprint(FACTS["preprocessing"])


FRESH = """
import sys
from pathlib import Path
import numpy as np
from deepfake.features.matrix import InMemoryMatrix
from deepfake.inference import bundle
from deepfake.models import registry as models
asked = InMemoryMatrix(np.load(sys.argv[1]))
for folder in sys.argv[2:]:
    fitted, _ = bundle.load(folder)
    out = Path(sys.argv[1]).with_name(Path(folder).parent.name + ".npy")
    np.save(out, models.decide(fitted, asked))
heavy = {"sklearn", "tensorflow", "mtcnn", "cv2", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_fresh_process_without_scikit_learn_decides_the_same(saved, tmp_path):
    np.save(tmp_path / "asked.npy", asked())
    folders = [saved(model, candidate) for model, candidate in CANDIDATES]
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path / "asked.npy"), *map(str, folders)],
        env=os.environ | {"PYTHONPATH": str(Path(bundle.__file__).parents[2])},  # the same BLAS
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for folder, (model, candidate) in zip(folders, CANDIDATES, strict=True):
        expected = models.decide(fit(model, candidate), InMemoryMatrix(asked()))
        found = np.load(tmp_path / f"{folder.parent.name}.npy")
        assert np.allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(("model", "candidate"), CANDIDATES, ids=synthetic.name)
def test_a_bundle_says_whether_training_faces_can_be_read_from_it(saved, model, candidate):
    folder = saved(model, candidate)
    record = json.loads((folder / bundle.FILE).read_text())
    training = {row.tobytes() for row in synthetic.faces(N, P)[0]}
    arrays = [np.load(file, allow_pickle=False) for file in folder.glob("*.npy")]
    rows = [row for array in arrays if array.ndim == 2 for row in array]
    assert record["contains_training_images"] == any(row.tobytes() in training for row in rows)


def test_saving_again_leaves_no_array_of_the_former_model(tmp_path):
    for model, candidate in (("svm", RBF), ("svm", LINEAR)):
        bundle.save(fit(model, candidate), FACTS, tmp_path, tmp_path / bundle.FILE)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bundle.json", "weights.npy"]
    bundle.load(tmp_path)


def test_saving_twice_gives_the_same_bytes(saved, tmp_path):
    bundle.save(fit("svm", RBF), FACTS, tmp_path / "again", tmp_path / "again" / bundle.FILE)
    for file in saved("svm", RBF).iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(("model", "candidate"), CANDIDATES, ids=synthetic.name)
def test_a_byte_changed_or_cut_off_in_any_array_is_refused(copy, model, candidate):
    folder = copy(model, candidate)
    for file in sorted(folder.glob("*.npy")):
        content = file.read_bytes()
        for wrong in (content[:-1] + bytes([content[-1] ^ 1]), content[:-1], b""):
            file.write_bytes(wrong)
            assert_refused(folder, f"{file.name} was changed or cut short")
        file.unlink()
        assert_refused(folder, f"{file.name} is missing")
        file.write_bytes(content)
    bundle.load(folder)


def test_no_bundle_at_all_is_refused(tmp_path):
    assert_refused(tmp_path, "no bundle.json in it")
    assert_refused(tmp_path / "nowhere", "no bundle.json in it")
    (tmp_path / "file").write_text("")
    assert_refused(tmp_path / "file", "no bundle.json in it")
    (tmp_path / bundle.FILE).mkdir()
    assert_refused(tmp_path, "bundle.json is a folder")


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[1, 2]", "null", "7", '"bundle"', "\xff", "[" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000, '{"format": NaN}', '{"format": 1e999}',
        '{"format": ' + "9" * 5000 + "}",
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_a_record_that_is_no_sound_json_is_refused(copy, text):
    folder = copy("forest", FOREST)
    (folder / bundle.FILE).write_bytes(text.encode("latin-1"))
    assert_refused(folder, "bundle.json (cannot be read|is malformed)")


def test_preprocessing_nested_to_any_depth_is_refused(copy):
    folder = copy("forest", FOREST)
    text = (folder / bundle.FILE).read_text()
    nested = json.dumps(FACTS["preprocessing"]["faces"], indent=1, sort_keys=True)
    assert '"size": 10' in nested

    def reason(depth: int) -> str:
        deep = '"size": ' + "[" * depth + "]" * depth
        (folder / bundle.FILE).write_text(text.replace('"size": 10', deep))
        with pytest.raises(BundleError) as refused:
            bundle.load(folder)
        return str(refused.value)

    shallow, deep = 1, 100_000  # until the reader of JSON gives up
    assert "preprocessing was changed" in reason(shallow)
    while deep - shallow > 1:
        middle = (shallow + deep) // 2
        read = "cannot be read" not in reason(middle)
        shallow, deep = (middle, deep) if read else (shallow, middle)
    for depth in range(shallow - 20, shallow + 20):
        assert str(folder) in reason(depth)


EDITS = {
    "format": (lambda r: r.update(format=1), "has format 1; this version reads format 3"),
    "unknown model": (lambda r: r.update(model="oracle"), "holds a 'oracle'; known are average, e"),
    "extra array": (
        lambda r: r["arrays"].update(extra=r["arrays"]["weights"]),
        "does not hold the arrays extra, weights",
    ),
    "other model": (lambda r: r.update(model="forest"), "does not hold the arrays weights"),
    "no arrays": (lambda r: r.update(arrays={}), "does not hold the arrays"),
    "preprocessing": (
        lambda r: r["preprocessing"]["faces"].update(margin=0.3),
        "preprocessing was changed",
    ),
    "fingerprint": (lambda r: r.update(fingerprint="0" * 64), "preprocessing was changed"),
    "slope": (lambda r: r["calibration"].update(slope=-0.1), "calibration.slope is negative"),
    "no training": (lambda r: r.pop("training"), "malformed: KeyError.'training'"),
    "no data sets": (lambda r: r["training"].update(datasets=7), "malformed"),
    "unnamed data sets": (lambda r: r["training"].update(datasets=[7]), "training is malformed"),
    "no protocol": (lambda r: r["training"].update(protocol=None), "training is malformed"),
    "leaky": (lambda r: r["training"].update(leaky="no"), "training is malformed"),
    "more fakes than rows": (
        lambda r: r["training"].update(fake=N + 1), f"training has {N + 1} fakes of {N} rows",
    ),
    "less than no fake": (lambda r: r["training"].update(fake=-1), "training has -1 fakes"),
    "half a row": (lambda r: r["training"].update(rows=0.5), "training has 20 fakes of 0.5 rows"),
    "roc_auc": (lambda r: r["calibration"].update(roc_auc=1.1), "calibration.roc_auc is 1.1"),
    "more fakes than videos": (
        lambda r: r["calibration"].update(fake=13), "calibration has 13 fakes of 12 videos",
    ),
    "trimmed past the middle": (
        lambda r: r["calibration"].update(trim=0.6), "calibration.trim is 0.6",
    ),
    "no threshold of videos": (
        lambda r: r["thresholds"].pop("videos"), "malformed: KeyError.'videos'",
    ),
    "threshold of videos": (
        lambda r: r["thresholds"].update(videos="0"), "thresholds.videos is '0', no finite number",
    ),
    "aim": (lambda r: r["thresholds"].update(aim="luck"), "thresholds.aim is 'luck'; known are eq"),
    "no side": (lambda r: r["verdict"].pop("fake"), "malformed: KeyError.'fake'"),
    "side": (lambda r: r["verdict"].update(fake=1), "malformed: TypeError"),
    "operating point": (
        lambda r: r["verdict"]["fake"].update(at="0"), "verdict.fake.at is '0', no finite number",
    ),
    "no reason": (
        lambda r: r["verdict"]["no_trace"].update(at=None), "verdict.no_trace.why is ''",
    ),
    "rate": (
        lambda r: r["verdict"]["fake"].update(rate=1.5), "verdict.fake has a rate outside 0 to 1",
    ),
    "groups": (lambda r: r["verdict"]["fake"].update(groups=0.5), "verdict.fake is malformed"),
    "fakes of no videos": (lambda r: r["calibration"].pop("fake"), "malformed: KeyError.'fake'"),
    "no roc_auc": (lambda r: r["calibration"].pop("roc_auc"), "malformed: KeyError.'roc_auc'"),
    "domain": (lambda r: r.update(domain=[]), "malformed"),
    "one width": (
        lambda r: r["domain"].update(face_width=[80]), "domain.face_width is no range",
    ),
    "widths": (lambda r: r["domain"].update(face_width=["a", "b"]), "face_width is no range"),
    "sharpness": (lambda r: r["domain"].update(sharpness=[9, 1]), "sharpness is no range"),
    "videos of words": (
        lambda r: r["training"].update(videos="<b>"), "training does not say how much it was",
    ),
    "unseen of words": (
        lambda r: r["out_of_fold"]["metrics"]["roc_auc"].update(low="0"), "out_of_fold is malf",
    ),
    "an array elsewhere": (
        lambda r: r.update(arrays={"../../weights": r["arrays"]["weights"]}),
        "does not hold the arrays ../../weights",
    ),
    "an array of a long name": (
        lambda r: r.update(arrays={"x" * 10**6: {}}), "does not hold the arrays x{100}",
    ),
    "an array that steers a terminal": (
        lambda r: r.update(arrays={"\x1b[2J": {}}), r"arrays \\x1b\[2J$",
    ),
    "infinite slope": (
        lambda r: r["calibration"].update(slope=float("inf")), "holds Infinity, no finite number",
    ),
    "threshold": (lambda r: r.update(threshold=float("nan")), "holds NaN, no finite number"),
    "huge threshold": (lambda r: r.update(threshold=10**400), "malformed"),
    "text": (lambda r: r["settings"].update(intercept="0"), "settings.intercept is '0'"),
    "length": (
        lambda r: r["features"].update(length=P + 1), f"weights has {P} features, not {P + 1}",
    ),
    "no length": (lambda r: r["features"].update(length=0), "features.length is 0"),
    "long length": (lambda r: r["features"].update(length=2**40), "features.length is"),
    "no intercept": (lambda r: r["settings"].clear(), "settings.intercept is missing"),
    "dtype": (lambda r: r["arrays"]["weights"].update(dtype="float32"), "not what"),
    "shape": (lambda r: r["arrays"]["weights"].update(shape=[P, 1]), "not what"),
}  # fmt: skip


@pytest.mark.parametrize("case", EDITS)
def test_a_changed_record_is_refused_with_the_reason(copy, case):
    change, reason = EDITS[case]
    folder = copy("svm", LINEAR)
    edit(folder, change)
    assert_refused(folder, reason)


def test_what_is_known_beside_a_bundle_is_read_with_it_and_checked(copy):
    folder = copy("ridge", synthetic.GRIDS["ridge"][0])
    assert "known" not in bundle.load(folder)[1]
    part = {"roc_auc": {"value": 0.7, "low": None, "high": None}, "fake": 3, "real": 2, "groups": 2}
    beside = {"test": part | {"note": "", "leaky": False}, "folds": part | {"candidates": 4}}
    beside["shortcut"] = None
    (folder / "known.json").write_text(json.dumps(beside))
    assert bundle.load(folder)[1]["known"] == beside | {"null": None}
    (folder / "known.json").write_text("[]")
    assert_refused(folder, "known.json is malformed")


def test_a_model_of_other_pixels_than_its_faces_have_is_refused(saved, tmp_path):
    """Its scores would end in an error, hours later."""
    facts = FACTS | {"preprocessing": {"faces": {"size": 20, "margin": 0.25}}}
    bundle.save(fit("svm", LINEAR), facts, tmp_path, tmp_path / bundle.FILE)
    assert_refused(tmp_path, "300 features are no face of 20 x 20 pixels")


SEES = {
    "unknown": ({"name": "wavelets"}, "sees 'wavelets'; known are pixels, residuals"),
    "other length": ({"name": "lbp"}, "300 features are no vector of lbp"),
    "other version": ({"version": 0}, "uses pixels of version 0; this version computes 1"),
}


@pytest.mark.parametrize("case", SEES)
def test_features_that_this_version_does_not_compute_are_refused(copy, case):
    change, reason = SEES[case]
    folder = copy("svm", LINEAR)
    edit(folder, lambda record: record["features"].update(change))
    assert_refused(folder, reason)


def test_support_vectors_of_a_feature_set_are_no_images(tmp_path):
    rows, fake = synthetic.faces(N, 20)
    grams = {"standard": gram.compute(InMemoryMatrix(rows), "standard")}
    fitted = models.module("svm").fit(RBF, Training(InMemoryMatrix(rows), fake, grams), seed=1)
    fitted.contains_training_images = False
    seen = {"name": "lbp", "version": features.version("lbp"), "length": 20}
    bundle.save(fitted, FACTS | {"features": seen}, tmp_path, tmp_path / bundle.FILE)
    assert not bundle.load(tmp_path)[0].contains_training_images


def test_a_model_may_not_know_what_its_training_was_like(copy):
    folder = copy("svm", LINEAR)
    expected = models.decide(bundle.load(folder)[0], InMemoryMatrix(asked()))
    edit(folder, lambda record: record.pop("domain"))
    fitted, record = bundle.load(folder)
    assert "domain" not in record
    assert (models.decide(fitted, InMemoryMatrix(asked())) == expected).all()


def test_a_record_that_is_no_file_or_too_large_is_refused_unread(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / bundle.FILE)  # would be waited for
    assert_refused(tmp_path, "bundle.json is not a regular file")
    (tmp_path / bundle.FILE).unlink()
    (tmp_path / bundle.FILE).symlink_to("/dev/zero")
    assert_refused(tmp_path, "bundle.json is not a regular file")
    (tmp_path / bundle.FILE).unlink()
    with open(tmp_path / bundle.FILE, "wb") as file:
        file.truncate(2**40)  # of no bytes on the disk
    assert_refused(tmp_path, "it has more than 16 MB")


def test_a_kernel_that_grows_with_the_distance_is_refused(copy):
    folder = copy("svm", RBF)
    edit(folder, lambda record: record["settings"].update(gamma=-1.0))
    assert_refused(folder, "settings.gamma is not above zero")


@pytest.mark.parametrize("near", [0, -1, N + 1, 5.0, True])
def test_neighbours_that_are_not_there_are_refused(copy, near):
    folder = copy("knn", KNN)
    edit(folder, lambda record: record["settings"].update(n_neighbors=near))
    assert_refused(folder, f"settings.n_neighbors is {near}")


def test_a_machine_that_hides_its_training_images_is_refused(copy):
    folder = copy("svm", RBF)
    edit(folder, lambda record: record.update(contains_training_images=False))
    assert_refused(folder, "it hides that it holds training images")


OF_AN_AVERAGE = {
    "no members": (lambda r: r["candidate"].update(members={}), "average of less than two"),
    "an average": (
        lambda r: r["candidate"]["members"].update(average={}), "averages a 'average'; known are",
    ),
    "no such model": (
        lambda r: r["candidate"]["members"].update(oracle={}), "averages a 'oracle'; known are",
    ),
    "no arrays": (
        lambda r: r["candidate"]["members"].update(lda={}), "a lda does not hold the arrays",
    ),
    "one less": (
        lambda r: r["candidate"]["members"].pop("svm"), "a average does not hold the arrays",
    ),
    "slope": (
        lambda r: r["settings"].update({"forest.calibration.slope": -1.0}),
        "settings.forest.calibration.slope is negative",
    ),
    "kernel": (
        lambda r: r["candidate"]["members"]["svm"].update(kernel="x"), "its kernel is unknown",
    ),
    "faces": (lambda r: r.update(contains_training_images=False), "it hides that it holds"),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_AN_AVERAGE)
def test_an_average_is_checked_as_its_members_are(copy, case):
    change, reason = OF_AN_AVERAGE[case]
    folder = copy("average", AVERAGE)
    edit(folder, change)
    assert_refused(folder, reason)


def header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    file = io.BytesIO()
    facts = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, facts)
    return file.getvalue()


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_never_run(copy, tmp_path):
    folder = copy("svm", LINEAR)
    bomb = np.empty(1, object)
    bomb[0] = Bomb(tmp_path / "run")
    replace(folder, "weights", bomb)
    assert_refused(folder, "weights.npy is object")
    replace(folder, "weights", pickle.dumps(bomb[0]))
    assert_refused(folder, "weights.npy cannot be read")
    assert not (tmp_path / "run").exists()


def test_files_that_are_no_plain_arrays_are_refused_even_with_their_hash(copy):
    folder = copy("svm", LINEAR)
    archive = io.BytesIO()
    np.savez(archive, weights=np.zeros(P))
    wide = io.BytesIO()
    np.lib.format.write_array(wide, np.zeros(P), version=(2, 0))
    for content in (
        b"", b"PK\x03\x04 no archive", archive.getvalue(), wide.getvalue(), header((P,))[:40],
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 70_000, b"\x93NUMPY\x01\x00\x09\x00" + b"(" * 9,
        b"\x93NUMPY\x01\x00\x09\x00" + b"1\n  2\n 34", header((P,)),
        header((P,)) + bytes(8 * P + 1),
    ):  # fmt: skip
        replace(folder, "weights", content)
        assert_refused(folder, "weights.npy")


@pytest.mark.parametrize("shape", [(10**13,), (2**62,), (2**70,), (-P,), (-1, -P)])
def test_an_array_that_claims_to_be_larger_than_its_file_is_refused_unread(copy, shape):
    folder = copy("svm", LINEAR)
    replace(folder, "weights", header(shape) + bytes(8 * P))
    edit(folder, lambda record: record["arrays"]["weights"].update(shape=list(shape)))
    assert_refused(folder, "weights.npy")


ARRAYS = [
    ("svm", LINEAR, "weights", lambda a: np.append(a[:-1], np.nan), "not finite"),
    ("svm", LINEAR, "weights", lambda a: np.append(a[:-1], np.inf), "not finite"),
    ("svm", LINEAR, "weights", lambda a: a[:-1], "weights has 299 features, not 300"),
    ("svm", LINEAR, "weights", lambda a: a[None], "not what"),
    ("svm", LINEAR, "weights", lambda a: a.astype(np.float32), "not what"),
    ("svm", LINEAR, "weights", lambda a: a.astype(">f8"), "not what"),
    ("svm", RBF, "support_vectors", lambda a: a[:-1], "support vectors"),
    ("svm", RBF, "support_vectors", lambda a: a[:, :-1], "support_vectors has"),
    ("svm", RBF, "support_vectors", lambda a: a.ravel(), "not what"),
    ("svm", RBF, "dual_coefficients", lambda a: a * np.nan, "not finite"),
    ("svm", RBF, "mean", lambda a: a[:-1], "mean has"),
    ("svm", RBF, "mean", lambda a: a * np.inf, "not finite"),
    ("svm", RBF, "scale", lambda a: np.append(a, 1.0), "scale has"),
    ("svm", RBF, "scale", lambda a: a * 0, "scale holds numbers that are not above zero"),
    ("svm", RBF, "scale", lambda a: -a, "scale holds numbers that are not above zero"),
    ("logistic", synthetic.GRIDS["logistic"][0], "weights", lambda a: a * np.nan, "not finite"),
    ("forest", FOREST, "fake_share", lambda a: a * np.nan, "not finite"),
    ("forest", FOREST, "fake_share", lambda a: a + 0.5, "share is not between 0 and 1"),
    ("forest", FOREST, "feature", lambda a: np.where(a < 0, a, P), "unknown feature"),
    ("forest", FOREST, "feature", lambda a: np.where(a < 0, -2, a), "unknown feature"),
    ("forest", FOREST, "feature", lambda a: np.zeros_like(a), "does not come after it"),
    ("forest", FOREST, "feature", lambda a: a.astype(np.int64), "not what"),
    ("forest", FOREST, "threshold", lambda a: a[:-1], "threshold has"),
    ("forest", FOREST, "left", lambda a: np.append(a, 1).astype(np.int32), "left has"),
    ("forest", FOREST, "left", lambda a: np.zeros_like(a), "left child does not come after"),
    ("forest", FOREST, "left", lambda a: np.full_like(a, -5), "left child does not come after"),
    ("forest", FOREST, "right", lambda a: np.full_like(a, 2**31 - 1), "right child"),
    ("forest", FOREST, "right", lambda a: a[::-1].copy(), "right child"),
    ("forest", FOREST, "first_node", lambda a: a[:-1], "cut the nodes into trees"),
    ("forest", FOREST, "first_node", lambda a: a[:0], "cut the nodes into trees"),
    ("forest", FOREST, "first_node", lambda a: a + 1, "cut the nodes into trees"),
    ("forest", FOREST, "first_node", lambda a: a[[0, 2, 1, *range(3, len(a))]], "into trees"),
    ("forest", FOREST, "first_node", lambda a: np.insert(a, 1, 0), "cut the nodes into trees"),
    (
        "forest", FOREST, "first_node",
        lambda a: np.array([0, 2**63 - 1, -(2**63), -1, a[-1]]), "cut the nodes into trees",
    ),
    ("qda", QDA, "class_means", lambda a: a[:1], "class_means is .1, 300., not .2, .features"),
    ("qda", QDA, "class_means", lambda a: a[:, 1:], "class_means has"),
    ("qda", QDA, "directions", lambda a: a[1:], "variances has 38 directions, not 37"),
    ("qda", QDA, "directions", lambda a: a[:, 1:], "directions has"),
    ("qda", QDA, "directions", lambda a: a * np.nan, "not finite"),
    ("qda", QDA, "variances", lambda a: a * 0, "variances holds numbers that are not above"),
    ("qda", QDA, "scale", lambda a: a * 0, "scale holds numbers that are not above zero"),
    ("mahalanobis", REAL, "whitener", lambda a: a[1:], "whitener has 299 features, not 300"),
    ("mahalanobis", REAL, "whitener", lambda a: a[:, 1:], "whitener has 299 features, not 300"),
    ("mahalanobis", REAL, "whitener", lambda a: a * np.nan, "not finite"),
    ("mahalanobis", REAL, "scale", lambda a: a * 0, "scale holds numbers that are not above zero"),
    ("knn", KNN, "rows", lambda a: a[1:], "fake has 40 rows, not 39"),
    ("knn", KNN, "rows", lambda a: a[:, 1:], "rows has"),
    ("knn", KNN, "rows", lambda a: a[:2], "fake has 40 rows, not 2"),
    ("knn", KNN, "fake", lambda a: a + 1, "fake holds more than 0 and 1"),
    ("knn", KNN, "mean", lambda a: a[1:], "mean has"),
    ("average", AVERAGE, "forest.feature", lambda a: np.where(a < 0, a, P), "unknown feature"),
    ("average", AVERAGE, "logistic.weights", lambda a: a[1:], "weights has 299 features, not 300"),
    ("average", AVERAGE, "svm.support_vectors", lambda a: a[1:], "support vectors"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "candidate", "name", "change", "reason"),
    ARRAYS,
    ids=[f"{model}-{name}-{i}" for i, (model, _, name, _, _) in enumerate(ARRAYS)],
)
def test_a_wrong_array_is_refused_even_with_its_hash(copy, model, candidate, name, change, reason):
    folder = copy(model, candidate)
    replace(folder, name, change(np.load(folder / f"{name}.npy")))
    assert_refused(folder, reason)


def test_a_child_in_the_next_tree_is_refused(copy):
    folder = copy("forest", FOREST)
    sizes = np.diff(np.load(folder / "first_node.npy"))
    right = np.load(folder / "right.npy")
    right[0] = sizes[0]  # the root of the second tree
    replace(folder, "right", right)
    assert_refused(folder, "right child does not come after it in its tree")


def places(value: object, path: tuple = ()) -> list[tuple]:
    """The path of every key in a record."""
    found = []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += [(*path, key), *places(inner, (*path, key))]
    return found


WRONG = ["null", "[]", "{}", '"x"', "-1", "1e999", "[[]]", "true", "9" * 400, "0.5", '{"x": []}']
OF_ANY_MODEL = ("verdict", "out_of_fold", "training", "calibration", "preprocessing", "domain")
ONE_OF_A_KIND = [
    ("svm", LINEAR), ("svm", RBF), ("svm", RAW_RBF), ("forest", FOREST),
    ("logistic", synthetic.GRIDS["logistic"][0]), ("qda", QDA), ("knn", KNN),
    ("mahalanobis", REAL), ("average", AVERAGE),
]  # fmt: skip


@pytest.mark.parametrize(("model", "candidate"), ONE_OF_A_KIND, ids=synthetic.name)
def test_no_record_brings_down_the_reader(copy, model, candidate):
    """Each key removed, or of another type: refused, or of no consequence for the decisions.

    What does not depend on the model is tried with the first of them.
    """
    folder = copy(model, candidate)
    good = json.loads((folder / bundle.FILE).read_text())
    expected = models.decide(bundle.load(folder)[0], InMemoryMatrix(asked()))
    refused = 0
    first = (model, candidate) == ONE_OF_A_KIND[0]
    for *outer, last in places(good):
        if not first and [*outer, last][0] in OF_ANY_MODEL:
            continue
        for wrong in (None, *WRONG):
            record = json.loads(json.dumps(good))
            inner = record
            for key in outer:
                inner = inner[key]
            if wrong is None:
                del inner[last]
            else:
                inner[last] = "WRONG"
            text = json.dumps(record).replace('"WRONG"', wrong or "")
            (folder / bundle.FILE).write_text(text)
            try:
                fitted, _ = bundle.load(folder)
            except BundleError as error:
                assert str(folder) in str(error)  # noqa: PT017
                refused += 1
            else:
                found = models.decide(fitted, InMemoryMatrix(asked()))
                assert found.shape == expected.shape
                assert np.isfinite(found).all()
    assert refused > 100
    for key in ("model", "arrays", "fingerprint", "threshold", "calibration", "format", "features"):
        edited = {name: value for name, value in good.items() if name != key}
        (folder / bundle.FILE).write_text(json.dumps(edited))
        assert_refused(folder, key)
