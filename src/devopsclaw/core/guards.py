"""The gate's answers in the core: roles permit, the risk of the plan asks for a yes, the audit log records.

Not here: the order of the questions (core/gate), the table of risks (core/risk), how an entry is kept
(core/audit), and how a call's record is written (core/call_record).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.call_record import CallRecord, Phases, drafted
from devopsclaw.core.clock import Clock
from devopsclaw.core.gate import Record
from devopsclaw.core.operation import Operation
from devopsclaw.core.rbac import Roles
from devopsclaw.core.risk import phrase, risk
from devopsclaw.model.call import Call
from devopsclaw.model.errors import ApprovalNeeded, Damaged, Denied
from devopsclaw.model.events import CallEnded, Warned
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect, Risk


class CoreGuards:
    """See `core.gate.Guards`. `protected` holds the values of `env` that count as protected; `is_wary`
    asks for a yes before every change, as where a demo has no walls.
    """

    def __init__(
        self,
        roles: Roles,
        audit: AuditLog,
        bus: Bus,
        clock: Clock,
        protected: Collection[str],
        *,
        is_wary: bool = False,
    ) -> None:
        self._roles = roles
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._protected = frozenset(protected)
        self._is_wary = is_wary
        self.counted: Counter[str] = Counter()
        """How often each query of our own state was asked: these have no entry."""

    async def permit(self, operation: Operation, call: Call) -> None:
        """See `Guards.permit`: the actor's role has to reach the operation's."""
        try:
            self._roles.require(call.actor, operation.role, operation.name)
        except Denied as denied:
            await self._record_denial(call, Plan(operation=operation.name, effect=operation.ceiling), denied)
            raise

    async def permit_plan(self, operation: Operation, plan: Plan, call: Call) -> None:
        """See `Guards.permit_plan`: the plan has to stay below the ceiling of its operation."""
        if plan.effect.rank <= operation.ceiling.rank:
            return
        denied = Denied(
            f"{operation.name} may at most {operation.ceiling}, this plan is {plan.effect}: it did not run",
            hint="devopsclaw --help names the operation that is meant for it",
        )
        await self._record_denial(call, plan, denied)
        raise denied

    async def refuse(self, operation: Operation, call: Call, denied: Denied) -> None:
        """See `Guards.refuse`."""
        await self._record_denial(call, Plan(operation=operation.name, effect=operation.ceiling), denied)

    async def approve(self, operation: Operation, plan: Plan, call: Call) -> str:
        """See `Guards.approve`: high risk needs a yes, critical risk the phrase, for exactly this plan."""
        level = self._risk(plan)
        if level < Risk.HIGH:
            return ""
        wanted = phrase(plan)
        accepted = (wanted,) if level is Risk.CRITICAL else ("yes", wanted)
        consent = call.consent
        if consent and consent.phrase in accepted and consent.digest in ("", plan.digest):
            return f"{consent.phrase} by {call.actor.user}"
        raise ApprovalNeeded(
            _why(plan, level, call),
            hint=f"--confirm {wanted} confirms it" if level is Risk.CRITICAL else "--yes confirms it",
            risk=level.word,
            digest=plan.digest,
            phrase=_asked(plan, level),
        )

    def weigh(self, plan: Plan) -> Plan:
        """See `Guards.weigh`."""
        level = self._risk(plan)
        return plan.model_copy(update={"risk": level.word, "phrase": _asked(plan, level)})

    def _risk(self, plan: Plan) -> Risk:
        level = risk(plan, self._protected)
        return max(level, Risk.HIGH) if self._is_wary and level is not Risk.NONE else level

    def audited(
        self, operation: Operation, call: Call, plan: Plan, approval: str
    ) -> AbstractAsyncContextManager[Record]:
        """See `Guards.audited`: intent and outcome of a change, one entry for a read of nodes or by a model;
        queries of our own state are counted.
        """
        is_read = plan.effect is Effect.READ
        is_counted = is_read and not operation.reaches_nodes and call.actor.via != "model"
        if is_counted:
            self.counted[operation.name] += 1
        draft = drafted(call, plan, approval)
        phases: Phases = "none" if is_counted else "single" if is_read else "both"
        return CallRecord(self._audit, self._bus, self._clock, (call, plan, draft), phases)

    async def _record_denial(self, call: Call, plan: Plan, denied: Denied) -> None:
        """It stays denied where the log cannot be written."""
        draft = drafted(call, plan, "").model_copy(
            update={
                "status": "denied",
                "phase": "denied",
                "nodes": {"denied": len(plan.nodes)} if plan.nodes else {},
                "detail": {"error": denied.message},
            }
        )
        try:
            await self._audit.append(draft)
        except Damaged as unwritten:
            self._bus.publish(
                Warned(f"a denial is not in the audit log: {unwritten.message}", unwritten.hint)
            )
        self._bus.publish(CallEnded(call.id, call.operation, "denied", denied.message))


def _asked(plan: Plan, level: Risk) -> str:
    """What a person confirms it with; empty where it just runs."""
    if level < Risk.HIGH:
        return ""
    return phrase(plan) if level is Risk.CRITICAL else "yes"


def _why(plan: Plan, level: Risk, call: Call) -> str:
    """What has to be confirmed, and why the consent that was given does not do."""
    where = f" in {', '.join(plan.environments)}" if plan.environments else ""
    count = f" on {len(plan.nodes)} node{'' if len(plan.nodes) == 1 else 's'}{where}" if plan.nodes else ""
    what = f"{plan.operation} is {plan.effect}{count}, of {level.word} risk"
    consent = call.consent
    if consent is None:
        return f"{what}: it needs a person's yes"
    if consent.digest not in ("", plan.digest):
        return f"{what}: the plan changed since it was confirmed, so it needs a new yes"
    return f"{what}: {consent.phrase!r} does not confirm it"
