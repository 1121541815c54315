"""What a script's results depend on besides its inputs: modules and package versions.

Snakemake notices a changed script but not a changed module that it imports. So each rule carries
this hash among its params. The modules are found from the imports themselves (also those inside
functions), not listed by hand. The Snakefile calls this, so nothing heavy is imported.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent

# import name -> the distribution whose version matters
PACKAGES = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "jinja2": "jinja2",
    "joblib": "joblib",
    "llvmlite": "llvmlite",
    "matplotlib": "matplotlib",
    "mtcnn": "mtcnn",
    "numba": "numba",
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow-cpu",
    "threadpoolctl": "threadpoolctl",
}


@cache
def of(script: str, *extra: str) -> str:
    """Hash of a script's library modules and of the versions of the packages they import.

    Args:
        script: name of a file in scripts/, without its ending.
        extra: library modules that the script imports by a computed name, like "models.svm".

    Returns:
        16 hexadecimal digits.
    """
    modules, packages = dependencies(script, *extra)
    digest = hashlib.sha256()
    for module in modules:
        digest.update(f"{module}\n".encode() + (SCRIPTS / module).read_bytes())
    for package in packages:
        digest.update(f"{package} {_version(package)}\n".encode())
    return digest.hexdigest()[:16]


def versions(script: str, *extra: str) -> dict[str, str]:
    """Version of each package that a script's library modules import."""
    return {package: _version(package) for package in dependencies(script, *extra)[1]}


def dependencies(script: str, *extra: str) -> tuple[list[str], list[str]]:
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
    return sorted(modules - {f"{script}.py"}), sorted(packages)


@cache
def _imports(file: str) -> tuple[str, ...]:
    """Dotted names that a file imports; `from a import b` gives both `a` and `a.b`."""
    found = []
    for node in ast.walk(ast.parse((SCRIPTS / file).read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    # importing a.b.c runs the packages a and a.b too
    return tuple(
        ".".join(p[:end]) for p in (n.split(".") for n in found) for end in range(1, len(p) + 1)
    )


def _file(name: str) -> str | None:
    """File of a library module or package, relative to scripts/, or None for a name in one."""
    path = name.replace(".", "/")
    for file in (f"{path}.py", f"{path}/__init__.py"):
        if (SCRIPTS / file).is_file():
            return file
    return None


@cache
def _version(package: str) -> str:
    for name in (package, package.removesuffix("-cpu")):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "absent"
