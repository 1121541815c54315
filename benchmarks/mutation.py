"""Whether the tests would catch a bug: a sample of small changes, each against its module's tests.

    .venv/bin/python benchmarks/mutation.py [--count 300] [--seed 0] [--jobs 1] [MODULE ...]

A change (DeMillo, Lipton and Sayward 1978, "Hints on test data selection") turns one comparison,
operator, condition, number or word of the code. It is made in a copy of the repository, never in
place. A change that no test fails by has survived: it needs a test, or a line in
benchmarks/equivalent_mutants.tsv that says why nothing could tell it from the original.
Exits with 1 where one survived.
"""

from __future__ import annotations

import argparse
import ast
import copy
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import scipy.optimize  # noqa: F401 - large, and imported once for all changes
import sklearn.metrics
import sklearn.model_selection  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from deepfake.core import tables  # noqa: E402

LIBRARY = "scripts/deepfake"
# The tests of each module.
TESTS = {
    "evaluation/metrics": ("metrics",),
    "evaluation/calibration": ("calibration",),
    "splits/assignment": ("splits",),
    "splits/dealing": ("splits",),
    "splits/sides": ("splits",),
    "splits/equal": ("equal_splits",),
    "splits/leak_audit": ("leak_audit",),
    "splits/duplicates": ("duplicates", "leak_audit"),
    "evaluation/scoring": ("scoring", "metrics"),
    "preprocessing/tracking": ("tracking",),
    "preprocessing/image_hash": ("duplicates", "leak_audit"),
    "workflow/resources": ("resources",),
    "evaluation/model_selection": ("model_selection",),
    "dataset/sheet": ("sheet",),
}
EQUIVALENT = ROOT / "benchmarks" / "equivalent_mutants.tsv"
KNOWN_BY = ("module", "text", "was", "becomes")  # its columns, and `why`
PATIENCE = 600  # seconds after which the tests of a change count as failed: it loops
SWAPPED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    """A line's expression and what it becomes."""

    module: str
    line: int
    text: str  # of that line
    was: str
    becomes: str
    code: str  # of the whole module


def mutants(module: str) -> Iterator[Mutant]:
    """Every change of a module, in the order of its code."""
    source = (ROOT / LIBRARY / f"{module}.py").read_text(encoding="utf-8")
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for node in _run(ast.parse(source)):
        for changed in _changes(node):
            first = starts[node.lineno - 1] + node.col_offset
            last = starts[node.end_lineno - 1] + node.end_col_offset
            whole, becomes = source.encode(), ast.unparse(changed)
            code = whole[:first] + f"({becomes})".encode() + whole[last:]
            text = lines[node.lineno - 1].decode().strip()
            yield Mutant(module, node.lineno, text, ast.unparse(node), becomes, code.decode())


def _run(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions that run: no annotation, docstring, or part of a formatted text."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr | ast.Raise):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.expr):
                yield child
            yield from _run(child)


def _changes(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression may be turned into."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            if type(operator) in SWAPPED:
                changed = copy.deepcopy(node)
                changed.ops[place] = SWAPPED[type(operator)]()
                yield changed
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPPED:
        changed = copy.deepcopy(node)
        changed.op = SWAPPED[type(node.op)]()
        yield changed
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Name) and node.id in NAMES and isinstance(node.ctx, ast.Load):
        yield ast.Name(NAMES[node.id], ast.Load())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(2 * node.value if abs(node.value) > 1 else node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield ast.Constant(f"{node.value} ?")


def spread(possible: list[list[Mutant]], count: int, seed: int) -> list[Mutant]:
    """As many changes of each module, drawn at random; more of the others where one has fewer."""
    shuffled = [
        random.Random(f"{seed} {mine[0].module}").sample(mine, len(mine))
        for mine in possible
        if mine
    ]
    rounds = itertools.zip_longest(*shuffled)
    return [mutant for mutant in itertools.chain(*rounds) if mutant][:count]


def begun(mutant: Mutant, place: Path) -> int:
    """The process that runs a module's tests in a copy of the repository with this change.

    It is forked, so that the large packages are imported once for all changes. It ends with 0
    where every test passed.
    """
    (place / LIBRARY / f"{mutant.module}.py").write_text(mutant.code, encoding="utf-8")
    if pid := os.fork():
        return pid
    signal.alarm(PATIENCE)
    os.chdir(place)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    for name in [name for name in sys.modules if name.split(".")[0] in ("deepfake", "tests")]:
        del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if not entry.startswith(str(ROOT / "scripts"))]
    tests = [f"tests/unit/test_{name}.py" for name in TESTS[mutant.module]]
    code = 1
    try:
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
    finally:
        os._exit(int(code))


def survivors(sample: Sequence[Mutant], folder: str, jobs: int) -> Iterator[Mutant]:
    """The changes that no test failed by; at most `jobs` are tried at once."""
    free = [copied(f"{folder}/{number}") for number in range(jobs)]
    running: dict[int, tuple[Mutant, Path]] = {}
    waiting = list(reversed(sample))
    while waiting or running:
        while waiting and free:
            mutant, place = waiting.pop(), free.pop()
            running[begun(mutant, place)] = mutant, place
        pid, status = os.wait()
        mutant, place = running.pop(pid)
        shutil.copy2(
            ROOT / LIBRARY / f"{mutant.module}.py", place / LIBRARY / f"{mutant.module}.py"
        )
        free.append(place)
        if status == 0:
            yield mutant
        tried = len(sample) - len(waiting) - len(running)
        if tried % 10 == 0:
            print(f"{tried} tried", flush=True)


def copied(folder: str) -> Path:
    """A copy of what git knows of the repository, as it is in the working tree."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode().split("\0")  # fmt: skip
    place = Path(folder)
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}")
    parser.add_argument("--count", type=int, default=300, help="changes tried (default 300)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default 0)")
    parser.add_argument("--jobs", type=int, default=1, help="changes tried at once (default 1)")
    arguments = parser.parse_args()
    if unknown := set(arguments.modules) - set(TESTS):
        parser.error(f"no tests are named for {', '.join(sorted(unknown))}")
    every = [list(mutants(module)) for module in arguments.modules or TESTS]
    known = {tuple(row[name] for name in KNOWN_BY) for row in tables.read(EQUIVALENT)}
    drawn = spread(every, arguments.count, arguments.seed)
    sample = [one for one in drawn if tuple(getattr(one, name) for name in KNOWN_BY) not in known]
    print(f"{len(drawn)} of {sum(map(len, every))} changes, seed {arguments.seed}; "
          f"{len(drawn) - len(sample)} are known to be equivalent", flush=True)  # fmt: skip
    alive = 0
    with tempfile.TemporaryDirectory() as folder:
        for mutant in survivors(sample, folder, arguments.jobs):
            alive += 1
            print(f"{LIBRARY}/{mutant.module}.py:{mutant.line}: {mutant.was}  ->  "
                  f"{mutant.becomes}", flush=True)  # fmt: skip
    caught = len(sample) - alive
    print(f"{caught} of {len(sample)} changes were caught ({caught / max(1, len(sample)):.0%})")
    sys.exit(bool(alive))


if __name__ == "__main__":
    main()
