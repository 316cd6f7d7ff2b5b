"""A small product behind the real gate: what the command line is tested on. `python sample_house.py WORDS…`
is its `devopsclaw`; its files lie in DEVOPSCLAW_HOME.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from devopsclaw.cli import tree
from devopsclaw.cli.generate import commands_of
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock, SystemClock
from devopsclaw.core.context import Ctx
from devopsclaw.core.door_server import Listener, listening
from devopsclaw.core.gate import Gate, Record
from devopsclaw.core.lock import hold
from devopsclaw.core.operation import NoParams, Operation, Params, Result, argument, operation, option
from devopsclaw.core.paths import Home
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.model.call import Call
from devopsclaw.model.errors import ApprovalNeeded, Denied, NotFound
from devopsclaw.model.events import NodeMoved, RunPlanned, Warned
from devopsclaw.model.execution import Fold
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State


class Order(StrEnum):
    """How a list is sorted."""

    NAME = "name"
    AGE = "age"


class Exec(Params):
    """A command and where it goes."""

    command: str = argument("Command line, run by /bin/sh on each node.")
    tag: tuple[str, ...] = option("Nodes with this label, key=value.", (), many=True)
    max: int = option("At most this many nodes at a time.", 0)
    serial: bool = option("One node after the other.", False)
    delay: float = option("Seconds between two nodes.", 1.5, short="-w", metavar="TIME")
    verify: bool = option("Look again afterwards.", True)
    secret: str = option("For tests of the program itself.", "", hidden=True)


class Executed(Result):
    """What the nodes answered."""

    schema_name = "devopsclaw.run/1"

    run: str
    entry: str
    duration: float
    counts: dict[str, int]
    folds: list[Fold]

    @property
    def exit(self) -> int:
        """1 when a node failed."""
        return 1 if "failed" in self.counts else 0


async def plan_exec(ctx: Ctx, params: Exec) -> Plan:
    """Three nodes; `rm` is destructive."""
    effect = Effect.DESTRUCTIVE if params.command.startswith("rm") else Effect.WRITE
    return Plan(
        operation="fleet.exec",
        effect=effect,
        target="all",
        nodes=("prod-api-1", "prod-web-1", "prod-web-2"),
        environments=("prod",),
        run=params.command,
        steps=("one node after the other",) if params.serial else (),
    )


def fold(number: int, nodes: str, count: int, **more: Any) -> Fold:
    """A fold of `count` nodes."""
    status = more.pop("status", State.OK)
    code = more.pop("exit_code", 0)
    return Fold(id=number, status=status, exit_code=code, nodes=nodes, names=[nodes], count=count, **more)


@operation("fleet.exec", Effect.DESTRUCTIVE, plan=plan_exec, reaches_nodes=True)
async def execute(ctx: Ctx, params: Exec) -> Executed:
    """Run a command on every node that matches.

    Nodes that answer the same are shown once.

        devopsclaw run uptime --tag role=web
        devopsclaw fleet exec "df -h /" --serial
    """
    ctx.publish(RunPlanned(ctx.call.id, "X-31", params.command, ctx.plan.nodes))
    ctx.publish(NodeMoved(ctx.call.id, "X-31", "prod-web-1", State.RUNNING))
    if params.command == "wait":
        Path(os.environ["DEVOPSCLAW_HOME"], "waiting").touch()
        await asyncio.Event().wait()
    ctx.publish(NodeMoved(ctx.call.id, "X-31", "prod-web-1", State.OK))
    ctx.publish(Warned("1 run waits for a core", "devopsclaw"))
    return Executed(
        run="X-31",
        entry="E-8840",
        duration=0.41,
        counts={"ok": 2, "failed": 1},
        folds=[
            fold(
                1, "prod-api-1", 1, status=State.FAILED, exit_code=2, stdout="half", stderr="no such file\n"
            ),
            fold(2, "prod-web-[1-2]", 2, stdout=json.dumps(params.model_dump()) + "\n"),
        ],
    )


class Listing(Params):
    """Which nodes."""

    order: Order = option("How they are sorted.", Order.NAME)
    limit: int | None = option("At most this many.", None)


class NodeRow(BaseModel):
    """One node."""

    name: str = Field(description="Its name.")
    status: str = Field(description="Its link.")
    labels: dict[str, str] = Field(description="Its labels.")


class Nodes(Result):
    """The nodes."""

    schema_name = "devopsclaw.nodes/1"
    columns = (("node", "name"), ("status", "status"), ("labels", "labels"))

    items: list[NodeRow] = Field(description="By name.")
    next: str = Field(default="", description="Where the next page begins.")


@operation("node.list", Effect.READ)
async def list_nodes(ctx: Ctx, params: Listing) -> Nodes:
    """List the nodes."""
    rows = [
        NodeRow(name="prod-web-1", status="online", labels={"env": "prod", "role": "web"}),
        NodeRow(name="a", status="lost", labels={}),
    ]
    return Nodes(items=rows[: params.limit], next="a" if params.limit == 1 else "")


class NodeNamed(Params):
    """A node."""

    name: str = argument("Name of the node.")


async def plan_remove(ctx: Ctx, params: NodeNamed) -> Plan:
    """One node."""
    return Plan(
        operation="node.remove", effect=Effect.DESTRUCTIVE, nodes=(params.name,), environments=("prod",)
    )


@operation("node.remove", Effect.DESTRUCTIVE, plan=plan_remove)
async def remove_node(ctx: Ctx, params: NodeNamed) -> Nodes:
    """Remove a node."""
    raise NotFound(f"there is no node {params.name}", hint="devopsclaw node list")


class Text(Result):
    """Some lines."""

    schema_name = "devopsclaw.text/1"

    line: str = Field(description="A line.")


@operation("status.show", Effect.READ)
async def show_status(ctx: Ctx, params: NoParams) -> Text:
    """Show what is so."""
    return Text(line="all is well")


@operation("config.show", Effect.READ)
async def show_config(ctx: Ctx, params: NoParams) -> Text:
    """Show the settings; this one never ends."""
    Path(os.environ["DEVOPSCLAW_HOME"], "waiting").touch()
    await asyncio.Event().wait()
    return Text(line="")


@operation("home.onboard", Effect.READ)
async def onboard(ctx: Ctx, params: NoParams) -> Text:
    """Make a home."""
    raise RuntimeError("the roof is missing")


@operation("host.exec", Effect.WRITE, remote=True, plan=plan_exec)
async def execute_here(ctx: Ctx, params: Exec) -> Text:
    """Only on a node."""
    return Text(line="")


OPERATIONS: list[Operation] = [each for each in dict(globals()).values() if isinstance(each, Operation)]


@dataclass
class Kept:
    """No audit."""

    entry: str = ""

    def conclude(self, result: Any) -> None:
        """Nothing to keep."""


class Guards:
    """Permits all; a destructive plan needs the typed phrase, `reboot` a yes."""

    async def permit(self, operation: Operation, call: Call) -> None:
        """Anybody."""

    async def permit_plan(self, operation: Operation, plan: Plan, call: Call) -> None:
        """Anywhere."""

    async def refuse(self, operation: Operation, call: Call, denied: Denied) -> None:
        """Not recorded here."""

    def weigh(self, plan: Plan) -> Plan:
        """Not judged here."""
        return plan

    async def ask(self, operation: Operation, plan: Plan, call: Call) -> bool:
        """Nobody is asked."""
        return False

    async def approve(self, operation: Operation, plan: Plan, call: Call) -> str:
        """The phrase `prod:N` for critical, `yes` for high."""
        phrase = f"prod:{len(plan.nodes)}"
        if plan.effect is Effect.DESTRUCTIVE:
            self._need(call, plan, "critical", phrase)
        elif plan.run == "reboot":
            self._need(call, plan, "high", "yes")
        return ""

    def _need(self, call: Call, plan: Plan, risk: str, phrase: str) -> None:
        given = call.consent
        if given is None or given.phrase != phrase or given.digest not in ("", plan.digest):
            text = f"{plan.operation} is of {risk} risk and needs a yes"
            raise ApprovalNeeded(text, risk=risk, digest=plan.digest, phrase=phrase)

    @asynccontextmanager
    async def audited(
        self, operation: Operation, call: Call, plan: Plan, approval: str
    ) -> AsyncIterator[Record]:
        """Nothing is kept."""
        yield Kept()


@asynccontextmanager
async def open_house(
    home: Home, *, face: str, flags: Mapping[str, str], hands_over: bool = False
) -> AsyncIterator[Listener]:
    """In place of `boot.open`: one at a time on a home, and it answers on the home's socket."""
    home.make()
    gate = Gate(Registry(OPERATIONS), Guards(), Services(), Bus(), ManualClock())
    listener = Listener(gate, face, "1.0", False, "", home.log / "core.jsonl", lambda actor: None)
    async with hold(home.run, "core", face, SystemClock(), 0.0), listening(home, listener):
        opened(home)
        try:
            yield listener
            while not listener.alone.is_set():
                await listener.alone.wait()
        finally:
            if "SLOW_CLOSE" in os.environ:
                Path(os.environ["DEVOPSCLAW_HOME"], "closing").touch()
                await asyncio.sleep(60)


def opened(home: Home) -> None:
    """Keep a line for each core that was opened on this home."""
    with (home.root / "cores").open("a") as cores:
        cores.write(f"{os.getpid()}\n")


def use_sample_commands(folder: Path) -> None:
    """Let the tree read this house's commands. Several programs may do so at once: none reads half a file."""
    tree.COMMANDS = folder / "commands.json"
    written = folder / f"commands.{os.getpid()}.json"
    written.write_text(json.dumps(commands_of(OPERATIONS)))
    written.replace(tree.COMMANDS)


def main() -> None:
    """The program, with this house in place of the product's core."""
    from types import ModuleType

    import devopsclaw
    from devopsclaw import __main__ as program

    boot = ModuleType("devopsclaw.boot")
    vars(boot)["open"] = open_house
    sys.modules["devopsclaw.boot"] = boot
    vars(devopsclaw)["boot"] = boot
    use_sample_commands(Path(os.environ["DEVOPSCLAW_HOME"]))
    program.main()


if __name__ == "__main__":
    main()
