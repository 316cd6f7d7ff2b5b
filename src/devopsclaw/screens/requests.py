"""The requests for somebody's yes, as this console knows them. Not how they look or are answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from devopsclaw.model.approval import Approval, Standing

KEPT = 50
"""Requests that are over and still known here; all of them are on record."""


@dataclass(slots=True)
class Requests:
    """Those that wait, and what has become of the others since the console opened."""

    mine: set[str] = field(default_factory=set)
    """Calls of this console's own forms: what they wait for is shown there, and not docked."""
    _waiting: dict[str, Approval] = field(default_factory=dict)
    _over: dict[str, Approval] = field(default_factory=dict)
    _arrived: list[Approval] = field(default_factory=list)
    _ended: list[Approval] = field(default_factory=list)

    @property
    def waiting(self) -> list[Approval]:
        """Those that wait, oldest first."""
        return sorted(self._waiting.values(), key=lambda each: number(each.id))

    @property
    def docked(self) -> list[Approval]:
        """Those that wait and come from elsewhere, oldest first."""
        return [each for each in self.waiting if each.call not in self.mine]

    def find(self, identifier: str) -> Approval | None:
        """The request with this id as it stands now, if it is known here."""
        return self._waiting.get(identifier) or self._over.get(identifier)

    def of(self, call: str) -> Approval | None:
        """The request that this call waits for."""
        return next((each for each in self._waiting.values() if each.call == call), None)

    def take(self, request: Approval) -> None:
        """Hear of a request. What is over never waits again, so news may come late, twice or crosswise."""
        if request.status is not Standing.WAITING:
            self._end(request)
        elif request.id not in self._over and request.id not in self._waiting:
            self._waiting[request.id] = request
            self._arrived.append(request)

    def unsure(self, listed: Iterable[str]) -> list[str]:
        """Ids whose standing has to be asked for, where the core lists these as waiting."""
        return sorted(set(listed) ^ self._waiting.keys(), key=number)

    def news(self) -> tuple[list[Approval], list[Approval]]:
        """Those from elsewhere that arrived, and those that ended, since this was asked last."""
        arrived = [each for each in self._arrived if each.id in self._waiting and each.call not in self.mine]
        ended = [each for each in self._ended if each.call not in self.mine]
        self._arrived, self._ended = [], []
        return arrived, ended

    def _end(self, request: Approval) -> None:
        if self._waiting.pop(request.id, None) is not None:
            self._ended.append(request)
        self._over[request.id] = request
        for identifier in list(self._over)[: max(len(self._over) - KEPT, 0)]:
            del self._over[identifier]


def number(identifier: str) -> int:
    """The number of an id: 17 for A-17."""
    return int(identifier.removeprefix("A-"))


def ending(request: Approval) -> str:
    """How it ended, in a sentence: `A-17 denied by tomas: not now`."""
    said = "allowed" if request.status is Standing.USED else request.status.value
    who = f" by {request.answered_by}" if request.answered_by else ""
    why = f": {request.reason}" if request.reason else ""
    return f"{request.id} {said}{who}{why}"
