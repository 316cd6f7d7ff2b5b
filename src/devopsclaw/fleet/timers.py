"""When what has to be looked at: one heap of steady times. Not a clock, and nothing is ever cancelled in it:
whoever is woken too early, or for nothing, sees that itself."""

from __future__ import annotations

import heapq
from typing import Literal, NamedTuple

TimerKind = Literal["lost", "ask", "overdue"]


class Timer(NamedTuple):
    """`key`: the uid of a node (lost, ask) or the id of a command (overdue)."""

    due: float
    kind: TimerKind
    key: str


class Timers:
    """Timers, the next one first."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []

    def set(self, due: float, kind: TimerKind, key: str) -> None:
        """Wake for this at that time."""
        heapq.heappush(self._heap, Timer(due, kind, key))

    @property
    def due(self) -> float | None:
        """Steady time of the next timer."""
        return self._heap[0].due if self._heap else None

    def take_due(self, steady: float) -> list[Timer]:
        """The timers whose time has come, in order, each once."""
        due: list[Timer] = []
        while self._heap and self._heap[0].due <= steady:
            due.append(heapq.heappop(self._heap))
        return due
