"""Find the modules and package versions that a script's results depend on.

Snakemake notices a changed script but not a changed module that it imports. So each rule carries
these among its params, one by one, so that `make why` can name the one that changed. The modules
are found from the imports themselves (also those inside functions), not listed by hand. The
Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]

# import name -> distribution
PACKAGES = {
    "PIL": "pillow",
    "av": "av",
    "cv2": "opencv-python-headless",
    "jinja2": "jinja2",
    "joblib": "joblib",
    "keras": "keras",
    "llvmlite": "llvmlite",
    "markupsafe": "markupsafe",
    "matplotlib": "matplotlib",
    "mtcnn": "mtcnn",
    "numba": "numba",
    "numpy": "numpy",
    "pydantic": "pydantic",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow-cpu",
    "threadpoolctl": "threadpoolctl",
    "yaml": "pyyaml",
}


@cache
def of(script: str, *extra: str) -> dict[str, str]:
    """A script's library modules with their hashes, and the packages they import with versions.

    Args:
        script: name of a file in scripts/, without its ending.
        extra: library modules that the script imports by a computed name, like "models.svm".

    Returns:
        12 hexadecimal digits by module file ("deepfake/dataset/sheet.py"), then version by package;
        both in alphabetical order, because Snakemake compares the text of it.
    """
    modules, packages = dependencies(script, *extra)
    hashes = {module: _digest(module) for module in modules}
    return hashes | {package: _version(package) for package in packages}


def versions(script: str, *extra: str) -> dict[str, str]:
    """Version of each package that a script's library modules import."""
    return {package: _version(package) for package in dependencies(script, *extra)[1]}


def installed() -> dict[str, str]:
    """Version of every package that any result depends on, and of Snakemake."""
    return {name: _version(name) for name in sorted([*PACKAGES.values(), "snakemake"])}


@cache
def dependencies(script: str, *extra: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Library files (relative to scripts/) and packages that a script imports, both sorted."""
    waiting = [f"{script}.py"] + [_file(f"deepfake.{name}") for name in extra]
    modules: set[str] = set()
    packages: set[str] = set()
    while waiting:
        file = waiting.pop()
        if file is None or file in modules:
            continue
        modules.add(file)
        for name in _imports(file):
            if name.split(".")[0] == "deepfake":
                waiting.append(_file(name))
            elif name.split(".")[0] in PACKAGES:
                packages.add(PACKAGES[name.split(".")[0]])
    for module in list(modules):  # a page is its template too, and a module its file of data
        path = SCRIPTS / module
        read = [*(path.parent / "templates").glob("*"), path.with_suffix(".json")]
        modules.update(str(file.relative_to(SCRIPTS)) for file in read if file.is_file())
    return tuple(sorted(modules - {f"{script}.py"})), tuple(sorted(packages))


@cache
def _imports(file: str) -> tuple[str, ...]:
    """Dotted names that a file imports; `from a import b` gives both `a` and `a.b`."""
    found = []
    for node in _statements(ast.parse((SCRIPTS / file).read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    # importing a.b.c runs the packages a and a.b too
    return tuple(
        ".".join(p[:end]) for p in (n.split(".") for n in found) for end in range(1, len(p) + 1)
    )


def _statements(block: ast.AST) -> Iterator[ast.AST]:
    """All statements in a block, however deep; what is inside them is of no interest here."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = getattr(block, part, None)
        for node in (
            inner if isinstance(inner, list) else []
        ):  # a conditional expression has no list
            yield node
            yield from _statements(node)


@cache
def _file(name: str) -> str | None:
    """File of a library module or package, relative to scripts/, or None for a name in one."""
    path = name.replace(".", "/")
    for file in (f"{path}.py", f"{path}/__init__.py"):
        if (SCRIPTS / file).is_file():
            return file
    return None


def _digest(file: str) -> str:
    return hashlib.sha256((SCRIPTS / file).read_bytes()).hexdigest()[:12]


@cache
def _version(package: str) -> str:
    for name in (package, package.removesuffix("-cpu")):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "absent"
