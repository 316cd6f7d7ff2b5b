"""What an operation may be handed of an engine it does not know. Boot fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


class FleetView(Protocol):
    """The fleet in one look."""

    def summary(self) -> dict[str, int | str]:
        """Words and numbers for people, in the order they are shown: relay, connection, nodes by state."""
        ...


@dataclass(frozen=True, slots=True)
class FleetPort:
    """Carries the view among the services, which are found by their class."""

    view: FleetView


@dataclass(frozen=True, slots=True)
class RelayAnswer:
    """What a relay said when it was dialled: its public key (hex), and how many nodes it knows."""

    key: str
    nodes: int


@dataclass(frozen=True, slots=True)
class Claims:
    """Carries the way to dial a relay that is not this home's yet: address, claim code → its answer."""

    dial: Callable[[str, str], Awaitable[RelayAnswer]]


@dataclass(frozen=True, slots=True)
class Reach:
    """Carries the opening of the links to nodes: `ready` returns once it is known who is there, or not.

    `forget` tells the relay which nodes were removed; whether it was there to be told.
    """

    ready: Callable[[], Awaitable[None]]
    forget: Callable[[], Awaitable[bool]]
