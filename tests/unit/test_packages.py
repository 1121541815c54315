"""No package of the library imports one above it, and no module imports itself by a way around."""

import ast
import graphlib
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "scripts" / "deepfake"
# Level by level, the lowest first; packages of one level do not import each other.
LEVELS = (
    {"core"},
    {"dataset", "preprocessing"},
    {"features", "splits"},
    {"evaluation"},
    {"models"},
    {"inference", "person"},
    {"workflow"},
    {"report"},
)
LEVEL_OF = {name: number for number, level in enumerate(LEVELS) for name in level}
MODULES = sorted(path for path in LIBRARY.rglob("*.py") if path.parent != LIBRARY)


def name_of(path: Path) -> str:
    return ".".join(("deepfake", *path.relative_to(LIBRARY).with_suffix("").parts))


NAMES = {name_of(path) for path in MODULES}


def imported(path: Path) -> set[str]:
    """The library's modules that a module imports, in functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("deepfake"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in NAMES else node.module)
    return found


def test_every_package_has_its_level() -> None:
    packages = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    assert packages == set(LEVEL_OF)
    assert [path.name for path in LIBRARY.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_package_imports_one_above_it_or_beside_it(path: Path) -> None:
    mine = path.relative_to(LIBRARY).parts[0]
    for name in imported(path):
        theirs = name.split(".")[1]
        assert theirs == mine or LEVEL_OF[theirs] < LEVEL_OF[mine], name


def test_modules_import_in_one_direction() -> None:
    assert len(NAMES) > 80
    order = graphlib.TopologicalSorter({name_of(path): imported(path) for path in MODULES})
    order.prepare()  # raises CycleError, which names the modules


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("__init__.py")), ids=name_of)
def test_a_package_itself_does_nothing(path: Path) -> None:
    """Importing a.b runs a, so code there would be part of every module's hash."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    if path.parent.name == "report":  # before anything there imports matplotlib
        assert [ast.unparse(line) for line in body[1:]] == [
            "from deepfake.core import library_folders",
            "library_folders.keep_out_of_home()",
        ]
        body = body[:1]
    assert len(body) == 1
    assert ast.get_docstring(ast.Module(body, []))
