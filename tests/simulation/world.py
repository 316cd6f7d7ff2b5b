"""Virtual time, seeded chance, and the story that a failing seed tells. Nothing here knows the product."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

STORY_LINES = 400
"""Lines of a failing seed's story that are shown: its end, where the failure is."""


class Violation(AssertionError):
    """An invariant does not hold."""


class World:
    """One seed. Events happen in the order of time, those of one time in the order they were made."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now = 0.0
        self.random = Random(seed)
        self.is_calm = False
        """Nothing fails any more."""
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()
        self._story: list[tuple[float, str, tuple[Any, ...]]] = []

    def later(self, delay: float, act: Callable[..., None], *arguments: Any) -> None:
        """Do this after so many seconds."""
        heapq.heappush(self._events, (self.now + delay, next(self._numbers), act, arguments))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] <= until:
            self.now, _, act, arguments = heapq.heappop(self._events)
            act(*arguments)
        self.now = until

    def chance(self, probability: float) -> bool:
        """Whether something bad happens now; never once the world is calm."""
        return probability > 0 and not self.is_calm and self.random.random() < probability

    def between(self, low: float, high: float) -> float:
        """Some number of seconds."""
        return low + (high - low) * self.random.random()

    def tell(self, text: str, *arguments: Any) -> None:
        """A line of the story, formatted only if it is ever read."""
        self._story.append((self.now, text, arguments))

    def story(self) -> str:
        """The story's end as text."""
        lines = [
            f"{at:9.3f}  {text.format(*arguments)}" for at, text, arguments in self._story[-STORY_LINES:]
        ]
        skipped = len(self._story) - len(lines)
        return "\n".join([f"seed {self.seed}, {skipped} earlier lines left out", *lines])
