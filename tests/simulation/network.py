"""Links between processes: reliable and in order until they break; then everything on its way is gone.

A hostile link also repeats, overtakes and swallows single messages, and lets the dead speak: messages of
a broken link may still arrive. The relay may do all that to frames; its own presence it tells straight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.world import World


@dataclass(frozen=True)
class Weather:
    """Chances per message. A calm world has none of it."""

    repeat: float = 0.0
    overtake: float = 0.0
    swallow: float = 0.0
    haunt: float = 0.0


class Pipe:
    """One direction of a link."""

    def __init__(self, world: World, weather: Weather, arrive: Callable[[Any], None]) -> None:
        self._world = world
        self._weather = weather
        self._arrive = arrive
        self._last = 0.0
        self._is_open = True

    def send(self, message: Any, straight: bool = False) -> None:
        """On its way; `straight` keeps the weather off it."""
        world, weather = self._world, self._weather
        if not straight and world.chance(weather.swallow):
            world.tell("  network: swallowed a message")
            return
        arrival = max(self._last, world.now + world.between(0.0005, 0.03))
        if not straight and world.chance(weather.overtake):
            arrival = world.now + world.between(0.0005, 2.0)
        else:
            self._last = arrival
        world.later(arrival - world.now, self._deliver, message)
        if not straight and world.chance(weather.repeat):
            world.later(arrival - world.now + world.between(0.0, 20.0), self._deliver, message)

    def stall(self, seconds: float) -> None:
        """Nothing arrives for so long; then all of it."""
        self._last = max(self._last, self._world.now + seconds)

    def break_off(self) -> None:
        """What has not arrived does not arrive any more."""
        self._is_open = False

    def _deliver(self, message: Any) -> None:
        if self._is_open or self._world.chance(self._weather.haunt):
            self._arrive(message)


class Link:
    """Two pipes with a `near` and a `far` end; each end notices by itself that it broke."""

    def __init__(
        self,
        world: World,
        weather: Weather,
        arrive_far: Callable[[Any], None],
        arrive_near: Callable[[Any], None],
    ) -> None:
        self.world = world
        self.to_far = Pipe(world, weather, arrive_far)
        self.to_near = Pipe(world, weather, arrive_near)
        self.is_open = True
        self.closed_near: Callable[[], None] = lambda: None
        self.closed_far: Callable[[], None] = lambda: None

    def break_off(self, notice_near: float, notice_far: float) -> None:
        """The link is dead; the ends notice after so many seconds."""
        if not self.is_open:
            return
        self.is_open = False
        self.to_far.break_off()
        self.to_near.break_off()
        self.world.later(notice_near, self._notice, "closed_near")
        self.world.later(notice_far, self._notice, "closed_far")

    def _notice(self, end: str) -> None:
        notice: Callable[[], None] = getattr(self, end)
        notice()
