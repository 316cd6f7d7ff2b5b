"""A process that does what its machine asks, strictly in order, and may die between any two effects."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from tests.simulation.world import World

from devopsclaw.model.moment import Moment


class Actor:
    """`life` grows with each death, so that nothing of an earlier life acts in a later one."""

    def __init__(self, world: World, name: str, crash_chance: float, is_batching: bool) -> None:
        self.world = world
        self.name = name
        self.life = 0
        self.is_up = False
        self._crash_chance = crash_chance
        self._is_batching = is_batching
        self._effects: deque[Any] = deque()
        self._is_draining = False

    def feed(self, effects: Iterable[Any]) -> None:
        """Do these after all that wait already."""
        self._effects.extend(effects)
        if self._effects and not self._is_draining:
            self._is_draining = True
            self.mine(self.world.between(0.0, 0.004), self._drain)

    def mine(self, delay: float, act: Callable[..., None], *arguments: Any) -> None:
        """Do this later, if this life lasts so long."""
        self.world.later(delay, self._if_alive, self.life, act, arguments)

    def die(self) -> None:
        """Everything in memory is gone."""
        self.life += 1
        self.is_up = False
        self._effects.clear()
        self._is_draining = False

    def now(self) -> Moment:
        """This machine's clocks."""
        return Moment(self.world.now, self.world.now)

    def perform(self, effect: Any) -> None:
        """Do one effect."""
        raise NotImplementedError

    def crash(self) -> None:
        """Die, with what that does to disks and links, and come back later."""
        raise NotImplementedError

    def write(self, effects: Iterable[Any]) -> None:
        """Write the records among these effects, and make them durable."""
        raise NotImplementedError

    def _if_alive(self, life: int, act: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        if life == self.life and self.is_up:
            act(*arguments)

    def _drain(self) -> None:
        """Some or all of what waits. A batching driver makes all records of a batch durable first."""
        life = self.life
        batch = list(self._effects)
        if self._is_batching:
            self.write(batch)
        for effect in batch:
            if self.world.chance(self._crash_chance):
                self.crash()
            if life != self.life:
                return
            self._effects.popleft()
            if not self._is_batching:
                self.write([effect])
            if life != self.life:
                return
            self.perform(effect)
        self._is_draining = False
        self.feed(())
