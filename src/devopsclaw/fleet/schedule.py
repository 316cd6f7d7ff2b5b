"""In which order and how many at once nodes are sent their command. Pure: `now` is an argument, in seconds.

Not here: sending, retrying, and what an answer means beyond well or not.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from devopsclaw.model.errors import BadParams


class Schedule:
    """A sliding window over the nodes, in their order: when one ends, the next may start.

    With `serial` the window is one node wide, and the next starts no sooner than `delay` seconds after the
    one before has ended. Once more than `max_failures` have failed no further node starts.

    Taken up in the middle: `running` have started and not ended, `failures` have failed before, and nothing
    starts before `not_before`.
    """

    def __init__(
        self,
        nodes: Iterable[str],
        *,
        parallel: int,
        serial: bool = False,
        delay: float = 0.0,
        max_failures: int | None = None,
        running: Iterable[str] = (),
        failures: int = 0,
        not_before: float = -math.inf,
    ) -> None:
        if parallel < 1:
            raise BadParams("at least one node has to run at a time", hint="give --max 1 or more")
        if delay < 0 or (delay > 0 and not serial):
            raise BadParams("--delay is a pause between nodes that run one at a time", hint="add --serial")
        self._waiting = deque(dict.fromkeys(nodes))
        self._running = set(running)
        self._width = 1 if serial else parallel
        self._delay = delay
        self._max_failures = max_failures
        self._failures = failures
        self._not_before = not_before

    @property
    def waiting(self) -> tuple[str, ...]:
        """Nodes that have not started, in order."""
        return tuple(self._waiting)

    @property
    def running(self) -> frozenset[str]:
        """Nodes that have started and not ended."""
        return frozenset(self._running)

    @property
    def is_stopped(self) -> bool:
        """Whether too many have failed."""
        return self._max_failures is not None and self._failures > self._max_failures

    @property
    def is_over(self) -> bool:
        """Whether nothing runs and nothing more will start."""
        return not self._running and (self.is_stopped or not self._waiting)

    def ready(self, now: float) -> list[str]:
        """The nodes to start now; each is given out once."""
        if self.is_stopped or now < self._not_before:
            return []
        room = max(0, min(self._width - len(self._running), len(self._waiting)))
        started = [self._waiting.popleft() for _ in range(room)]
        self._running.update(started)
        return started

    def pause(self, now: float) -> float | None:
        """Seconds until `ready` has a node; None while that waits for one to end, or never comes."""
        if self.is_stopped or not self._waiting or len(self._running) >= self._width:
            return None
        return max(0.0, self._not_before - now)

    def ended(self, node: str, ok: bool, now: float) -> None:
        """This node's part has ended. One that is not running any more, or never was, changes nothing."""
        if node not in self._running:
            return
        self._running.discard(node)
        self._failures += not ok
        self._not_before = now + self._delay

    def cancel(self) -> tuple[str, ...]:
        """Start no more nodes; the names of those that will not start."""
        dropped = self.waiting
        self._waiting.clear()
        return dropped
