"""Everything that runs long: what runs, what ran, and stopping it. Executions so far."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from devopsclaw.core.clock import stamp
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import Params, Result, argument, operation, option
from devopsclaw.core.rbac import Role
from devopsclaw.core.runs import Run
from devopsclaw.fleet.execution import Standing, require_unknown
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.model.errors import BadParams
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State
from devopsclaw.model.value import Value
from devopsclaw.ops.ran import (
    PAUSED,
    Ran,
    Shown,
    TakenUp,
    execution_of,
    fields_of,
    goes_on,
    hint_of,
    latest,
    word_of_run,
)

OVER = Standing({}, {})
"""Of a run that is closed: nothing more is asked of it."""


class JobItem(Value):
    """One job of a list."""

    run: str = Field(description="Id of the run, as X-31.")
    status: str = Field(
        description="The worst of the nodes: ok, failed, unknown …; cancelled by a person; running; or"
        " paused: the nodes that are pending wait for a person."
    )
    command: str = Field(description="The command line.")
    target: str = Field(description="The target expression.")
    nodes: int = Field(description="How many nodes.")
    user: str = Field(description="Who asked for it.")
    started_at: str = Field(description="When it was asked for, RFC 3339.")
    duration: float | None = Field(description="Seconds from start to end; null while the end is not known.")
    last_heard: str = Field(
        default="", description="When a node that may still tell more last said where it stands."
    )
    entry: str = Field(description="Its audit entry, as E-8840.")


class JobList(Result):
    """Jobs, newest first."""

    schema_name = "devopsclaw.jobs/1"
    columns = (
        ("RUN", "run"),
        ("STATUS", "status"),
        ("NODES", "nodes"),
        ("USER", "user"),
        ("STARTED", "started_at"),
        ("LAST HEARD", "last_heard"),
        ("TARGET", "target"),
        ("COMMAND", "command"),
    )

    items: list[JobItem] = Field(description="The jobs.")
    next: str | None = Field(default=None, description="Where the list goes on; null at its end.")
    hint: str = Field(default="", description="How to know more of jobs that nobody follows now.")


class ListJobs(Params):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = option("Most jobs to list.", 50)
    before: str = option("Only jobs before this one, as X-31: where a list said that it goes on.", "")


class OneJob(Params):
    """A job."""

    run: str = argument("Id of the run, as X-31.")


class Resume(OneJob):
    """A job, and whether to wait for it."""

    detach: bool = option("Return once it is under way; it goes on without this command.", False)
    reason: str = option("Why; it stands in the audit trail.", "")


class Settle(OneJob):
    """A node's part of a job, and how it ended."""

    node: str = option("The node whose part is unknown.")
    outcome: Literal["ok", "failed"] = option("How it ended: ok or failed.", flag="--as")
    reason: str = option("How you know; it stands in the audit trail.")


@operation("jobs.list", Effect.READ, role=Role.VIEWER)
async def list_jobs(ctx: Ctx, params: ListJobs) -> JobList:
    """List what runs and what ran, newest first.

    No node is asked: a job that nobody follows now stands as it was last heard of.

    devopsclaw jobs list
    """
    executions = ctx.get(Fleet).executions
    found = await executions.recent(params.limit + 1, params.before)
    shown = found[: params.limit]
    standing = {run.run: await executions.standing(run) for run in shown if run.ended_at is None}
    items = [_item(run, standing.get(run.run, OVER), executions.is_sending(run.run)) for run in shown]
    left = [name for name, each in standing.items() if each.heard and not executions.follows(name)]
    paused = [item.run for item in items if item.status == PAUSED]
    following = items[-1].run if len(found) > len(items) else None
    return JobList(items=items, next=following, hint=hint_of(left, paused))


@operation("jobs.show", Effect.READ, role=Role.VIEWER)
async def show_job(ctx: Ctx, params: OneJob) -> Shown:
    """Show a job: what each node answered so far.

    No node is asked: a job that nobody follows now is shown as it was last heard of.

    devopsclaw jobs show X-31
    """
    return Shown.model_validate(await fields_of(ctx.get(Fleet), params.run))


@operation("jobs.watch", Effect.READ, role=Role.VIEWER)
async def watch_job(ctx: Ctx, params: OneJob) -> Ran:
    """Follow a job to its end, also one that an earlier devopsclaw left; nothing is started by that.

    Nodes are asked for what they were sent. Where others were never sent their part, and nobody is about to,
    the job is paused.

    devopsclaw jobs watch X-31
    """
    fleet = ctx.get(Fleet)
    await fleet.ready()
    await fleet.executions.watch(params.run)
    return await execution_of(fleet, params.run)


async def plan_cancel(ctx: Ctx, params: OneJob) -> Plan:
    """The nodes whose part has not ended."""
    fleet = ctx.get(Fleet)
    run, items, *_ = await fleet.executions.results(params.run)
    live = tuple(item.node for item in items if not item.status.is_final or item.status is State.UNKNOWN)
    stop = f"stop {run.plan['run']}"
    return Plan(operation="jobs.cancel", effect=Effect.WRITE, target=run.run, nodes=live, run=stop)


@operation("jobs.cancel", Effect.WRITE, role=Role.OPERATOR, plan=plan_cancel, reaches_nodes=True)
async def cancel_job(ctx: Ctx, params: OneJob) -> Shown:
    """Stop a job: its commands are ended on their nodes, nothing more is sent.

    devopsclaw jobs cancel X-31
    """
    fleet = ctx.get(Fleet)
    await fleet.ready()
    await fleet.executions.cancel(params.run)
    return Shown.model_validate(await fields_of(fleet, params.run))


async def plan_resume(ctx: Ctx, params: Resume) -> Plan:
    """The nodes that would be sent their part now. Raises BadTarget, Unreachable."""
    fleet = ctx.get(Fleet)
    await fleet.ready()
    run, items, *_ = await fleet.executions.results(params.run)
    before = Plan.model_validate(run.plan)
    pending = tuple(item.node for item in items if item.status is State.PENDING)
    if not pending or fleet.executions.is_sending(run.run):
        waiting = f"wait for {before.run}"
        return Plan(operation="jobs.resume", effect=Effect.READ, target=run.run, run=waiting)
    inventory = fleet.nodes.inventory()
    chosen = [inventory.by_name[name] for name in pending if name in inventory.by_name]
    if fleet.trouble and not any(node.local for node in chosen):
        raise fleet.trouble
    return Plan(
        operation="jobs.resume",
        effect=before.effect,
        target=run.run,
        nodes=pending,
        environments=tuple(sorted({node.environment for node in chosen} - {""})),
        run=before.run,
        steps=before.steps,
        undo=before.undo,
        reason=params.reason,
    )


@operation("jobs.resume", Effect.DESTRUCTIVE, role=Role.OPERATOR, plan=plan_resume, reaches_nodes=True)
async def resume_job(ctx: Ctx, params: Resume) -> Ran:
    """Go on with a job that is paused, and follow it to its end.

    Nodes that were never sent their part are sent it as it was asked for: the same command, in the same
    order, at the same pace.

    devopsclaw jobs resume X-31
    devopsclaw jobs resume X-31 --detach
    """
    fleet = ctx.get(Fleet)
    await fleet.executions.go_on(params.run, ctx.call.actor.user)
    if params.detach:
        fields = await fields_of(fleet, params.run)
        return TakenUp.model_validate({**fields, "hint": goes_on(params.run)})
    await fleet.executions.follow(params.run)
    return await execution_of(fleet, params.run)


async def plan_settle(ctx: Ctx, params: Settle) -> Plan:
    """The part that is closed. Raises NotFound, BadParams where something is known of it."""
    if not params.reason.strip():
        raise BadParams("--reason is empty", hint="say how you know: it is all that others will find")
    fleet = ctx.get(Fleet)
    run, items, *_ = await fleet.executions.results(params.run)
    require_unknown(params.run, {item.node: item.status for item in items}, params.node)
    node = fleet.nodes.inventory().by_name.get(params.node)
    return Plan(
        operation="jobs.settle",
        effect=Effect.WRITE,
        target=run.run,
        nodes=(params.node,),
        environments=(node.environment,) if node and node.environment else (),
        run=f"settle as {params.outcome}: {run.plan['run']}",
        reason=params.reason,
    )


@operation("jobs.settle", Effect.WRITE, role=Role.OPERATOR, plan=plan_settle)
async def settle_job(ctx: Ctx, params: Settle) -> Shown:
    """Say how a job ended on a node where that is unknown: it counts as that from then on.

    Who said so, and why, stands in the job and in the audit trail. What the node itself says later stands
    beside it, and changes nothing.

    devopsclaw jobs settle X-31 --node web-1 --as ok --reason "looked at the machine: nginx runs 1.27"
    """
    fleet = ctx.get(Fleet)
    word = State(params.outcome)
    await fleet.executions.settle(params.run, params.node, word, ctx.call.actor.user, params.reason)
    return Shown.model_validate(await fields_of(fleet, params.run))


def _item(run: Run, standing: Standing, is_sending: bool) -> JobItem:
    return JobItem(
        run=run.run,
        status=word_of_run(run, standing.states.values(), is_sending=is_sending),
        command=run.plan["run"],
        target=run.plan["target"],
        nodes=len(run.nodes),
        user=run.body["user"],
        started_at=stamp(run.created_at),
        duration=run.duration,
        last_heard=latest(standing.heard),
        entry=run.entry,
    )
