"""Nothing is too long to be read: file ≤ 350 lines, function ≤ 60; and everything public says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source_tree import ROOT, Module, modules

FILE_LIMIT, FUNCTION_LIMIT = 350, 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the last."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def written_lines(text: str) -> int:
    """Lines that are not blank."""
    return sum(1 for line in text.splitlines() if line.strip())


def test_no_file_is_longer_than_the_limit() -> None:
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py")]
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if (lines := written_lines(path.read_text(encoding="utf-8"))) > FILE_LIMIT
    }

    assert long == {}


def test_no_function_is_longer_than_the_limit() -> None:
    long = [
        f"{module.path}: {function.name} has {length(function)} lines"
        for module in modules()
        for function in functions(module.tree)
        if length(function) > FUNCTION_LIMIT
    ]

    assert long == []


def public(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """Everything that others may use, with its name: the module, its classes, functions and methods."""
    yield module.path, module.tree
    yield from _public(module.path, module.tree)


def _public(where: str, tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{where}: {node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public(f"{where}: {node.name}", node)


def test_everything_public_has_a_docstring() -> None:
    silent = [
        name
        for module in modules()
        if module.text.strip()
        for name, node in public(module)
        if isinstance(node, ast.Module | ast.ClassDef | Function) and not ast.get_docstring(node)
    ]

    assert silent == []


def test_the_door_signs_of_packages_are_empty() -> None:
    assert [module.path for module in modules() if module.path.endswith("__init__.py") and module.text] == []
