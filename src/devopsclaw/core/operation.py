"""What an operation is: the one way a capability is declared. Running one is the gate's business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, get_type_hints

from pydantic import ConfigDict, Field

from devopsclaw.core.context import Ctx
from devopsclaw.core.rbac import Role
from devopsclaw.model.call import Call
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.value import Value


class Params(Value):
    """What is asked for. Every field is described; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoParams(Params):
    """For operations that take nothing."""


class Column(Value):
    """One column of a table: its heading and the field of an item it shows, dotted for nesting."""

    heading: str
    field: str


class Result(Value):
    """What comes back. Its JSON, with `schema` first, is the same at every face."""

    schema_name: ClassVar[str] = ""
    """As `devopsclaw.nodes/1`; the number grows only when a field goes or changes its meaning."""
    columns: ClassVar[tuple[tuple[str, str], ...]] = ()
    """(heading, field of one of `items`): the table on the command line; empty: see `text`."""

    def as_json(self) -> dict[str, Any]:
        """The JSON object with its schema's name."""
        return {"schema": self.schema_name, **self.model_dump(mode="json")}

    def text(self) -> str:
        """What the command line prints where there is no table."""
        return "\n".join(f"{name}: {value}" for name, value in self.model_dump(mode="json").items())

    @property
    def exit(self) -> int:
        """The exit code of the command line (design §10)."""
        return 0

    @property
    def verdict(self) -> str:
        """The status of the audit entry: `ok`, or the word that fits better."""
        return "ok"

    @property
    def node_counts(self) -> dict[str, int]:
        """How many nodes ended in which state, for the audit entry."""
        return {}

    @property
    def outlives_call(self) -> bool:
        """Whether the call's outcome comes later: it is put on record by the core that sees it, not now."""
        return False

    @property
    def evidence(self) -> str:
        """What the audit entry keeps of the outcome: the hash of the results, or nothing."""
        return ""


def argument(description: str, default: Any = ..., **extra: Any) -> Any:
    """A field that the command line takes by position."""
    return Field(default, description=description, json_schema_extra={"cli": "argument", **extra})


def option(description: str, default: Any = ..., **extra: Any) -> Any:
    """A field that the command line takes as `--name`; `flag="--other"` renames, `short="-x"` adds."""
    return Field(default, description=description, json_schema_extra={"cli": "option", **extra})


Planner = Callable[[Ctx, Any], Awaitable[Plan]]
Handler = Callable[[Ctx, Any], Awaitable[Any]]
Recorder = Callable[[Ctx, Any], Awaitable[Any]]
"""Given the result once its audit entry is written (`ctx.entry`); returns the result that faces get."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A declared capability, found by `registry.discover`."""

    name: str
    handler: Handler
    planner: Planner | None
    params: type[Params]
    result: type[Result]
    ceiling: Effect
    role: Role
    reaches_nodes: bool
    remote: bool
    for_model: bool
    summary: str
    description: str
    recorder: Recorder | None = None

    async def plan(self, ctx: Ctx, call: Call) -> Plan:
        """The plan of this call; a read without a planner of its own touches no node."""
        if self.planner is None:
            return Plan(operation=self.name, effect=self.ceiling)
        return await self.planner(ctx, call.params)

    async def recorded(self, ctx: Ctx, result: Any) -> Any:
        """The result as faces get it: with the call's audit entry, where the operation has a place for it."""
        return result if self.recorder is None else await self.recorder(ctx, result)


def operation(
    name: str,
    ceiling: Effect,
    *,
    role: Role = Role.OPERATOR,
    plan: Planner | None = None,
    reaches_nodes: bool = False,
    remote: bool = False,
    for_model: bool = True,
    recorder: Recorder | None = None,
) -> Callable[[Handler], Operation]:
    """Declare an operation; the handler's annotations name its params and its result."""

    def declare(handler: Handler) -> Operation:
        hints = get_type_hints(handler)
        text = (handler.__doc__ or "").strip()
        return Operation(
            name=name,
            handler=handler,
            planner=plan,
            params=hints["params"],
            result=hints["return"],
            ceiling=ceiling,
            role=role,
            reaches_nodes=reaches_nodes,
            remote=remote,
            for_model=for_model,
            summary=text.splitlines()[0] if text else "",
            description=text,
            recorder=recorder,
        )

    return declare
