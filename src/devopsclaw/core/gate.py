"""The gate: the only way an operation runs. The order of `run` is the security policy.

What permits, approves and audits differs between the core and a node (`Guards`); the order does not.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from pydantic import ValidationError

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import Operation
from devopsclaw.core.redact import KNOWN
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.model.call import Actor, Call, Consent
from devopsclaw.model.errors import BadParams, Denied
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect


class Record(Protocol):
    """The audit record of one running call."""

    entry: str
    """The id of the call's first entry, as `E-8840`: of its intent, else, once the block has ended, of its
    outcome; empty where none was written.
    """

    def conclude(self, result: Any) -> None:
        """Keep what the outcome's entry will say."""
        ...


class Guards(Protocol):
    """The three answers in which core and node differ."""

    async def permit(self, operation: Operation, call: Call) -> None:
        """Raises Denied unless this actor may use this operation at all."""
        ...

    async def permit_plan(self, operation: Operation, plan: Plan, call: Call) -> None:
        """Raises Denied unless the plan stays inside what this actor may do, and where."""
        ...

    async def refuse(self, operation: Operation, call: Call, denied: Denied) -> None:
        """Put on record that this was denied while it was planned."""
        ...

    def weigh(self, plan: Plan) -> Plan:
        """The plan with its risk, and what a person would have to confirm it with: for a dry run."""
        ...

    async def ask(self, operation: Operation, plan: Plan, call: Call) -> bool:
        """Ask a person for the yes that this plan needs, where the call waits for one; whether somebody was
        asked, and said yes: then the plan is made again, and this is called again. Raises Denied.
        """
        ...

    async def approve(self, operation: Operation, plan: Plan, call: Call) -> str:
        """The id of the approval, empty where none is needed; raises ApprovalNeeded or Denied."""
        ...

    def audited(
        self, operation: Operation, call: Call, plan: Plan, approval: str
    ) -> AbstractAsyncContextManager[Record]:
        """Intent before the block, outcome after it; raises, and nothing runs, if it cannot write."""
        ...


class Gate:
    """Runs operations. `registry` says which there are; `guards` says who may."""

    def __init__(
        self, registry: Registry, guards: Guards, services: Services, bus: Bus, clock: Clock
    ) -> None:
        self.registry = registry
        self.guards = guards
        self.services = services
        self.bus = bus
        self.clock = clock

    async def run(
        self,
        name: str,
        params: dict[str, Any],
        actor: Actor,
        *,
        parent: str = "",
        consent: Consent | None = None,
        dry_run: bool = False,
        call_id: str = "",
        waits: bool = False,
    ) -> Any:
        """Validate → permit → plan → permit the plan → ask, and plan again → approve → audit → run → audit.

        Returns the operation's result, or its Plan with `dry_run`. `call_id` lets a face listen to
        the events of a call before it starts; with `waits` it waits for somebody's yes where one is needed.
        """
        with KNOWN.cleaning():  # what fails is told to a face, a chat or a model
            operation = self.registry.find(name)
            valid = _validate(operation, params)
            named = {"id": call_id} if call_id else {}
            call = Call(name, valid, actor, parent, consent, dry_run, waits, **named)
            await self.guards.permit(operation, call)
            plan = await self._planned(operation, call)
            await self.guards.permit_plan(operation, plan, call)
            if dry_run:
                return self.guards.weigh(plan)
            while await self.guards.ask(operation, plan, call):  # an answer takes time: is it still so?
                plan = await self._planned(operation, call)
                await self.guards.permit_plan(operation, plan, call)
            approval = await self.guards.approve(operation, plan, call)
            async with self.guards.audited(operation, call, plan, approval) as record:
                result = await operation.handler(self._ctx(call, plan, record.entry), call.params)
                record.conclude(result)
            return await operation.recorded(self._ctx(call, plan, record.entry), result)

    async def _planned(self, operation: Operation, call: Call) -> Plan:
        """The plan; what its making denies is on record like any denial."""
        try:
            nothing = Plan(operation=operation.name, effect=Effect.READ)
            return await operation.plan(self._ctx(call, nothing), call)
        except Denied as denied:
            await self.guards.refuse(operation, call, denied)
            raise

    def _ctx(self, call: Call, plan: Plan, entry: str = "") -> Ctx:
        return Ctx(call, plan, self, self.services, entry)


def _validate(operation: Operation, params: dict[str, Any]) -> Any:
    """The typed params; raises BadParams naming each wrong field."""
    try:
        return operation.params.model_validate(params)
    except ValidationError as wrong:
        details = "; ".join(
            f"{'.'.join(str(part) for part in error['loc']) or 'params'}: {error['msg']}"
            for error in wrong.errors(include_url=False, include_input=False)
        )
        raise BadParams(
            f"{operation.name}: {details}",
            hint=f"devopsclaw {operation.name.replace('.', ' ')} --help",
        ) from wrong
