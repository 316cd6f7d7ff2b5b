"""Running commands on nodes, and the fleet in one look."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devopsclaw.core.config import Loaded
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import NoParams, Params, Result, argument, operation, option
from devopsclaw.core.rbac import Role
from devopsclaw.fleet.conductor import Request
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.fleet.inventory import Inventory
from devopsclaw.fleet.sugar import compile_target
from devopsclaw.fleet.target import resolve
from devopsclaw.host.effect import judge, refused
from devopsclaw.model.duration import seconds
from devopsclaw.model.errors import BadParams, BadTarget, Damaged, Denied
from devopsclaw.model.events import Warned
from devopsclaw.model.plan import Plan
from devopsclaw.model.process import OUTPUT_CAP
from devopsclaw.model.risk import Effect
from devopsclaw.ops.ran import Ran, execution_of, left_of

COMMAND_LIMIT = 16 * 1024
"""Bytes of a command line: however JSON escapes it, it fits an envelope of 64 KiB."""


class Exec(Params):
    """A command, and where it goes."""

    command: str = argument("Command line, run by /bin/sh on each node.")
    target: str | None = option("Target expression, as `role=web and not @canary`.", None, short="-t")
    tag: tuple[str, ...] = option("Nodes with this label, key=value.", ())
    env: tuple[str, ...] = option("Nodes of this environment.", ())
    node: tuple[str, ...] = option("The node of this name.", ())
    group: tuple[str, ...] = option("Nodes of this group.", ())
    timeout: str = option("Time the command may take on each node, as 60s, 5m, 2h.", "")
    parallel: bool = option("Run on many nodes at once; so it does without saying.", False)
    max: Annotated[int, Field(ge=0)] = option("At most this many nodes at the same time.", 0)
    serial: bool = option("One node after the other; a node that fails stops the rest.", False)
    delay: str = option("With --serial: pause between two nodes, as 10s.", "")
    detach: bool = option("Return once it is under way; it goes on without this command.", False)
    reason: str = option("Why; it stands in the audit trail.", "")


async def plan_exec(ctx: Ctx, params: Exec) -> Plan:
    """The frozen nodes, and what each will run."""
    _check(params)
    fleet = ctx.get(Fleet)
    await fleet.ready()
    inventory = fleet.nodes.inventory()
    if fleet.trouble and not inventory.nodes:
        raise fleet.trouble
    expression = compile_target(params.target, params.tag, params.env, params.node, params.group)
    names = resolve(expression, inventory, await fleet.executions.lookup(expression))
    _check_reach(fleet, inventory, names)
    return Plan(
        operation="fleet.exec",
        effect=judge(params.command).effect,
        target=str(expression) if expression else names[0],
        nodes=names,
        environments=tuple(sorted({inventory.by_name[name].environment for name in names} - {""})),
        run=params.command,
        steps=_steps(params, ctx.get(Loaded)),
        reason=params.reason,
    )


async def keep_entry(ctx: Ctx, ran: Ran) -> Ran:
    """A command that only reads has its audit entry after it: the run and its result get it then."""
    if ran.entry or not ctx.entry:
        return ran
    try:
        await ctx.get(Fleet).executions.name_entry(ran.run, ctx.entry)
    except Damaged as full:
        ctx.publish(Warned(f"{ran.run} does not name its audit entry {ctx.entry}: {full.message}", full.hint))
    return ran.model_copy(update={"entry": ctx.entry})


@operation(
    "fleet.exec",
    Effect.DESTRUCTIVE,
    role=Role.OPERATOR,
    plan=plan_exec,
    reaches_nodes=True,
    recorder=keep_entry,
)
async def execute(ctx: Ctx, params: Exec) -> Ran:
    """Run a shell command on every node that matches.

    Nodes that answer the same are shown once. The command starts at most once on each node, and goes
    on there whatever becomes of this terminal.

    devopsclaw run "uptime" --tag role=web
    devopsclaw fleet exec "systemctl restart nginx" --tag role=web --serial --delay 10s
    devopsclaw run "apt-get -y upgrade" --tag role=web --timeout 1h --detach
    """
    fleet, settings = ctx.get(Fleet), ctx.get(Loaded).config.fleet
    request = Request(
        call=ctx.call.id,
        entry=ctx.entry,
        plan=ctx.plan,
        timeout=_timeout(params, settings.timeout),
        grace=settings.grace,
        output_cap=OUTPUT_CAP,
        parallel=params.max or settings.max_parallel,
        serial=params.serial,
        delay=_delay(params),
        actor=ctx.call.actor,
        parent=ctx.call.parent,
    )
    if params.detach:
        return await left_of(fleet, await fleet.executions.launch(request))
    return await execution_of(fleet, await fleet.executions.execute(request))


class FleetStatus(Result):
    """The fleet in one look."""

    schema_name = "devopsclaw.fleet_status/1"

    relay: str = Field(description="Address of the relay, or none.")
    connection: str = Field(description="connected, connecting, lost or none.")
    why: str = Field(default="", description="Why the connection is lost.")
    nodes: int = Field(description="How many nodes there are.")
    counts: dict[str, int] = Field(description="How many are online, late, offline, lost.")
    drained: list[str] = Field(description="Nodes that are sent nothing new.")
    away: list[str] = Field(description="Nodes that are not online, by name.")
    open_runs: list[str] = Field(description="Runs that are not over.")

    def text(self) -> str:
        """A line for each thing, the ones worth a look last."""
        counted = ", ".join(f"{count} {word}" for word, count in self.counts.items())
        lines = [
            f"relay     {self.relay}  {self.connection}{': ' + self.why if self.why else ''}",
            f"nodes     {self.nodes}{': ' + counted if counted else ''}",
        ]
        named = (("drained", self.drained), ("away", self.away), ("not over", self.open_runs))
        return "\n".join(lines + [f"{word:<9} {', '.join(names)}" for word, names in named if names])


@operation("fleet.status", Effect.READ, role=Role.VIEWER)
async def show_status(ctx: Ctx, params: NoParams) -> FleetStatus:
    """Show the fleet in one look: the relay, how many nodes are there, and which are not.

    devopsclaw fleet status
    devopsclaw fleet status --live
    """
    fleet = ctx.get(Fleet)
    await fleet.ready()
    inventory = fleet.nodes.inventory()
    links = {node.name: node.link(inventory.now).value for node in inventory.nodes}
    words = dict.fromkeys(links.values())
    return FleetStatus(
        relay=fleet.relay.url or "none",
        connection=fleet.relay.status,
        why=fleet.relay.why,
        nodes=len(links),
        counts={word: list(links.values()).count(word) for word in words},
        drained=sorted(node.name for node in inventory.nodes if node.drained),
        away=sorted(name for name, word in links.items() if word != "online"),
        open_runs=await fleet.executions.open_ids(),
    )


def _check(params: Exec) -> None:
    if not params.command.strip():
        raise BadParams("the command is empty", hint='devopsclaw run "uptime" --tag role=web')
    if "\0" in params.command or len(params.command.encode(errors="replace")) > COMMAND_LIMIT:
        raise BadParams(
            f"the command has a NUL byte or more than {COMMAND_LIMIT // 1024} KiB",
            hint="put it into a script on the nodes and run that",
        )
    if refused(params.command):
        raise Denied(
            "this would destroy a root file system or a whole disk, which is refused to everyone",
            hint="if it is really meant, do it on the machine itself",
        )
    if params.serial and (params.parallel or params.max > 1):
        raise BadParams("--serial is one node at a time", hint="leave out --serial, or --parallel and --max")
    if params.delay and not params.serial:
        raise BadParams("--delay is a pause between nodes that run one at a time", hint="add --serial")


def _check_reach(fleet: Fleet, inventory: Inventory, names: tuple[str, ...]) -> None:
    """A target of which nothing can be sent anything is an error, with the way out."""
    chosen = [inventory.by_name[name] for name in names]
    refusals = [node.refusal for node in chosen if node.refusal]
    if len(refusals) == len(chosen):
        raise BadTarget(refusals[0], hint=refusals[0].rpartition(": ")[2])
    if fleet.trouble and not any(node.local for node in chosen):
        raise fleet.trouble


def _timeout(params: Exec, default: float) -> float:
    length = seconds(params.timeout, "--timeout") if params.timeout else default
    if length <= 0:
        raise BadParams("--timeout has to be longer than nothing", hint="write it as 60s, 5m or 2h")
    return length


def _delay(params: Exec) -> float:
    return seconds(params.delay, "--delay") if params.delay else 0.0


def _steps(params: Exec, loaded: Loaded) -> tuple[str, ...]:
    """What shapes the run, for the one who reads the plan."""
    settings = loaded.config.fleet
    pace = f"at most {params.max or settings.max_parallel} nodes at a time"
    if params.serial:
        pace = "one node at a time" + (f", {_delay(params):g} s apart" if params.delay else "")
        pace += "; a node that fails stops the rest"
    return (pace, f"timeout {_timeout(params, settings.timeout):g} s on each node")
