"""Files that are being written: no two processes share one, and what is left of them goes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cluster import controller
from deepfake.core import job, partial_files
from deepfake.features.matrix import InMemoryMatrix
from deepfake.models import mesonet
from deepfake.models.registry import Training
from tests.unit.clips import SCRIPTS

HOST = socket.gethostname().partition(".")[0]
DEAD = 2**22 + 1  # more than the kernel gives


def by_python(code: str, *words: str) -> str:
    """What another process prints."""
    command = [sys.executable, "-c", code, *words]
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout


def test_two_copies_of_a_job_write_to_two_files(tmp_path):
    place = tmp_path / "out" / "faces.npy"
    copy = job.Job({}, {"faces": [str(place)]}, {})
    mine = Path(copy.write("faces"))
    code = "from deepfake.core import partial_files; print(partial_files.path_for(sys.argv[1]))"
    other = by_python(f"import sys; {code}", str(place)).strip()
    assert mine.name == f".part.{HOST}-{os.getpid()}.faces.npy"
    assert Path(other).parent == mine.parent
    assert Path(other) != mine


@pytest.fixture
def left(tmp_path) -> Path:
    """A folder of results in which a job works, and others have been killed."""
    faces = tmp_path / "results" / "run" / "faces"
    faces.mkdir(parents=True)
    for name in ("b1.npy", ".part.b0.npy"):  # the second as earlier versions called it
        (faces / name).touch()
    (faces / f".part.{HOST}-{os.getpid()}.b1.npy").touch()
    (faces / f".part.{HOST}-{DEAD}.b2.npy").touch()
    (faces / ".part.node-7-12.b3.npy").mkdir()
    (faces / ".part.node-7-12.b3.npy" / "inner").touch()
    return faces


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_but_the_parts_of_living_processes_go_when_no_job_runs(left, tmp_path):
    said: list[str] = []
    controller.remove_partial_files(tmp_path, said.append)
    assert names(left) == [f".part.{HOST}-{os.getpid()}.b1.npy", "b1.npy"]
    assert said[0].startswith("removed 3 incomplete files of killed jobs, such as ")
    controller.remove_partial_files(tmp_path, said.append)
    assert len(said) == 1


def test_parts_of_other_hosts_stay_while_jobs_may_run(left, tmp_path):
    partial_files.remove_abandoned(tmp_path / "results", jobs_may_run=True)
    mine = f".part.{HOST}-{os.getpid()}.b1.npy"
    others = (".part.b0.npy", ".part.node-7-12.b3.npy")
    assert set(names(left)) == {*others, mine, "b1.npy"}


TAKE = """
import sys
from pathlib import Path
from deepfake.core import partial_files
try:
    with partial_files.lock(Path(sys.argv[1])):
        print("taken")
except partial_files.BusyError as error:
    print(error)
"""


def test_a_folder_is_one_processs_until_it_is_done(tmp_path):
    folder = tmp_path / "a.checkpoint"
    with partial_files.lock(folder):
        told = by_python(TAKE, str(folder)).strip()
        assert told == (
            f"{folder}: another copy of this job uses it (process {os.getpid()} of {HOST})"
        )
    assert by_python(TAKE, str(folder)).strip() == "taken"


def test_a_training_does_not_touch_the_checkpoint_of_a_living_copy(tmp_path):
    folder = tmp_path / "table.checkpoint"
    training = Training(
        InMemoryMatrix(np.zeros((2, 12), np.uint8)), np.array([True, False]), folder=folder
    )
    with (
        partial_files.lock(folder),
        pytest.raises(partial_files.BusyError, match="another copy of this job"),
    ):
        mesonet.course({"side": 2}, training, np.array([0]), np.array([1]))
    assert names(folder) == ["lock"]
