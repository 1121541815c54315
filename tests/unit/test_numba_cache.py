"""Tests of where compiled code is kept, and that jobs find it there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite import binding

from deepfake.core import codehash
from deepfake.models import numba_cache
from tests.conftest import COMPILED

SCRIPTS = Path(numba_cache.__file__).parents[2]
KEEP = "import sys; from pathlib import Path; from deepfake.models import numba_cache; " + (
    "numba_cache.keep(Path(sys.argv[1])); "
)
TREES = KEEP + "from deepfake.models.trees import grow; print(sum(grow.stats.cache_hits.values()))"


def start(code: str, *words: str) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")}
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env=environment | {"PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen) -> str:
    told, _ = process.communicate()
    assert process.returncode == 0
    return told.strip()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")


def files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_what_one_job_compiled_the_next_one_finds():
    """It is compiled here unless another test did."""
    folder = COMPILED.parent
    ended(start(TREES, str(folder)))
    assert {name.split("-")[0] for name in files(COMPILED)} == {"trees.grow", "trees.vote"}
    assert ended(start(TREES, str(folder))) == "1"


def test_jobs_that_start_at_once_all_get_sound_code(tmp_path):
    """A small function, in a file, since that is what numba keeps."""
    module = tmp_path / "small.py"
    module.write_text(
        "from numba import njit\n\n@njit('i8(i8)', cache=True)\ndef f(x): return 3*x\n"
    )
    code = KEEP + "sys.path.insert(0, sys.argv[2]); import small; print(small.f(14))"
    started = [start(code, str(tmp_path / "kept"), str(tmp_path)) for _ in range(6)]
    assert [ended(process) for process in started] == ["42"] * 6
    assert len(files(tmp_path / "kept")) == 2  # one index, one function, nothing half written


def test_another_processor_or_other_code_has_a_folder_of_its_own(tmp_path, monkeypatch):
    places = {numba_cache.keep(tmp_path)}
    assert places == {numba_cache.keep(tmp_path)}
    assert os.environ["NUMBA_CACHE_DIR"] == str(*places)
    monkeypatch.setattr(codehash, "of", lambda script: "changed")
    places.add(numba_cache.keep(tmp_path))
    monkeypatch.setattr(binding, "get_host_cpu_name", lambda: "z80")
    places.add(numba_cache.keep(tmp_path))
    assert len(places) == 3
    assert all(place.parent == tmp_path for place in places)


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert numba_cache.keep(tmp_path / "file") is None
    assert not os.environ["NUMBA_CACHE_DIR"]


def test_a_model_without_compiled_code_needs_no_folder():
    numba_cache.keep_beside([])
    assert not os.environ["NUMBA_CACHE_DIR"]
