"""The relay: presence and carrying. On its disk are epochs; nothing that is on its way is ever kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.simulation.keys import CONTROLLER
from tests.simulation.network import Link, Weather
from tests.simulation.world import World

from devopsclaw.wire.frames import Frame, decode


@dataclass(frozen=True)
class Presence:
    """One node's presence, as the controller is told."""

    uid: str
    connected: bool
    epoch: int


@dataclass(frozen=True)
class Welcome:
    """The session is open; `root` is shown as the controller's key, hex."""

    epoch: int
    root: str


class Client(Protocol):
    """A process that dials the relay."""

    def on_message(self, message: Any) -> None:
        """A frame as bytes, or a word of the relay itself."""
        ...


@dataclass
class Session:
    """A node's session."""

    epoch: int
    link: Link


class SimRelay:
    """Loses everything but its epochs in a crash."""

    def __init__(self, world: World, weather: Weather) -> None:
        self.world = world
        self.is_up = True
        self._weather = weather
        self._epochs: dict[str, int] = {}
        self._sessions: dict[str, Session] = {}
        self._controller: Link | None = None

    def dial_node(self, uid: str, arrive: Callable[[Any], None]) -> Link | None:
        """A node connects: a new epoch, durable before anybody hears of it; its old session ends."""
        if not self.is_up:
            return None
        old = self._sessions.pop(uid, None)
        if old is not None:
            old.link.break_off(self.world.between(0.0, 5.0), 0.0)
        epoch = self._epochs[uid] = self._epochs.get(uid, 0) + 1
        link = Link(self.world, self._weather, lambda frame: self._carry_up(frame), arrive)
        self._sessions[uid] = Session(epoch, link)
        link.closed_far = lambda: self._end(uid, epoch)
        link.to_near.send(self._welcome(epoch), straight=True)
        self._tell(Presence(uid, True, epoch))
        self.world.tell("relay: {} is here, epoch {}", uid[:6], epoch)
        return link

    def dial_controller(self, arrive: Callable[[Any], None]) -> Link | None:
        """The controller connects and is told of every node."""
        if not self.is_up:
            return None
        if self._controller is not None:
            self._controller.break_off(0.0, 0.0)
        link = self._controller = Link(self.world, self._weather, self._carry_down, arrive)
        for uid, epoch in self._epochs.items():
            self._tell(Presence(uid, uid in self._sessions, epoch))
        return link

    def crash(self, seconds: float) -> None:
        """Every session dies with it; both ends of each notice in their own time."""
        self.world.tell("relay: CRASH, back in {:.1f} s", seconds)
        self.is_up = False
        links = [session.link for session in self._sessions.values()]
        for link in links + ([self._controller] if self._controller else []):
            link.break_off(self.world.between(0.0, 10.0), 0.0)
        self._sessions.clear()
        self._controller = None
        self.world.later(seconds, self._restart)

    def links(self) -> list[Link]:
        """All open links."""
        found = [session.link for session in self._sessions.values()]
        return found + ([self._controller] if self._controller else [])

    def epoch_of(self, uid: str) -> int:
        """The one live epoch of a node; 0 without a session."""
        session = self._sessions.get(uid)
        return session.epoch if session else 0

    def _restart(self) -> None:
        self.is_up = True

    def _welcome(self, epoch: int) -> Welcome:
        return Welcome(epoch, CONTROLLER.public_hex)

    def _carry_up(self, data: bytes) -> None:
        if self._controller is not None:
            self._controller.to_near.send(data)

    def _carry_down(self, data: bytes) -> None:
        frame: Frame = decode(data)
        session = self._sessions.get(frame.header["node"])
        if session is not None:
            session.link.to_near.send(data)

    def _end(self, uid: str, epoch: int) -> None:
        session = self._sessions.get(uid)
        if session is not None and session.epoch == epoch:
            del self._sessions[uid]
            self._tell(Presence(uid, False, epoch))
            self.world.tell("relay: {} is gone, epoch {}", uid[:6], epoch)

    def _tell(self, presence: Presence) -> None:
        if self._controller is not None:
            self._controller.to_near.send(presence, straight=True)
