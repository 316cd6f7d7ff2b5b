"""How much a plan may change (effect) and how much that matters here (risk). Not the table: core/risk."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Effect(StrEnum):
    """What a plan may do to the world, weakest first."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"

    @property
    def rank(self) -> int:
        """0 for read, 1 for write, 2 for destructive."""
        return list(Effect).index(self)


class Risk(IntEnum):
    """A pure function of the plan (design §9), lowest first."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """The word shown to people."""
        return self.name.lower()
