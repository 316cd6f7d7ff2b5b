"""What a node does for its controller. Only `remote` operations exist there, and none of them here."""

from __future__ import annotations

from pydantic import Field

from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import Params, Result, argument, operation, option
from devopsclaw.core.rbac import Role
from devopsclaw.host.runner import Runner
from devopsclaw.model.plan import Plan
from devopsclaw.model.process import OUTPUT_CAP, Outcome
from devopsclaw.model.progress import Progress
from devopsclaw.model.risk import Effect


class HostExec(Params):
    """A command line for this very machine."""

    command: str = argument("Command line, run by /bin/sh.")
    timeout: float | None = option("Seconds until it is stopped.", None)
    grace: float = option("Seconds between TERM and KILL.", 10.0)
    output_cap: int = option("Bytes of output kept whole, per stream.", OUTPUT_CAP)


class HostExecuted(Result):
    """How the command ended; its output lies in the spill files."""

    schema_name = "devopsclaw.host_exec/1"

    outcome: Outcome = Field(description="Exit code, signal, lengths and hashes of the output.")


async def plan_exec(ctx: Ctx, params: HostExec) -> Plan:
    """What the controller signed; its effect was judged there."""
    return Plan(operation="host.exec", effect=Effect.WRITE, run=params.command)


@operation("host.exec", Effect.DESTRUCTIVE, role=Role.OPERATOR, plan=plan_exec, remote=True, for_model=False)
async def execute(ctx: Ctx, params: HostExec) -> HostExecuted:
    """Run a command on this machine under its shim; the call's id is the command's id."""
    runner = ctx.get(Runner)
    started = await runner.start(ctx.call.id, params.command, {}, params.output_cap)
    ctx.get(Progress).report(ctx.call.id, started)
    return HostExecuted(outcome=await runner.wait(ctx.call.id))
