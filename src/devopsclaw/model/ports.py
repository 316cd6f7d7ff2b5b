"""What an operation may be handed of an engine it does not know. Boot fills it in."""

from __future__ import annotations

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
