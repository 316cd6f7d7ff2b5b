"""Requests for a person's yes: asked for, answered once, used once. What needs one is judged by core/guards.

Every change of a request is on disk before it is told. A core that ends takes its requests with it: the next
one finds them and closes them as void, since what they would have allowed is gone.
"""

from __future__ import annotations

import asyncio
import sqlite3

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.core.db import Database
from devopsclaw.model.approval import Approval, Standing
from devopsclaw.model.audit import Draft
from devopsclaw.model.call import Actor, Call
from devopsclaw.model.errors import Damaged, Denied, Misused, NotFound
from devopsclaw.model.events import ApprovalAsked, ApprovalClosed, Warned
from devopsclaw.model.nodeset import fold
from devopsclaw.model.plan import Plan

SHORTEST = 8
"""Characters of a digest that name it; fewer could be guessed at by accident."""

KEPT = 1000
"""Requests that are listed at most."""


class Approvals:
    """All requests of this home. `lifetime`: seconds until a request counts as denied."""

    def __init__(self, database: Database, audit: AuditLog, bus: Bus, clock: Clock, lifetime: float) -> None:
        """Use `open`."""
        self._database = database
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._lifetime = lifetime
        self._answered: dict[str, asyncio.Event] = {}

    @classmethod
    async def open(
        cls, database: Database, audit: AuditLog, bus: Bus, clock: Clock, lifetime: float
    ) -> Approvals:
        """Close what earlier cores left: whoever waited there is gone. Raises Damaged."""
        approvals = cls(database, audit, bus, clock, lifetime)
        for left in await approvals.recent(Standing.WAITING, Standing.ALLOWED):
            await approvals._close(left, Standing.VOID, "the core that asked has ended")
        return approvals

    async def ask(
        self, call: Call, plan: Plan, risk: str, phrase: str, *, needs_other: bool, before: Plan | None = None
    ) -> Approval:
        """Put a request on record, and tell everybody. Raises Damaged."""
        now, actor = self._clock.wall(), call.actor

        def insert(writer: sqlite3.Connection) -> Approval:
            last = writer.execute("SELECT coalesce(max(number), 0) FROM approvals").fetchone()[0]
            asked = Approval(
                id=f"A-{last + 1}",
                status=Standing.WAITING,
                plan=plan,
                risk=risk,
                phrase=phrase,
                call=call.id,
                user=actor.user,
                uid=actor.uid,
                door=actor.door,
                via=actor.via,
                needs_other=needs_other,
                before=before,
                asked_at=now,
                expires_at=now + self._lifetime,
            )
            row = (last + 1, call.id, asked.status.value, asked.model_dump_json(), now, asked.expires_at)
            writer.execute("INSERT INTO approvals VALUES (?, ?, ?, ?, ?, ?)", row)
            return asked

        asked = await self._database.write(insert)
        await self._audit.append(_entry(asked, "approvals.ask"))
        self._answered[asked.id] = asyncio.Event()
        self._bus.publish(ApprovalAsked(call.id, asked.id, asked))
        return asked

    async def answer_of(self, asked: Approval) -> Approval:
        """Wait for the answer, at most until it expires. A caller that is cancelled withdraws the request."""
        answered = self._answered[asked.id]
        try:
            async with asyncio.timeout(max(0.0, asked.expires_at - self._clock.wall())):
                await answered.wait()
        except TimeoutError:
            return await self._ended(asked, Standing.EXPIRED, "nobody answered in time")
        except asyncio.CancelledError:
            await self._ended(asked, Standing.VOID, "whoever asked has left")
            raise
        finally:
            self._answered.pop(asked.id, None)
        return await self.find(asked.id)

    async def allow(self, identifier: str, digest: str, phrase: str, actor: Actor) -> Approval:
        """Say yes to exactly what `digest` names. Raises Denied, Misused, NotFound, Damaged."""
        asked = await self._answerable(identifier, digest, actor)
        if asked.needs_other and (actor.uid, actor.user) == (asked.uid, asked.user):
            raise Denied(
                f"{asked.id} was asked for by {asked.user}, and needs somebody else's yes",
                hint="ask a colleague: devopsclaw approvals list",
            )
        if asked.phrase and phrase != asked.phrase:
            raise Misused(
                f"{asked.id} is of critical risk: type {asked.phrase} to allow it",
                hint=f"devopsclaw approvals allow {asked.id} --digest {digest} --phrase {asked.phrase}",
            )
        return await self._answered_by(asked, Standing.ALLOWED, actor, "")

    async def deny(self, identifier: str, digest: str, reason: str, actor: Actor) -> Approval:
        """Say no. Raises Misused, NotFound, Damaged."""
        asked = await self._answerable(identifier, digest, actor)
        return await self._answered_by(asked, Standing.DENIED, actor, reason)

    async def use(self, identifier: str) -> None:
        """Take the yes, once. Raises Denied where it is no yes any more."""
        found = await self.find(identifier)
        await self._move(found, Standing.USED, from_=Standing.ALLOWED)

    async def void(self, identifier: str, why: str) -> None:
        """Close a request or a yes that would allow nothing any more."""
        found = await self.find(identifier)
        if found.status in (Standing.WAITING, Standing.ALLOWED):
            await self._close(found, Standing.VOID, why)

    async def find(self, identifier: str) -> Approval:
        """The request of this id. Raises NotFound."""
        number = identifier.removeprefix("A-")
        rows = await self._rows("WHERE number = ?", (int(number) if number.isdigit() else -1,))
        if not rows:
            raise NotFound(f"there is no approval {identifier}", hint="devopsclaw approvals list")
        return rows[0]

    async def recent(self, *standings: Standing) -> list[Approval]:
        """The newest first; only these, or all."""
        marks = ", ".join("?" * len(standings))
        where = f"WHERE status IN ({marks})" if standings else ""
        return await self._rows(f"{where} ORDER BY number DESC LIMIT {KEPT}", tuple(map(str, standings)))

    async def _rows(self, clause: str, values: tuple[object, ...]) -> list[Approval]:
        def read(reader: sqlite3.Connection) -> list[Approval]:
            found = reader.execute(f"SELECT body FROM approvals {clause}", values)
            return [Approval.model_validate_json(body) for (body,) in found]

        return await self._database.read(read)

    async def _answerable(self, identifier: str, digest: str, actor: Actor) -> Approval:
        """The request, if this actor may answer it and sees what it is. Raises as `allow`."""
        if actor.via:
            raise Denied("only a person answers, never a model or a program in somebody's name")
        asked = await self.find(identifier)
        if asked.status is Standing.WAITING and self._clock.wall() >= asked.expires_at:
            asked = await self._ended(asked, Standing.EXPIRED, "nobody answered in time")
        if asked.status is not Standing.WAITING:
            raise _over(asked)
        if len(digest) < SHORTEST or not asked.digest.startswith(digest):
            raise Misused(
                f"{digest or 'nothing'} is not what {asked.id} asks for",
                hint=f"read it first: devopsclaw approvals show {asked.id}",
            )
        return asked

    async def _answered_by(self, asked: Approval, to: Standing, actor: Actor, reason: str) -> Approval:
        told = {"answered_by": actor.user, "answered_at": self._clock.wall(), "reason": reason}
        return await self._move(asked.model_copy(update=told), to, from_=Standing.WAITING)

    async def _ended(self, asked: Approval, to: Standing, reason: str) -> Approval:
        """End it unless an answer was faster; as it stands then."""
        try:
            return await self._close(asked, to, reason)
        except Misused:
            return await self.find(asked.id)

    async def _close(self, asked: Approval, to: Standing, reason: str) -> Approval:
        closed = await self._move(asked.model_copy(update={"reason": reason}), to, from_=asked.status)
        try:
            await self._audit.append(_entry(closed, "approvals.close"))
        except Damaged as unwritten:
            text = f"the end of {closed.id} is not in the audit log: {unwritten.message}"
            self._bus.publish(Warned(text, unwritten.hint))
        return closed

    async def _move(self, asked: Approval, to: Standing, *, from_: Standing) -> Approval:
        """Bring it from one standing to another; of two at once, the second finds that it is too late."""
        moved = asked.model_copy(update={"status": to})
        number = int(asked.id.removeprefix("A-"))
        row = (to.value, moved.model_dump_json(), number, from_.value)

        def update(writer: sqlite3.Connection) -> int:
            sql = "UPDATE approvals SET status = ?, body = ? WHERE number = ? AND status = ?"
            return writer.execute(sql, row).rowcount

        if not await self._database.write(update):
            raise _over(await self.find(asked.id))
        if event := self._answered.get(asked.id):
            event.set()
        self._bus.publish(ApprovalClosed(asked.call, asked.id, moved))
        return moved


def _entry(asked: Approval, action: str) -> Draft:
    """What the audit log says of a request; its answers are operations, with entries of their own."""
    detail = {"asks": asked.plan.operation, "runs": asked.plan.run, "risk": asked.risk, "bound": asked.digest}
    return Draft(
        user=asked.user,
        action=action,
        target=asked.id,
        status=asked.status.value,
        node_names=fold(asked.plan.nodes),
        door=asked.door,
        via=asked.via,
        call=asked.call,
        digest=asked.plan.digest,
        detail={**detail, "reason": asked.reason} if asked.reason else detail,
    )


def _over(found: Approval) -> Misused:
    who = f" by {found.answered_by}" if found.answered_by else ""
    why = f": {found.reason}" if found.reason else ""
    return Misused(f"{found.id} is {found.status}{who} already{why}", hint="devopsclaw approvals list")
