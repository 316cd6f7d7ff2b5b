"""Which events a listener at a door wants: a value, so that it can be sent. Not the events themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ALWAYS = frozenset({"Gap"})
"""Kinds that nobody can do without: a gap says that the state has to be asked for again."""


@dataclass(frozen=True, slots=True)
class Interest:
    """Events of these kinds (names of their classes), of these calls or of these runs. An empty set sets
    no bound of its own; an event without a call is nobody's, so it is everybody's.
    """

    kinds: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *kinds: type[Any]) -> Interest:
        """Events of these classes, whosever they are."""
        return cls(frozenset(kind.__name__ for kind in kinds))

    def wants(self, event: Any) -> bool:
        """Whether this event is to be told."""
        kind = type(event).__name__
        if kind in ALWAYS:
            return True
        if self.kinds and kind not in self.kinds:
            return False
        if not self.calls and not self.runs:
            return True
        call, run = getattr(event, "call", ""), getattr(event, "run", "")
        return not (call or run) or call in self.calls or run in self.runs


EVERYTHING = Interest()
