"""Finds the parts that are one file each: operations in `ops/`, and later providers, steps, links."""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from types import ModuleType
from typing import TypeVar

from devopsclaw.core.operation import Operation
from devopsclaw.model.errors import NotFound

Part = TypeVar("Part")


def discover(package: ModuleType, kind: type[Part]) -> list[Part]:
    """Every module-level object of this kind in the package's modules, in order of module and place."""
    found: list[Part] = []
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for each in vars(module).values():
            if isinstance(each, kind) and not any(each is known for known in found):
                found.append(each)
    return found


class Registry:
    """The operations by name. Two of one name are refused."""

    def __init__(self, operations: list[Operation]) -> None:
        self._operations: dict[str, Operation] = {}
        for each in operations:
            if each.name in self._operations:
                raise ValueError(f"two operations are called {each.name}")
            self._operations[each.name] = each

    def find(self, name: str) -> Operation:
        """The operation of this name; raises NotFound with the nearest names."""
        if name in self._operations:
            return self._operations[name]
        near = get_close_matches(name, self._operations, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "devopsclaw --help lists them"
        raise NotFound(f"there is no operation {name!r}", hint=hint)

    def all(self) -> list[Operation]:
        """All operations, by name."""
        return [self._operations[name] for name in sorted(self._operations)]
