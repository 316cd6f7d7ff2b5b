"""The gate's answers on a node: only remote operations, no questions, the journal is the log.

Who signed, for whom and when was judged before the command came into the journal (daemon/machine);
what the core approved is recorded in the envelope.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from devopsclaw.core.operation import Operation
from devopsclaw.model.call import Call
from devopsclaw.model.errors import Denied
from devopsclaw.model.plan import Plan


@dataclass
class Journaled:
    """The node's journal already holds the intent, and takes the outcome from the machine."""

    entry: str = ""

    def conclude(self, result: Any) -> None:
        """Nothing to add: the machine records how the command ended."""


class NodeGuards:
    """See `core.gate.Guards`."""

    async def permit(self, operation: Operation, call: Call) -> None:
        """Raises Denied for whatever is not meant to be run from elsewhere."""
        if not operation.remote:
            raise Denied(f"{operation.name} does not run on a node")

    async def permit_plan(self, operation: Operation, plan: Plan, call: Call) -> None:
        """Nothing beyond what the envelope's checks allowed."""

    async def refuse(self, operation: Operation, call: Call, denied: Denied) -> None:
        """The controller is told by the outcome, which the machine journals."""

    def weigh(self, plan: Plan) -> Plan:
        """A node judges no risk."""
        return plan

    async def ask(self, operation: Operation, plan: Plan, call: Call) -> bool:
        """There is nobody to ask on a node."""
        return False

    async def approve(self, operation: Operation, plan: Plan, call: Call) -> str:
        """A node never asks: approval is the core's duty, its id is in the envelope."""
        return ""

    @asynccontextmanager
    async def audited(
        self, operation: Operation, call: Call, plan: Plan, approval: str
    ) -> AsyncIterator[Journaled]:
        """The journal is written before this block and after it, by the machine's effects."""
        yield Journaled()
