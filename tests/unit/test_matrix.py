"""Tests of the big array: its bytes, its views and the memory it takes."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepfake.core import tables
from deepfake.features import matrix, row_order
from deepfake.features.matrix import InMemoryMatrix, Matrix, MatrixError
from deepfake.preprocessing import dropped_frames
from deepfake.preprocessing.face_record import ANOTHER

N, SHAPE = 23, (4, 5, 3)
P = 60


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (N, *SHAPE), np.uint8)


def in_batches(pixels: np.ndarray, cuts: int, folder: Path) -> list[tuple[str, int]]:
    """The same faces in so many files; the source of each."""
    folder.mkdir()
    sources = []
    for number, part in enumerate(np.array_split(pixels, cuts)):
        file = str(folder / f"{number}.npy")
        np.save(file, part)
        sources += [(file, position) for position in range(len(part))]
    return sources


@pytest.fixture
def path(pixels, tmp_path) -> Path:
    matrix.gather(in_batches(pixels, 2, tmp_path / "batches"), tmp_path / "matrix.npy")
    return tmp_path / "matrix.npy"


@pytest.mark.parametrize("slab", [matrix.SLAB, N * 7, 1])
def test_bytes_are_equal_whatever_the_cut_in_batches_and_slabs(pixels, tmp_path, monkeypatch, slab):
    written = []
    monkeypatch.setattr(matrix, "SLAB", slab)
    monkeypatch.setattr(matrix, "TILE", 11)  # and 1 row is left over
    for cuts in (1, 2, 5):
        sources = in_batches(pixels, cuts, tmp_path / str(cuts))
        matrix.gather(sources, tmp_path / "matrix.npy")
        written.append((tmp_path / "matrix.npy").read_bytes())
    np.save(tmp_path / "numpy.npy", np.asfortranarray(pixels.reshape(N, -1)))
    assert set(written) == {(tmp_path / "numpy.npy").read_bytes()}


def test_rows_follow_the_order_of_the_sources(pixels, tmp_path):
    sources = in_batches(pixels, 3, tmp_path / "batches")
    order = np.random.default_rng(1).permutation(N)
    matrix.gather([sources[i] for i in order], tmp_path / "matrix.npy")
    assert (np.load(tmp_path / "matrix.npy") == pixels[order].reshape(N, -1)).all()


def test_numpy_reads_the_matrix_in_fortran_order(pixels, path):
    loaded = np.load(path)
    assert loaded.flags.f_contiguous
    assert (loaded == pixels.reshape(N, -1)).all()


VIEWS = {
    "all": lambda seen, plain: (seen, plain),
    "some": lambda seen, plain: (seen.at(np.array([5, 2, 2, 22])), plain[[5, 2, 2, 22]]),
    "some of some": lambda seen, plain: (
        seen.at(np.arange(20, 3, -2)).at(np.array([4, 0])),
        plain[20:3:-2][[4, 0]],
    ),
    "one": lambda seen, plain: (seen.at(np.array([7])), plain[[7]]),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kind", ["matrix", "faces"])
def test_views_agree_with_indexing_in_numpy(pixels, path, kind, view):
    plain = pixels.reshape(N, -1)
    seen, plain = VIEWS[view](Matrix(path) if kind == "matrix" else InMemoryMatrix(pixels), plain)
    assert seen.shape == plain.shape
    for columns in (None, 1, 7, P, 10 * P):
        blocks = [(first, block.copy()) for first, block in seen.blocks(columns)]
        assert [first for first, _ in blocks] == [*range(0, P, min(columns or P, P))]
        assert (np.vstack([block for _, block in blocks]) == plain.T).all()
    some = np.array([0])
    assert (seen.take(some) == plain[some]).all()
    features = np.array([0, 3, 4, 31, 59])
    assert (seen.columns(features) == plain[:, features].T).all()
    assert seen.columns(np.array([], int)).shape == (0, len(plain))
    columns, rows = seen.mapped()
    assert columns.flags.c_contiguous
    assert (columns[:, rows] == plain.T).all()


@pytest.mark.parametrize("columns", [1, 7])
def test_rows_given_at_the_start_are_those_seen(pixels, path, columns):
    rows = np.array([3, 1])
    seen = Matrix(path, rows)
    found = np.vstack([block.copy() for _, block in seen.blocks(columns)])
    assert np.array_equal(found.T, pixels.reshape(N, -1)[rows])


def test_no_rows_are_refused(tmp_path):
    with pytest.raises(MatrixError, match=r"matrix\.npy.*no face was kept"):
        matrix.gather([], tmp_path / "matrix.npy")


def wrong_files(folder: Path) -> dict[str, Path]:
    good = np.zeros((6, 8), np.uint8, order="F")
    files = {name: folder / f"{name}.npy" for name in ("short", "long", "dtype", "text", "cube")}
    np.save(files["short"], good)
    files["short"].write_bytes(files["short"].read_bytes()[:-1])
    np.save(files["long"], good)
    files["long"].write_bytes(files["long"].read_bytes() + b"0")
    np.save(files["dtype"], good.astype(np.float32))
    files["text"].write_text("no array at all")
    np.save(files["cube"], np.zeros((2, 3, 4), np.uint8, order="F"))
    return files


@pytest.mark.parametrize("wrong", ["short", "long", "dtype", "text", "cube"])
def test_a_malformed_file_is_refused_by_its_name(tmp_path, wrong):
    file = wrong_files(tmp_path)[wrong]
    with pytest.raises(MatrixError, match=f"{wrong}.npy"):
        Matrix(file)
    with pytest.raises(MatrixError, match=f"{wrong}.npy"):
        matrix.gather([(str(file), 0)], tmp_path / "matrix.npy")


def test_a_matrix_in_c_order_is_refused_by_its_name(tmp_path):
    np.save(tmp_path / "c.npy", np.zeros((6, 8), np.uint8))
    with pytest.raises(MatrixError, match=r"c\.npy.*Fortran"):
        Matrix(tmp_path / "c.npy")


def test_faces_of_different_sizes_are_refused_by_name(tmp_path):
    np.save(tmp_path / "small.npy", np.zeros((2, 4, 4, 3), np.uint8))
    np.save(tmp_path / "large.npy", np.zeros((2, 5, 5, 3), np.uint8))
    sources = [(str(tmp_path / "small.npy"), 0), (str(tmp_path / "large.npy"), 0)]
    with pytest.raises(MatrixError, match=r"small\.npy.*large\.npy|large\.npy.*small\.npy"):
        matrix.gather(sources, tmp_path / "matrix.npy")


@pytest.mark.parametrize("number", [2, -1])
def test_a_face_that_a_batch_does_not_have_is_refused(tmp_path, number):
    np.save(tmp_path / "faces.npy", np.zeros((2, 4, 4, 3), np.uint8))
    with pytest.raises(MatrixError, match=rf"faces\.npy: has no face {number}"):
        matrix.gather([(str(tmp_path / "faces.npy"), number)], tmp_path / "matrix.npy")


def test_more_batches_than_a_process_may_open_files(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    sources = []
    for number in range(700):
        file = tmp_path / f"{number}.npy"
        np.save(file, np.full((1, 2, 2, 3), number % 256, np.uint8))
        sources.append((str(file), 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (600, before[1]))
    try:
        matrix.gather(sources, tmp_path / "matrix.npy")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert np.load(tmp_path / "matrix.npy")[:, 0].tolist() == [n % 256 for n in range(700)]


MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from deepfake.features import matrix, row_order
folder, n, p = Path(sys.argv[1]), 4000, 307200
with open(folder / "faces.npy", "wb") as file:
    header = {"descr": "|u1", "fortran_order": False, "shape": (n, 320, 320, 3)}
    np.lib.format.write_array_header_1_0(file, header)
    start = file.tell()
    file.truncate(start + n * p)
    file.seek(start + 77 * p + p - 1)
    file.write(b"x")
matrix.gather([(str(folder / "faces.npy"), row) for row in range(n)], folder / "matrix.npy")
assert (folder / "matrix.npy").stat().st_size > 1.2e9
seen = matrix.Matrix(folder / "matrix.npy")
assert sum(np.count_nonzero(block) for _, block in seen.blocks()) == 1
status = Path("/proc/self/status").read_text().split()
print(status[status.index("VmHWM:") + 1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_writing_and_reading_a_matrix_above_a_gigabyte_takes_less_than_half_of_one(tmp_path):
    environment = {"PYTHONPATH": str(Path(matrix.__file__).parents[2])}
    try:
        done = subprocess.run(
            # the shell forks: a process begins with the peak of the one that it was forked from
            ["sh", "-c", '"$0" -c "$1" "$2" || exit 1', sys.executable, MEMORY, str(tmp_path)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for file in tmp_path.glob("*.npy"):
            file.unlink()
    assert done.returncode == 0, done.stderr
    peaks = [int(kilobytes) for kilobytes in done.stdout.split()]
    assert len(peaks) == 2
    assert max(peaks) < 500_000


def record(video: str, frame: int, face: str, status: str = "kept", number: int = 0) -> dict:
    return {
        "video_id": video,
        "frame": str(frame),
        "face": face,
        "status": status,
        "reason": "" if status == "kept" else "no face",
        "crop_row": str(number) if status == "kept" else "",
        "digest": f"d{number}" if status == "kept" else "",
        "phash": f"{video}{number}" if status == "kept" else "",
    }


def test_faces_of_all_batches_are_ordered_by_video_frame_and_face(tmp_path):
    batches = {
        "one": [record("b", 10, "0", number=0), record("b", 9, "1", number=1)],
        "two": [
            record("a", 30, "", "dropped"),
            record("b", 9, "0", number=0),
            record("a", 0, "0", number=1),
        ],
    }
    columns = ("video_id", "frame", "face", "status", "reason", "digest", "phash", "crop_row")
    files = []
    for batch, records in batches.items():
        tables.write(records, tmp_path / f"{batch}.tsv", columns)
        files.append((str(tmp_path / f"{batch}.tsv"), f"{batch}.npy"))
    videos = {
        "a": {"label": "real", "group_id": "g", "method": "", "clip_id": "a"},
        "b": {"label": "fake", "group_id": "h", "method": "swap", "official": "val"},
    }
    rows, records = map(list, row_order.collect([table for table, _ in files], videos))
    sources = row_order.sources(files)
    assert [(r["row"], r["video_id"], r["frame"], r["face"], r["label"]) for r in rows] == [
        (0, "a", "0", "0", "real"),
        (1, "b", "9", "0", "fake"),
        (2, "b", "9", "1", "fake"),
        (3, "b", "10", "0", "fake"),
    ]
    assert [row["official"] for row in rows] == ["", "val", "val", "val"]
    assert [(r["digest"], r["phash"]) for r in rows] == [
        ("d1", "a1"),
        ("d0", "b0"),
        ("d1", "b1"),
        ("d0", "b0"),
    ]
    assert sources == [("two.npy", 1), ("two.npy", 0), ("one.npy", 1), ("one.npy", 0)]
    assert [r["status"] for r in records] == ["kept", "dropped", "kept", "kept", "kept"]
    assert list(row_order.collect([table for table, _ in files[::-1]], videos)[0]) == rows
    assert row_order.sources(files[::-1]) == sources


def test_losses_warn_only_where_the_classes_lose_different_shares():
    real = [record("r", i, "0") | {"label": "real"} for i in range(98)]
    real += [record("r", i, "", "dropped") | {"label": "real"} for i in range(98, 100)]
    even = dropped_frames.count(real + [r | {"label": "fake"} for r in real])
    assert even["real"] == even["fake"]
    assert even["real"] | {"share": 0} == {
        "frames": 100, "kept": 98, "dropped": {"no face": 2}, "share": 0,
    }  # fmt: skip
    assert dropped_frames.skew(even) == ""
    skewed = dropped_frames.count(real[:98] + [r | {"label": "fake"} for r in real[95:]])
    assert "real 0.0%, fake 40.0%" in dropped_frames.skew(skewed)


def test_a_second_person_is_no_loss_but_a_frame_without_the_chosen_one_is():
    def face(frame: int, number: int, reason: str = "") -> dict:
        status = "dropped" if reason else "kept"
        return record("r", frame, str(number), status) | {"label": "real", "reason": reason}

    both = [face(0, 0), face(0, 1, ANOTHER)], [face(1, 0, ANOTHER), face(1, 1)]
    unsure = [face(2, 0, ANOTHER), face(2, 1, "confidence below 0.9"), face(2, 2, ANOTHER)]
    found = dropped_frames.count([*both[0], *both[1], *unsure, face(3, 1, ANOTHER)])["real"]
    assert (found["frames"], found["kept"], found["share"]) == (4, 2, 0.5)
    assert found["dropped"] == {"confidence below 0.9": 1, ANOTHER: 1}
