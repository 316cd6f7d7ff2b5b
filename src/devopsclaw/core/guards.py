"""The gate's answers in the core: roles permit, the risk of the plan asks for a yes, the audit log records.

Not here: the order of the questions (core/gate), the table of risks (core/risk), how an entry is kept
(core/audit), and how a call's record is written (core/call_record).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from devopsclaw.core.approvals import Approvals
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.call_record import CallRecord, Phases, drafted
from devopsclaw.core.clock import Clock
from devopsclaw.core.gate import Record
from devopsclaw.core.operation import Operation
from devopsclaw.core.rbac import Roles
from devopsclaw.core.risk import phrase, risk
from devopsclaw.model.approval import Approval, Standing
from devopsclaw.model.call import Actor, Call
from devopsclaw.model.errors import OTHER, ApprovalNeeded, Damaged, Denied
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
        approvals: Approvals,
        *,
        two_person: Collection[str] = (),
        is_wary: bool = False,
    ) -> None:
        self._roles = roles
        self._audit = audit
        self._bus = bus
        self._clock = clock
        self._protected = frozenset(protected)
        self._approvals = approvals
        self._two_person = frozenset(two_person)
        self._is_wary = is_wary
        self._answers: dict[tuple[str, Actor], Approval] = {}
        """By call and asker: a face names its calls itself, so the id alone is nobody's."""
        self._leaves: dict[str, Leave] = {}
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
        text = await self._leave(plan, level, call)
        self._leaves[call.id] = Leave(call, plan, text)
        return text

    async def _leave(self, plan: Plan, level: Risk, call: Call) -> str:
        """What allows it: an answer, what was allowed above, the asker's own yes. Raises ApprovalNeeded."""
        answer = self._answers.pop((call.id, call.actor), None)
        if answer is not None and answer.plan.digest == plan.digest:
            await self._approvals.use(answer.id)
            return answer.leave
        above = self._leaves.get(call.parent)
        if above is not None and above.covers(plan, call):
            return f"covered: {above.text}"
        needs_other = self._needs_other(plan, level)
        if not needs_other and _is_confirmed(plan, level, call):
            return f"{call.consent.phrase if call.consent else ''} by {call.actor.user}"
        wanted = phrase(plan)
        hint = f"--confirm {wanted} confirms it" if level is Risk.CRITICAL else "--yes confirms it"
        raise ApprovalNeeded(
            f"{_what(plan, level)}: it needs somebody else's yes" if needs_other else _why(plan, level, call),
            hint="--wait-approval asks for it and waits" if needs_other else hint,
            risk=level.word,
            digest=plan.digest,
            phrase=OTHER if needs_other else _asked(plan, level),
        )

    async def ask(self, operation: Operation, plan: Plan, call: Call) -> bool:
        """See `Guards.ask`."""
        level = self._risk(plan)
        before = self._answers.get((call.id, call.actor))
        if not call.waits or level < Risk.HIGH or (before and before.plan.digest == plan.digest):
            return False
        needs_other = self._needs_other(plan, level)
        above = self._leaves.get(call.parent)
        is_covered = above is not None and above.covers(plan, call)
        if is_covered or (not needs_other and _is_confirmed(plan, level, call)):
            return False
        if before is not None:
            await self._approvals.void(before.id, "the plan changed after the yes")
        wanted = phrase(plan) if level is Risk.CRITICAL else ""
        changed_from = before.plan if before else None
        asked = await self._approvals.ask(
            call, plan, level.word, wanted, needs_other=needs_other, before=changed_from
        )
        answer = await self._approvals.answer_of(asked)
        if answer.status is not Standing.ALLOWED:
            denied = Denied(_refused(answer), hint="nothing ran; ask again when it is right")
            await self._record_denial(call, plan, denied)
            raise denied
        self._answers[call.id, call.actor] = answer
        return True

    def _needs_other(self, plan: Plan, level: Risk) -> bool:
        """Whether the owner of this home wants a second person for this."""
        environments = {f"env:{name}" for name in plan.environments}
        return bool(self._two_person & {level.word, plan.operation, *environments})

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
        return self._open(call, CallRecord(self._audit, self._bus, self._clock, (call, plan, draft), phases))

    @asynccontextmanager
    async def _open(self, call: Call, record: CallRecord) -> AsyncIterator[Record]:
        """What allowed a call covers its children for as long as it runs."""
        try:
            async with record:
                yield record
        finally:
            self._leaves.pop(call.id, None)

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
        unused = self._answers.pop((call.id, call.actor), None)
        try:
            await self._audit.append(draft)
            if unused is not None:
                await self._approvals.void(unused.id, "it was not permitted after the yes")
        except Damaged as unwritten:
            self._bus.publish(
                Warned(f"a denial is not in the audit log: {unwritten.message}", unwritten.hint)
            )
        self._bus.publish(CallEnded(call.id, call.operation, "denied", denied.message))


@dataclass(frozen=True, slots=True)
class Leave:
    """What a call was allowed, and by what."""

    call: Call
    plan: Plan
    text: str

    def covers(self, plan: Plan, call: Call) -> bool:
        """Whether it holds for this child too: the same person through the same door, on nodes of its plan,
        doing no more to them.
        """
        return (
            call.actor == self.call.actor
            and plan.effect.rank <= self.plan.effect.rank
            and set(plan.nodes) <= set(self.plan.nodes)
            and bool(plan.nodes)
            and not plan.trust
        )


def _is_confirmed(plan: Plan, level: Risk, call: Call) -> bool:
    """Whether the asker's own yes is one to this plan."""
    wanted = phrase(plan)
    accepted = (wanted,) if level is Risk.CRITICAL else ("yes", wanted)
    consent = call.consent
    return bool(consent and consent.phrase in accepted and consent.digest in ("", plan.digest))


def _refused(answer: Approval) -> str:
    why = f": {answer.reason}" if answer.reason else ""
    if answer.status is Standing.DENIED:
        return f"{answer.id} was denied by {answer.answered_by}{why}"
    return f"{answer.id} is {answer.status}{why}"


def _asked(plan: Plan, level: Risk) -> str:
    """What a person confirms it with; empty where it just runs."""
    if level < Risk.HIGH:
        return ""
    return phrase(plan) if level is Risk.CRITICAL else "yes"


def _what(plan: Plan, level: Risk) -> str:
    """As `fleet.exec is destructive on 4 nodes in prod, of critical risk`."""
    where = f" in {', '.join(plan.environments)}" if plan.environments else ""
    count = f" on {len(plan.nodes)} node{'' if len(plan.nodes) == 1 else 's'}{where}" if plan.nodes else ""
    return f"{plan.operation} is {plan.effect}{count}, of {level.word} risk"


def _why(plan: Plan, level: Risk, call: Call) -> str:
    """What has to be confirmed, and why the consent that was given does not do."""
    what = _what(plan, level)
    consent = call.consent
    if consent is None:
        return f"{what}: it needs a person's yes"
    if consent.digest not in ("", plan.digest):
        return f"{what}: the plan changed since it was confirmed, so it needs a new yes"
    return f"{what}: {consent.phrase!r} does not confirm it"
