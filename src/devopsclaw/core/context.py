"""What a handler is given: its call, its plan, the services, and the way to further operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.core.services import Services
from devopsclaw.model.call import Actor, Call
from devopsclaw.model.plan import Plan

Service = TypeVar("Service")


class Runner(Protocol):
    """The gate, as far as a handler needs it."""

    bus: Bus
    clock: Clock

    async def run(self, name: str, params: dict[str, Any], actor: Actor, *, parent: str = "") -> Any:
        """Run an operation; see `core.gate.Gate.run`."""
        ...


@dataclass(frozen=True, slots=True)
class Ctx:
    """Handed to planners (then `plan` is empty) and to handlers."""

    call: Call
    plan: Plan
    gate: Runner
    services: Services
    entry: str = ""
    """The call's audit entry, as `E-8840`; empty while a read runs, and for what is only counted."""

    def get(self, kind: type[Service]) -> Service:
        """The engine of this class."""
        return self.services.get(kind)

    def publish(self, event: Any) -> None:
        """Report an event; faces listen."""
        self.gate.bus.publish(event)

    @property
    def clock(self) -> Clock:
        """The injected clock."""
        return self.gate.clock

    async def run(self, name: str, params: dict[str, Any]) -> Any:
        """Run a further operation through the gate, as a child of this call."""
        return await self.gate.run(name, params, self.call.actor, parent=self.call.id)
