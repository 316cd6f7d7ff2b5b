"""The engines that boot opened, found by their class. Passed in `Ctx`, never a global."""

from __future__ import annotations

from typing import Any, TypeVar, cast

Service = TypeVar("Service")


class Services:
    """One object per class. Absent is an error of assembly, not of the user."""

    def __init__(self, *objects: Any) -> None:
        self._objects: dict[type[Any], Any] = {type(each): each for each in objects}

    def add(self, each: Any) -> None:
        """Offer this object under its own class."""
        self._objects[type(each)] = each

    def get(self, kind: type[Service]) -> Service:
        """The one object of this class. Raises LookupError where boot did not open it."""
        if kind not in self._objects:
            raise LookupError(f"boot opened no {kind.__name__}")
        return cast(Service, self._objects[kind])
