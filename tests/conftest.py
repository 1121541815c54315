"""What several kinds of tests use: clips, and the environment that keeps them fast."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deepfake.models import numba_cache
from tests import browser

ROOT = Path(__file__).resolve().parents[1]

# Tests run in a process for each core: further threads of BLAS would only wait for each other.
# Jobs set their own number. Before NumPy is imported.
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# Also where PYTHONDONTWRITEBYTECODE is set: else each process compiles the library again.
sys.dont_write_bytecode = False

# The forest's code, compiled once for all tests of one state of the code.
COMPILED = numba_cache.keep(ROOT / ".pytest_cache" / "compiled")


def made_once(tmp_path_factory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that all workers of a session read: who comes first makes it."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder, part = root / name, root / f"{name}.part"
    with open(root / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(part, ignore_errors=True)
            make(part)
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def demo_clips(tmp_path_factory) -> Path:
    """Six stand-ins in three pairs: 12 short clips, which no test may change."""

    def make(folder: Path) -> None:
        command = [sys.executable, ROOT / "scripts/make_demo.py", "--out", folder]
        subprocess.run([*command, "--pairs", "3", "--frames", "22"], check=True)

    return made_once(tmp_path_factory, "clips", make)


@pytest.fixture(scope="module", autouse=True)
def _closed_browser() -> Iterator[None]:
    """The tests of a module share a browser."""
    yield
    browser.close()


@pytest.fixture(scope="session")
def real_clips() -> Path:
    """The folder of real clips in the layout of FaceForensics++."""
    folder = os.environ.get("DEEPFAKE_TEST_CLIPS", "")
    if not folder:
        pytest.skip("DEEPFAKE_TEST_CLIPS names no folder of clips")
    return Path(folder)
