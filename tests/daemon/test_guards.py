"""The gate's answers on a node."""

from __future__ import annotations

import pytest

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.context import Ctx
from devopsclaw.core.gate import Gate
from devopsclaw.core.operation import NoParams, Operation, Result, operation
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.daemon.guards import NodeGuards
from devopsclaw.model.call import Actor, Call
from devopsclaw.model.errors import Denied
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

CONTROLLER = Actor("controller abcdef", "relay")


class Done(Result):
    """It ran."""

    schema_name = "test.done/1"


async def plan_wipe(ctx: Ctx, params: NoParams) -> Plan:
    """The most that there is."""
    nodes = tuple(f"n{number}" for number in range(100))
    return Plan(operation="test.wipe", effect=Effect.DESTRUCTIVE, nodes=nodes, environments=("prod",))


@operation("test.wipe", Effect.DESTRUCTIVE, plan=plan_wipe, remote=True)
async def wipe(ctx: Ctx, params: NoParams) -> Done:
    """Wipe everything."""
    return Done()


@operation("test.config", Effect.WRITE, plan=plan_wipe)
async def configure(ctx: Ctx, params: NoParams) -> Done:
    """Change the core's own settings."""
    return Done()


def gate() -> Gate:
    """A node's gate, with an operation in it that is not meant to be there."""
    operations: list[Operation] = [wipe, configure]
    return Gate(Registry(operations), NodeGuards(), Services(), Bus(), ManualClock())


async def test_a_remote_operation_runs_and_nobody_is_asked_here() -> None:
    assert await gate().run("test.wipe", {}, CONTROLLER) == Done()


async def test_what_is_not_remote_does_not_run_on_a_node_whoever_asks() -> None:
    with pytest.raises(Denied, match="does not run on a node"):
        await gate().run("test.config", {}, CONTROLLER)


async def test_the_journal_is_the_record_so_there_is_no_entry() -> None:
    guards = NodeGuards()
    call = Call("test.wipe", NoParams(), CONTROLLER)
    plan = Plan(operation="test.wipe", effect=Effect.READ)

    assert await guards.approve(wipe, plan, call) == ""
    async with guards.audited(wipe, call, plan, "") as record:
        record.conclude(Done())
    assert record.entry == ""
