"""The product's source as trees of syntax: what the walls are checked on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "devopsclaw"
PACKAGE = "devopsclaw"


@dataclass(frozen=True)
class Module:
    """One file: its name as imported, its path below the package, its text and its tree."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def component(self) -> str:
        """The folder or file right below the package that it belongs to."""
        return component_of(self.name)

    def imports(self) -> Iterator[str]:
        """Every dotted name that it imports, anywhere in the file and under TYPE_CHECKING too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def component_of(name: str) -> str:
    """`cli` of `devopsclaw.cli.tree`; empty for the package itself."""
    return name.split(".")[1] if "." in name else ""


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the product, by path."""
    return tuple(_module(path) for path in sorted(SOURCE.rglob("*.py")))


def _module(path: Path) -> Module:
    relative = path.relative_to(SOURCE)
    parts = [PACKAGE, *relative.with_suffix("").parts]
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, relative.as_posix(), text, ast.parse(text))


@cache
def names() -> frozenset[str]:
    """The dotted names of all modules."""
    return frozenset(module.name for module in modules())


def inner_imports(module: Module) -> set[str]:
    """The modules of the product that this one imports, by their own names."""
    found = set()
    for imported in module.imports():
        if imported.split(".")[0] == PACKAGE:
            known = imported if imported in names() else imported.rpartition(".")[0]
            found.add(known)
    return found - {module.name}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call in a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))
