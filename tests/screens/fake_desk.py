"""Requests for a yes at a core that is not there: asked by whom a test likes, answered at the door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.widgets.requests import request_of

from devopsclaw.core.bus import Bus
from devopsclaw.core.operation import Result
from devopsclaw.model.approval import Approval, Standing
from devopsclaw.model.errors import Misused, NotFound
from devopsclaw.model.events import ApprovalAsked, ApprovalClosed
from devopsclaw.model.plan import Plan


class ListedRequests(Result):
    """As `approvals.list` gives it, as far as the console reads it."""

    items: list[Approval]


class ShownRequest(Result):
    """As `approvals.show` gives it."""

    request: Approval


class AnsweredRequest(Result):
    """As `approvals.allow` and `approvals.deny` give it."""

    id: str
    status: str


class FakeDesk:
    """The requests. `answers` are the four operations by name."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.requests: dict[str, Approval] = {}
        self.answered: dict[str, asyncio.Event] = {}
        self.answers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "approvals.list": lambda given: ListedRequests(items=self.waiting()),
            "approvals.show": lambda given: ShownRequest(request=self.find(given["id"])),
            "approvals.allow": lambda given: self.answer(given, Standing.ALLOWED),
            "approvals.deny": lambda given: self.answer(given, Standing.DENIED),
        }

    def waiting(self) -> list[Approval]:
        """Those that wait, newest first."""
        found = [each for each in self.requests.values() if each.status is Standing.WAITING]
        return found[::-1]

    def ask(
        self, plan: Plan | None = None, *, risk: str = "critical", quietly: bool = False, **more: Any
    ) -> Approval:
        """Somebody asks; `quietly`: and nobody here is told."""
        named = {"id": f"A-{17 + len(self.requests)}", "call": f"{len(self.requests):032x}"}
        asked = request_of(plan, risk=risk, **{**named, **more})
        self.requests[asked.id] = asked
        self.answered[asked.id] = asyncio.Event()
        if not quietly:
            self.bus.publish(ApprovalAsked(asked.call, asked.id, asked))
        return asked

    def end(
        self, identifier: str, to: Standing, by: str = "", reason: str = "", *, quietly: bool = False
    ) -> None:
        """It ends elsewhere."""
        told = {"status": to, "answered_by": by, "reason": reason}
        moved = self.requests[identifier] = self.find(identifier).model_copy(update=told)
        self.answered[identifier].set()
        if not quietly:
            self.bus.publish(ApprovalClosed(moved.call, moved.id, moved))

    def withdraw(self, call: str) -> None:
        """Whoever asked is gone."""
        for each in self.waiting():
            if each.call == call:
                self.end(each.id, Standing.VOID, reason="whoever asked has left")

    async def answer_of(self, asked: Approval) -> Approval:
        """Wait for the answer."""
        await self.answered[asked.id].wait()
        return self.find(asked.id)

    def find(self, identifier: str) -> Approval:
        """The request; raises NotFound."""
        if identifier not in self.requests:
            raise NotFound(f"there is no approval {identifier}", hint="devopsclaw approvals list")
        return self.requests[identifier]

    def answer(self, given: dict[str, Any], to: Standing) -> AnsweredRequest:
        """As the core does it: only what waits, and exactly what was read. Raises Misused."""
        asked = self.find(given["id"])
        if asked.status is not Standing.WAITING:
            raise Misused(
                f"{asked.id} is {asked.status} by {asked.answered_by} already",
                hint="devopsclaw approvals list",
            )
        if given["digest"] != asked.digest or (to is Standing.ALLOWED and given["phrase"] != asked.phrase):
            raise Misused(f"that is not what {asked.id} asks for")
        self.end(asked.id, to, "maria", given.get("reason", ""))
        return AnsweredRequest(id=asked.id, status=to.value)
