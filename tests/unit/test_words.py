"""Identifiers use plain words: words of an earlier private dialect do not return."""

import ast
import re
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
PRIVATE = {
    "asked", "asks", "barked", "hears", "heard", "hopeless", "knows", "learnt", "mine", "ours",
    "sees", "speaks", "taught", "theirs", "told", "twin",
}  # fmt: skip
FILES = sorted(SCRIPTS.rglob("*.py"))


def bound(tree: ast.AST) -> list[tuple[str, int]]:
    """Every name that a module defines or binds, with its line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append((node.name, node.lineno))
        elif isinstance(node, ast.arg):
            found.append((node.arg, node.lineno))
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.append((node.id if isinstance(node, ast.Name) else node.attr, node.lineno))
    return found


def words(name: str) -> set[str]:
    """The words of an identifier in snake_case, CamelCase or capitals."""
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("_told", {"told"}), ("ASKED_MB", {"asked", "mb"}), ("RuleEstimate", {"rule", "estimate"})],
)
def test_an_identifier_is_cut_into_words(name, expected):
    assert words(name) == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SCRIPTS)))
def test_identifiers_have_no_private_words(path):
    names = bound(ast.parse(path.read_text(encoding="utf-8")))
    assert [(name, line) for name, line in names if words(name) & PRIVATE] == []
