"""The audit record of one running call: what was meant before it, what came of it after. Not who may."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Literal

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.model.audit import Draft
from devopsclaw.model.call import Call
from devopsclaw.model.errors import DETACHED, ClawError, Damaged, Denied
from devopsclaw.model.events import CallEnded, CallStarted, Warned
from devopsclaw.model.nodeset import fold
from devopsclaw.model.plan import Plan

Phases = Literal["none", "single", "both"]
"""Which entries a call has: none (counted), one after it, or one before and one after."""


def planned(plan: Plan) -> dict[str, Any]:
    """What an entry's detail says of the plan: with it, the digest can be made again."""
    return plan.model_dump(mode="json", exclude={"operation", "nodes", "target"}, exclude_defaults=True)


def drafted(call: Call, plan: Plan, approval: str) -> Draft:
    """What every entry of this call says."""
    fields = planned(plan)
    if approval:
        fields["approval"] = approval
    return Draft(
        user=call.actor.user,
        action=call.operation,
        target=plan.target,
        status="planned",
        nodes={"pending": len(plan.nodes)} if plan.nodes else {},
        node_names=fold(plan.nodes),
        door=call.actor.door,
        via=call.actor.via,
        call=call.id,
        parent=call.parent,
        digest=plan.digest,
        phase="intent",
        detail=fields,
        demo=call.actor.demo,
    )


class CallRecord:
    """Entered before the handler runs, left after it. See `core.gate.Record`."""

    def __init__(
        self, audit: AuditLog, bus: Bus, clock: Clock, what: tuple[Call, Plan, Draft], phases: Phases
    ) -> None:
        self.entry = ""
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._call, self._plan, self._draft = what
        self._phases = phases
        self._started = clock.steady()
        self._result: Any = None

    def conclude(self, result: Any) -> None:
        """See `Record.conclude`."""
        self._result = result

    async def __aenter__(self) -> CallRecord:
        """Raises Damaged where the intent of a change cannot be written: then nothing runs."""
        try:
            await self._begin()
        except asyncio.CancelledError as cancelled:
            # The intent is on disk by now (see `Database.write`), and nothing will run.
            await self._end(cancelled)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What the block raised goes on; an outcome that cannot be written does not hide it."""
        await self._end(error)

    async def _begin(self) -> None:
        if self._phases == "both":
            self.entry = (await self._audit.append(self._draft)).id
        call = self._call
        self._bus.publish(CallStarted(call.id, call.operation, call.actor.user, self._plan, self.entry))

    async def _end(self, error: BaseException | None) -> None:
        verdict = _verdict(error, self._result)
        comes_later = error is None and self._result.outlives_call
        try:
            if self._phases != "none" and not comes_later:
                outcome = await self._audit.append(self._outcome(error, verdict))
                self.entry = self.entry or outcome.id
        except Damaged as unwritten:
            text = f"the outcome of {self._call.operation} is not in the audit log: {unwritten.message}"
            self._bus.publish(Warned(text, unwritten.hint))
        finally:
            self._bus.publish(CallEnded(self._call.id, self._call.operation, verdict, _said(error)))

    def _outcome(self, error: BaseException | None, verdict: str) -> Draft:
        detail: dict[str, Any] = {} if self._phases == "both" else dict(self._draft.detail)
        if self.entry:
            detail["intent"] = self.entry
        if error is not None and verdict != DETACHED:
            detail["error"] = error.code if isinstance(error, ClawError) else type(error).__name__
            detail["message"] = _said(error)
        elif self._result is not None and self._result.evidence:
            detail["evidence"] = self._result.evidence
        return self._draft.model_copy(
            update={
                "status": verdict,
                "phase": "outcome" if self._phases == "both" else "single",
                "nodes": {} if self._result is None else self._result.node_counts,
                "duration": round(self._clock.steady() - self._started, 3),
                "detail": detail,
            }
        )


def _verdict(error: BaseException | None, result: Any) -> str:
    if error is None:
        return str(result.verdict)
    if isinstance(error, asyncio.CancelledError):
        return DETACHED if DETACHED in error.args else "cancelled"
    return "denied" if isinstance(error, Denied) else "failed"


def _said(error: BaseException | None) -> str:
    """Our own errors are written for people; of others only the name is kept, as they may quote anything."""
    if error is None:
        return ""
    return error.message if isinstance(error, ClawError) else type(error).__name__
