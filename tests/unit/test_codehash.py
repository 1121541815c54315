"""Tests of what tells Snakemake which code a script's results depend on."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from modulefinder import ModuleFinder
from pathlib import Path

import pytest

from deepfake.core import codehash
from tests.unit.clips import SCRIPTS

RULES = SCRIPTS.parent / "rules"
RULE_TEXT = "".join(path.read_text(encoding="utf-8") for path in RULES.glob("*.smk"))
NAMES = sorted(set(re.findall(r'"\.\./scripts/(\w+)\.py"', RULE_TEXT)))  # the rules' scripts
MODULES = sorted(str(path.relative_to(SCRIPTS)) for path in SCRIPTS.glob("deepfake/**/*.py"))


def forget() -> None:
    for name in ("of", "dependencies", "_imports", "_file", "_version"):
        getattr(codehash, name).cache_clear()


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of scripts/ that may be changed, and that codehash looks at."""
    place = copy_scripts(tmp_path)
    monkeypatch.setattr(codehash, "SCRIPTS", place)
    forget()
    yield place
    forget()


def copy_scripts(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(SCRIPTS, folder / "scripts", ignore=ignored)


def hashes() -> dict[str, dict[str, str]]:
    forget()
    return {name: codehash.of(name) for name in NAMES}


@pytest.fixture(scope="module")
def found_by_python() -> dict[str, set[str]]:
    """Library files of each script, found by the standard library from its bytecode."""
    found = {}
    for name in NAMES:
        finder = ModuleFinder(path=[str(SCRIPTS)])
        finder.run_script(str(SCRIPTS / f"{name}.py"))
        files = (Path(module.__file__) for module in finder.modules.values() if module.__file__)
        found[name] = {str(file.relative_to(SCRIPTS)) for file in files} - {f"{name}.py"}
    return found


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, str]]]:
    """A copy of scripts/, and the hashes of all scripts in it."""
    with pytest.MonkeyPatch.context() as patch:
        place = copy_scripts(tmp_path_factory.mktemp("untouched"))
        patch.setattr(codehash, "SCRIPTS", place)
        return place, hashes()


@pytest.mark.parametrize("module", MODULES)
def test_a_changed_module_changes_the_scripts_that_import_it_and_no_other(
    untouched, found_by_python: dict[str, set[str]], monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    place, before = untouched
    monkeypatch.setattr(codehash, "SCRIPTS", place)
    whole = (place / module).read_bytes()
    (place / module).write_bytes(whole + b"# touched\n")
    codehash.of.cache_clear()  # the imports stay
    after = {name: codehash.of(name) for name in NAMES}
    codehash.of.cache_clear()
    (place / module).write_bytes(whole)
    changed = {name for name in NAMES if after[name] != before[name]}
    assert changed == {name for name in NAMES if module in found_by_python[name]}


@pytest.mark.parametrize("name", ["frames", "faces", "features", "matrix", "split", "fit"])
def test_every_module_that_python_loads_is_seen(name: str) -> None:
    program = (
        "import json, runpy, sys; runpy.run_path(sys.argv[1], run_name='looked at');"
        "print(json.dumps([m.__file__ for n, m in sys.modules.items()"
        " if n.split('.')[0] == 'deepfake']))"
    )
    script = str(SCRIPTS / f"{name}.py")
    told = subprocess.run(
        [sys.executable, "-c", program, script],
        env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {str(Path(file).relative_to(SCRIPTS)) for file in json.loads(told.stdout)}
    assert len(loaded) > 3
    assert loaded <= set(codehash.dependencies(name)[0])


@pytest.mark.parametrize(
    "line",
    [
        "import deepfake.rooms.attic",
        "import os, deepfake.rooms.attic as upstairs",
        "from deepfake.rooms import attic",
        "from deepfake.rooms.attic import thing",
        "def later():\n    from deepfake.rooms import attic",
        "class Later:\n    def now(self):\n        import deepfake.rooms.attic",
        "if False:\n    import deepfake.rooms.attic",
    ],
)
def test_a_module_imported_in_any_way_is_seen_with_its_package(copy: Path, line: str) -> None:
    (copy / "deepfake/rooms").mkdir()
    (copy / "deepfake/rooms/__init__.py").touch()
    (copy / "deepfake/rooms/attic.py").write_text("thing = 1\nfrom deepfake import cellar\n")
    (copy / "deepfake/cellar.py").write_text("import scipy.stats\n")
    (copy / "new.py").write_text(f"{line}\n")
    assert codehash.dependencies("new") == (
        ("deepfake/__init__.py", "deepfake/cellar.py", "deepfake/rooms/__init__.py",
         "deepfake/rooms/attic.py"),
        ("scipy",),
    )  # fmt: skip


def test_no_module_imports_in_a_way_that_is_not_seen() -> None:
    """Names relative to a package are not followed, so there must be none."""
    for path in SCRIPTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path


def test_modules_that_import_each_other_come_to_an_end(copy: Path) -> None:
    (copy / "deepfake/hen.py").write_text("from deepfake import egg\n")
    (copy / "deepfake/egg.py").write_text("from deepfake import hen\n")
    (copy / "new.py").write_text("import deepfake.hen\n")
    assert {"deepfake/hen.py", "deepfake/egg.py"} <= set(codehash.dependencies("new")[0])


def test_a_module_of_a_computed_name_counts_where_it_is_named(copy: Path) -> None:
    forget()
    plain, svm = codehash.of("search"), codehash.of("search", "models.svm")
    forest = codehash.of("search", "models.forest")
    assert plain != svm != forest != plain
    (copy / "deepfake/models/svm.py").write_text("# changed\n")
    forget()
    assert codehash.of("search", "models.svm") != svm
    assert codehash.of("search", "models.forest") == forest
    assert codehash.of("search") == plain


def test_versions_of_imported_packages_count(
    untouched, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same code with other packages is other code; packages not imported do not matter."""
    _, before = untouched
    opencv = {n for n in NAMES if "opencv-python-headless" in codehash.dependencies(n)[1]}
    monkeypatch.setitem(codehash.PACKAGES, "cv2", "numpy")  # another name and version
    after = hashes()
    assert {name for name in NAMES if before[name] != after[name]} == opencv
    assert "frames" in opencv
    assert "split" not in opencv


def test_versions_are_those_installed() -> None:
    found = codehash.versions("faces")
    assert {"numpy", "mtcnn", "tensorflow-cpu", "opencv-python-headless", "pillow"} <= set(found)
    assert all(re.match(r"\d+\.\d+", version) for version in found.values())


def test_every_package_that_a_rules_script_imports_is_known() -> None:
    assert {"frames", "faces", "matrix"} <= set(NAMES)
    files = {f"{name}.py" for name in NAMES}
    for name in NAMES:
        files |= {file for file in codehash.dependencies(name)[0] if file.endswith(".py")}
    files |= {module for module in MODULES if module.startswith("deepfake/models/")}
    packages = {name.split(".")[0] for file in files for name in codehash._imports(file)}
    foreign = packages - set(sys.stdlib_module_names) - {"deepfake"}
    assert foreign <= set(codehash.PACKAGES)


def test_a_changed_template_changes_the_pages_and_nothing_else(untouched, copy: Path) -> None:
    _, before = untouched
    with open(copy / "deepfake/report/templates/style.css", "a", encoding="utf-8") as file:
        file.write("\n")
    after = hashes()
    assert [name for name in NAMES if after[name] != before[name]] == [
        "classify", "enrolment", "leakage_page", "report", "robustness_page", "transfer_page",
        "variants", "verdicts",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "was", "becomes"),
    [
        (
            "inference/training_domain",
            "its faces are {:.0f} pixels wide",
            "faces {:.0f} pixels wide",
        ),
        (
            "splits/duplicates",
            "MOST_BITS, MOST_BITS_CHANGED = 24, 20",
            "MOST_BITS, MOST_BITS_CHANGED = 25, 20",
        ),
        ("preprocessing/dropped_frames", "SKEW = 0.02", "SKEW = 0.03"),
        (
            "dataset/grouping",
            "def components(",
            "def connected(linked):\n    pass\n\n\ndef components(",
        ),
    ],
)
def test_a_text_or_a_threshold_of_a_report_detects_no_face_again(
    untouched, copy: Path, module: str, was: str, becomes: str
) -> None:
    _, before = untouched
    path = copy / f"deepfake/{module}.py"
    text = path.read_text(encoding="utf-8")
    assert was in text
    path.write_text(text.replace(was, becomes), encoding="utf-8")
    after = hashes()
    changed = {name for name in NAMES if after[name] != before[name]}
    assert changed
    assert not changed & {"frames", "faces", "features", "perturbed_faces"}
    if module != "dataset/grouping":  # the sheet is read by it
        assert "rows" not in changed


@pytest.mark.parametrize("name", ["report", "features", "rows", "summary"])
def test_what_needs_no_face_found_does_not_depend_on_the_detector(name: str) -> None:
    modules, packages = codehash.dependencies(name)
    assert not {
        "deepfake/preprocessing/detector.py",
        "deepfake/preprocessing/faces.py",
        "deepfake/preprocessing/tracking.py",
    } & set(modules)
    assert not {"mtcnn", "tensorflow-cpu"} & set(packages)


def test_a_modules_file_of_data_counts_as_the_module(untouched, copy: Path) -> None:
    _, before = untouched
    with open(copy / "deepfake/workflow/published_results.json", "a", encoding="utf-8") as file:
        file.write("\n")
    after = hashes()
    assert [name for name in NAMES if after[name] != before[name]] == ["report", "variants"]


def test_a_changed_record_of_a_model_and_a_new_model_run_nothing_again(
    untouched, copy: Path
) -> None:
    """A formula of memory is in a record; what a job takes from a record is in its params."""
    (_, before), models = untouched, copy / "deepfake/models"
    for name in ("specs/svm", "specs/forest", "model_spec", "job_size"):
        with open(models / f"{name}.py", "a", encoding="utf-8") as file:
            file.write("# changed\n")
    for name in ("oracle", "specs/oracle"):
        (models / f"{name}.py").write_text("SPEC = None\n", encoding="utf-8")
    assert hashes() == before
