"""Everything that runs long: what runs, what ran, and stopping it. Executions so far."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devopsclaw.core.clock import stamp
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import Params, Result, argument, operation, option
from devopsclaw.core.rbac import Role
from devopsclaw.core.runs import Run
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.model.execution import Fold, NodeResult, counts_of
from devopsclaw.model.folding import fold_results
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State, exit_code, word_of
from devopsclaw.model.value import Value


class Ran(Result):
    """What every node answered, one by one and folded."""

    schema_name = "devopsclaw.run/1"

    run: str = Field(description="Id of the run, as X-31.")
    command: str = Field(description="The command line.")
    requested_by: str = Field(description="Who asked for it.")
    via: str = Field(description="The face it came through.")
    target: str = Field(description="The target expression in canonical form.")
    status: str = Field(description="The worst of the nodes: ok, failed, unknown, running …")
    exit_code: int = Field(description="Exit code of the whole run.")
    started_at: str = Field(description="When it was asked for, RFC 3339.")
    ended_at: str = Field(default="", description="When the last node ended.")
    duration: float | None = Field(default=None, description="Seconds from start to end.")
    entry: str = Field(default="", description="Its audit entry, as E-8840.")
    counts: dict[str, int] = Field(description="How many nodes stand in which state.")
    folds: list[Fold] = Field(description="Nodes with the same answer, largest group first.")
    items: list[NodeResult] = Field(description="The nodes one by one, by name.")

    @property
    def exit(self) -> int:
        """See `Result.exit`."""
        return self.exit_code

    @property
    def verdict(self) -> str:
        """See `Result.verdict`."""
        return self.status

    @property
    def node_counts(self) -> dict[str, int]:
        """See `Result.node_counts`."""
        return self.counts


class Shown(Ran):
    """A run that is looked at: looking worked, whatever the run came to."""

    @property
    def exit(self) -> int:
        """See `Result.exit`."""
        return 0

    @property
    def verdict(self) -> str:
        """See `Result.verdict`."""
        return "ok"


class JobItem(Value):
    """One job of a list."""

    run: str = Field(description="Id of the run, as X-31.")
    status: str = Field(description="The worst of the nodes: ok, failed, unknown, running …")
    command: str = Field(description="The command line.")
    target: str = Field(description="The target expression.")
    nodes: int = Field(description="How many nodes.")
    user: str = Field(description="Who asked for it.")
    started_at: str = Field(description="When it was asked for, RFC 3339.")
    duration: float | None = Field(description="Seconds from start to end; null while it runs.")
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
        ("TARGET", "target"),
        ("COMMAND", "command"),
    )

    items: list[JobItem] = Field(description="The jobs.")
    next: str | None = Field(default=None, description="Where the list goes on; null at its end.")


class ListJobs(Params):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = option("Most jobs to list.", 50)
    before: str = option("Only jobs before this one, as X-31: where a list said that it goes on.", "")


class OneJob(Params):
    """A job."""

    run: str = argument("Id of the run, as X-31.")


@operation("jobs.list", Effect.READ, role=Role.VIEWER)
async def list_jobs(ctx: Ctx, params: ListJobs) -> JobList:
    """List what runs and what ran, newest first.

    devopsclaw jobs list
    """
    found = await ctx.get(Fleet).executions.recent(params.limit + 1, params.before)
    items = [_item(run) for run in found[: params.limit]]
    return JobList(items=items, next=items[-1].run if len(found) > len(items) else None)


@operation("jobs.show", Effect.READ, role=Role.VIEWER)
async def show_job(ctx: Ctx, params: OneJob) -> Shown:
    """Show a job: what each node answered so far.

    devopsclaw jobs show X-31
    """
    return Shown.model_validate(await _fields(ctx.get(Fleet), params.run))


@operation("jobs.watch", Effect.READ, role=Role.VIEWER)
async def watch_job(ctx: Ctx, params: OneJob) -> Ran:
    """Follow a job to its end, also one that an earlier devopsclaw left.

    What was under way is asked for at its nodes. What was never sent counts as cancelled.

    devopsclaw jobs watch X-31
    """
    fleet = ctx.get(Fleet)
    await fleet.ready()
    await fleet.executions.resume(params.run)
    return await execution_of(fleet, params.run)


async def plan_cancel(ctx: Ctx, params: OneJob) -> Plan:
    """The nodes whose part has not ended."""
    fleet = ctx.get(Fleet)
    run, items = await fleet.executions.results(params.run)
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
    return Shown.model_validate(await _fields(fleet, params.run))


async def execution_of(fleet: Fleet, run: str) -> Ran:
    """The run as it stands. Raises NotFound."""
    return Ran.model_validate(await _fields(fleet, run))


async def _fields(fleet: Fleet, run_id: str) -> dict[str, object]:
    run, items = await fleet.executions.results(run_id)
    code = exit_code([item.status for item in items]) if run.exit_code is None else run.exit_code
    return {
        "run": run.run,
        "command": run.plan["run"],
        "requested_by": run.body["user"],
        "via": run.body["via"],
        "target": run.plan["target"],
        "status": _word(run),
        "exit_code": code,
        "started_at": stamp(run.created_at),
        "ended_at": stamp(run.finished_at) if run.finished_at else "",
        "duration": _duration(run),
        "entry": run.entry,
        "counts": counts_of(items),
        "folds": fold_results(items),
        "items": items,
    }


def _word(run: Run) -> str:
    return "running" if run.exit_code is None else word_of(run.exit_code)


def _duration(run: Run) -> float | None:
    return max(0.0, run.finished_at - run.created_at) if run.finished_at else None


def _item(run: Run) -> JobItem:
    return JobItem(
        run=run.run,
        status=_word(run),
        command=run.plan["run"],
        target=run.plan["target"],
        nodes=len(run.nodes),
        user=run.body["user"],
        started_at=stamp(run.created_at),
        duration=_duration(run),
        entry=run.entry,
    )
